"""What the parts of the store contract put among the records."""

import asyncio
from collections.abc import Iterable, Sequence

from hookline.errors import VersionConflict
from hookline.moments import now
from hookline.records import Record
from hookline.store import Store
from hookline.testing.suite import DAY

PLUGIN = "tests.things"
PLACES = ("tests", PLUGIN, "tests.things.more", "tests.things_more", "tests.things0", "tests.thing")
"""Collections whose names a database may take for one another's beginning."""


def record(
    id_: str = "r_1",
    collection: str = PLUGIN,
    *,
    owner: str = "alice",
    data: bytes = b'{"a": "\xc3\xa9"}',
) -> Record:
    """A record that is there until tomorrow."""
    return Record(collection=collection, id=id_, owner=owner, data=data, expires_at=now() + DAY)


def names(records: Iterable[Record]) -> list[str]:
    """The ids of records, in their order."""
    return [record.id for record in records]


async def one_putter_wins(stores: Sequence[Store]) -> None:
    """Check that of those that put the same record at once one succeeds, five times over.

    Args:
        stores: of one database, as several servers have them.
    """
    for version in range(5):
        puts = [
            store.records.put(record(data=b"%d" % i), expected=version)
            for i, store in enumerate([*stores] * 5)
        ]
        answers = await asyncio.gather(*puts, return_exceptions=True)
        kept = [one for one in answers if isinstance(one, Record)]
        conflicts = [one for one in answers if isinstance(one, VersionConflict)]
        assert (len(kept), len(conflicts)) == (1, len(puts) - 1)
        assert await stores[0].records.get(PLUGIN, "r_1") == kept[0]
