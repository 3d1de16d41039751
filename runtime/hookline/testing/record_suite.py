"""What the parts of the store contract put among the records."""

from collections.abc import Iterable

from hookline.moments import now
from hookline.records import Record
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
