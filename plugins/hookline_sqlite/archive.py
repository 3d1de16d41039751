"""All tables, as records."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import aiosqlite

from hookline.archive import ArchiveRecord
from hookline_sqlite.database import Database


class Table(Protocol):
    """One table, as the archive reads and writes it."""

    @property
    def count(self) -> str:
        """The statement that counts its rows."""

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Records ordered by id, those with an id above ``after``."""

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are, within a transaction."""


class SqliteArchive:
    """All tables, by kind."""

    def __init__(self, database: Database, tables: Mapping[str, Table]):
        self._database = database
        self._tables = tables

    async def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        [(count,)] = await self._database.read(self._tables[kind].count)
        return int(count)

    async def read(
        self, kind: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[ArchiveRecord]:
        """Records of a kind, ordered by id."""
        return await self._tables[kind].read(after, limit)

    async def write(self, kind: str, records: Sequence[ArchiveRecord]) -> None:
        """Keep records exactly as they are, in one transaction."""

        async def work(connection: aiosqlite.Connection) -> None:
            await self._tables[kind].write(connection, records)

        await self._database.write(work)
