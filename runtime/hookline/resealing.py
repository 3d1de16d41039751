"""Resealing: what former keys have sealed is sealed with the present one, so that they can go."""

from collections.abc import Callable, Sequence

import attrs
import click
import msgspec

from hookline.errors import StoreUnavailable, VersionConflict
from hookline.records import Record, RecordStore
from hookline.vault import SealBroken

ATTEMPTS = 10
PAGE = 100


@attrs.frozen
class Resealed:
    """What came of a collection, or of several.

    Args:
        resealed: how many records are sealed with the present key now and were not before.
        unchanged: how many were, or hold no secret.
        broken: the ids of those that no key opens; they stay as they are.
    """

    resealed: int = 0
    unchanged: int = 0
    broken: Sequence[str] = ()

    def __add__(self, other: "Resealed") -> "Resealed":
        return Resealed(
            self.resealed + other.resealed,
            self.unchanged + other.unchanged,
            (*self.broken, *other.broken),
        )


async def reseal(
    records: RecordStore, collection: str, anew: Callable[[Record], bytes]
) -> Resealed:
    """Seal what the records of a collection hold with the present key.

    It may be stopped at any moment and begun again. A record that somebody changes meanwhile is
    read again.

    Args:
        records: where they are.
        collection: which ones.
        anew: the data of a record with its secrets sealed by ``Vault.reseal``.

    Raises:
        ConfigError: there is no key.
        StoreUnavailable: the store does not answer, or a record changes all the time.
    """
    total = Resealed()
    after = ""
    while page := await records.list(collection, after=after, limit=PAGE):
        for record in page:
            total += await _reseal(records, record, anew)
        after = page[-1].id
    return total


async def _reseal(
    records: RecordStore, record: Record, anew: Callable[[Record], bytes]
) -> Resealed:
    found: Record | None = record
    for _ in range(ATTEMPTS):
        if found is None:
            return Resealed()
        try:
            data = anew(found)
        except SealBroken:
            return Resealed(broken=(found.id,))
        if data == found.data:
            return Resealed(unchanged=1)
        try:
            await records.put(attrs.evolve(found, data=data), expected=found.version)
        except VersionConflict:
            found = await records.get(record.collection, record.id)
        else:
            return Resealed(resealed=1)
    message = f"{record.id} in {record.collection} changes all the time; try again"
    raise StoreUnavailable(message)


def report(found: Resealed, *, as_json: bool) -> None:
    """Print what came of it. The command fails if something could not be opened."""
    if as_json:
        click.echo(msgspec.json.encode(attrs.asdict(found)).decode())
    else:
        click.echo(f"{found.resealed} resealed, {found.unchanged} unchanged")
        for id_ in found.broken:
            click.echo(f"{id_} was sealed with a key that is not in the config", err=True)
    if found.broken:
        raise SystemExit(1)
