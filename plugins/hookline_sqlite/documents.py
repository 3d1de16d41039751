"""Documents with versions, one row each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import aiosqlite
import msgspec

from hookline.archive import NOTHING, ArchiveRecord, content_of, tombstone
from hookline.documents import Document, check_version, revise
from hookline.moments import in_utc, micros, of_micros
from hookline_sqlite.columns import document, text, thing
from hookline_sqlite.database import Database

Clock = Callable[[], datetime]
DocumentT = TypeVar("DocumentT", bound=Document)
COLUMNS = ("id", "version", "created_at", "updated_at")
"""What of a document stands in columns of its own."""

Row = Sequence[Any]
_NO_ROW: Row = ("", 0, 0, 0, None)


class SqliteDocuments(Generic[DocumentT]):
    """Documents of one kind in a table ``(id, version, created_at, updated_at, document)``.

    A deleted one keeps its row, without a document: its id goes on counting versions. What a newer
    Hookline wrote into a document stays when it is replaced.

    Args:
        database: the file.
        table: the name of the table.
        type_: the class of the documents.
        clock: this moment, in UTC.
    """

    def __init__(self, database: Database, table: str, type_: type[DocumentT], clock: Clock):
        columns = "id, version, created_at, updated_at, document"
        self._get = f"SELECT {columns} FROM {table} WHERE id = ?"  # noqa: S608  names of ours
        self._list = f"""
        SELECT {columns} FROM {table}
        WHERE id > ? AND document IS NOT NULL ORDER BY id LIMIT ?
        """  # noqa: S608  as above
        self._read = f"SELECT {columns} FROM {table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
        self._put = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
        self._delete = f"""
        UPDATE {table} SET document = NULL, created_at = 0, updated_at = 0 WHERE id = ?
        """  # noqa: S608
        self.count = f"SELECT count(*) FROM {table}"  # noqa: S608
        self.database = database
        self.clock = clock
        self._kind = table.removesuffix("s")
        self._type = type_

    async def get(self, id_: str, /) -> DocumentT | None:
        """The document with this id."""
        rows = await self.database.read(self._get, [id_])
        return self.current(rows[0]) if rows else None

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[DocumentT]:
        """Documents ordered by id, those with an id above ``after``."""
        rows = await self.database.read(self._list, [after, limit])
        return [self.load(row) for row in rows]

    async def put(self, document: DocumentT, /, *, expected: int | None = None) -> DocumentT:
        """Create the document, or replace it."""
        given = self.checked(document)

        async def work(connection: aiosqlite.Connection) -> DocumentT:
            row = await self.row(connection, given.id)
            return await self.replace(connection, given, row, expected)

        return await self.database.write(work)

    async def delete(self, id_: str, /, *, expected: int | None = None) -> bool:
        """Remove a document; false if there was none."""

        async def work(connection: aiosqlite.Connection) -> bool:
            row = await self.row(connection, id_)
            return await self.remove(connection, id_, row, expected)

        return await self.database.write(work)

    def checked(self, given: DocumentT) -> DocumentT:
        """The document as it comes back.

        Raises:
            InvalidRequest: it is too large.
            ValueError: a time has no zone.
        """
        text(given, f"the {self._kind} {given.id}")
        return in_utc(given)

    async def row(self, connection: aiosqlite.Connection, id_: str) -> Row:
        """The row of an id; one without a document and of version 0 if there is none."""
        rows = await connection.execute_fetchall(self._get, [id_])
        return next(iter(rows), _NO_ROW)

    async def replace(
        self, connection: aiosqlite.Connection, given: DocumentT, row: Row, expected: int | None
    ) -> DocumentT:
        """Keep a document in the place of what its row holds; what is kept now."""
        current = self.current(row)
        kept = revise(given, current, last=row[1], at=self.clock(), expected=expected)
        if kept is not current:
            unknown = {} if current is None else msgspec.json.decode(row[4])
            await connection.execute_fetchall(self._put, self.dump(kept, unknown))
            await self.changed(connection, kept.id, kept)
        return kept

    async def remove(
        self, connection: aiosqlite.Connection, id_: str, row: Row, expected: int | None
    ) -> bool:
        """Remove what a row holds; false if it holds nothing."""
        current = self.current(row)
        check_version(id_, current, expected)
        if current is None:
            return False
        await connection.execute_fetchall(self._delete, [id_])
        await self.changed(connection, id_, None)
        return True

    async def changed(
        self, connection: aiosqlite.Connection, id_: str, kept: DocumentT | None
    ) -> None:
        """Keep what is derived from a document in step with it."""

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Documents and what is left of deleted ones, as records."""
        rows = await self.database.read(self._read, [after, limit])
        return [ArchiveRecord(row[0], self.archived(row)) for row in rows]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            content = record.content
            if content.get("deleted"):
                gone = [record.id, content["version"], 0, 0, None]
                await connection.execute_fetchall(self._put, gone)
                await self.changed(connection, record.id, None)
                continue
            kept = msgspec.convert(content, self._type)
            await connection.execute_fetchall(self._put, self.dump(kept, content))
            await self.changed(connection, record.id, kept)

    def dump(self, kept: DocumentT, unknown: Mapping[str, Any] = NOTHING) -> Row:
        """The row of a document; ``unknown`` is the content it had, whose other keys stay."""
        content = {**unknown, **msgspec.to_builtins(kept, order="deterministic")}
        for column in COLUMNS:
            del content[column]
        return (
            kept.id,
            kept.version,
            micros(kept.created_at),
            micros(kept.updated_at),
            text(content, f"the {self._kind} {kept.id}"),
        )

    def current(self, row: Row) -> DocumentT | None:
        """The document that a row holds."""
        return None if row[4] is None else self.load(row)

    def load(self, row: Row) -> DocumentT:
        """The document of a row that has one."""
        return thing(self.content(row), self._type, f"the {self._kind} {row[0]}")

    def archived(self, row: Row) -> Mapping[str, Any]:
        """The content of a row as every store has it, with the defaults of fields it has not."""
        content = self.content(row)
        return content if row[4] is None else content_of(self.load(row), content)

    def content(self, row: Row) -> Mapping[str, Any]:
        """All that a row holds, unknown fields too; what is left of a deleted document."""
        id_, version, created_at, updated_at, column = row
        if column is None:
            return tombstone(id_, version)
        return {
            **document(column, dict[str, Any], f"the {self._kind} {id_}"),
            "id": id_,
            "version": version,
            "created_at": msgspec.to_builtins(of_micros(created_at)),
            "updated_at": msgspec.to_builtins(of_micros(updated_at)),
        }
