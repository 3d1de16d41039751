"""All collections, as records."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hookline.archive import ArchiveRecord


class Records(Protocol):
    """One collection, as the archive reads and writes it."""

    async def count(self) -> int:
        """How many records it has."""

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Records ordered by id, those with an id above ``after``."""

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep records as they are."""


class MongoArchive:
    """All collections, by kind."""

    def __init__(self, collections: Mapping[str, Records]):
        self._collections = collections

    async def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        return await self._collections[kind].count()

    async def read(
        self, kind: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[ArchiveRecord]:
        """Records of a kind, ordered by id."""
        return await self._collections[kind].read(after, limit)

    async def write(self, kind: str, records: Sequence[ArchiveRecord]) -> None:
        """Keep records exactly as they are, one by one: in order, until one fails."""
        await self._collections[kind].write(records)
