"""Records: one row each, with a few columns to find it by, and a document that has all of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import aiosqlite
import msgspec

from hookline.archive import NOTHING, ArchiveRecord, content_of
from hookline.moments import in_utc
from hookline_sqlite.columns import document, text, thing
from hookline_sqlite.database import Database, Parameters

RecordT = TypeVar("RecordT")


class SqliteRecords(Generic[RecordT]):
    """Records of one class in a table ``(id, …, document)``.

    What a newer Hookline wrote into a document stays when it is replaced.

    Args:
        database: the file.
        table: the name of the table.
        type_: the class of the records.
        columns: the columns between ``id`` and ``document``.
    """

    def __init__(
        self, database: Database, table: str, type_: type[RecordT], columns: Sequence[str]
    ):
        names = ", ".join(("id", *columns, "document"))
        values = ", ".join("?" * (len(columns) + 2))
        self.database = database
        self.select = f"SELECT id, document FROM {table}"  # noqa: S608  names of ours
        self.count = f"SELECT count(*) FROM {table}"  # noqa: S608
        self._put = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({values})"  # noqa: S608
        self._delete = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608
        self._kind = table.removesuffix("s")
        self._type = type_

    def id_of(self, record: RecordT) -> str:
        """The id of a record's row."""
        raise NotImplementedError

    def columns_of(self, record: RecordT) -> Sequence[Any]:
        """What stands in the columns between ``id`` and ``document``."""
        raise NotImplementedError

    async def find(self, condition: str, parameters: Parameters) -> list[RecordT]:
        """The records of which a condition, which may order and limit them, is true."""
        rows = await self.database.read(f"{self.select} WHERE {condition}", parameters)
        return [self._load(id_, column) for id_, column in rows]

    async def at(self, id_: str) -> RecordT | None:
        """The record with this id."""
        found = await self.find("id = ?", [id_])
        return found[0] if found else None

    async def known(
        self, connection: aiosqlite.Connection, id_: str
    ) -> tuple[RecordT | None, Mapping[str, Any]]:
        """The record with this id, and its content, within a transaction."""
        rows = list(await connection.execute_fetchall(f"{self.select} WHERE id = ?", [id_]))
        if not rows:
            return None, NOTHING
        content = document(rows[0][1], dict[str, Any], f"the {self._kind} {id_}")
        return self._load(id_, rows[0][1]), content

    async def place(
        self, connection: aiosqlite.Connection, record: RecordT, known: Mapping[str, Any] = NOTHING
    ) -> None:
        """Keep a record, within a transaction; ``known`` is the content it had."""
        id_ = self.id_of(record)
        content = text(
            {**known, **msgspec.to_builtins(record, order="deterministic")},
            f"the {self._kind} {id_}",
        )
        row = (id_, *self.columns_of(record), content)
        await connection.execute_fetchall(self._put, row)

    async def remove(self, id_: str) -> bool:
        """Forget a record; false if there was none."""
        return await self.database.change(self._delete, [id_]) > 0

    def checked(self, records: Iterable[RecordT]) -> list[RecordT]:
        """The records as they come back.

        Raises:
            ValueError: a time has no zone.
        """
        return [in_utc(record) for record in records]

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Records of the table, for the archive."""
        sql = f"{self.select} WHERE id > ? ORDER BY id LIMIT ?"
        rows = await self.database.read(sql, [after, limit])
        return [
            ArchiveRecord(
                id_, content_of(self._load(id_, column), document(column, dict[str, Any], id_))
            )
            for id_, column in rows
        ]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep the archive's records as they are."""
        for record in records:
            await self.place(
                connection, msgspec.convert(record.content, self._type), record.content
            )

    def _load(self, id_: str, column: str) -> RecordT:
        what = f"the {self._kind} {id_}"
        return thing(document(column, dict[str, Any], what), self._type, what)
