"""Records of plugins, by collection and id."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiosqlite
import msgspec

from hookline.archive import NOTHING, ArchiveRecord, content_of, record_id, unknown_of
from hookline.moments import micros, of_micros
from hookline.records import Record, check_version, checked, living, revise
from hookline_sqlite.columns import document, text
from hookline_sqlite.database import Database
from hookline_sqlite.documents import Clock

_COLUMNS = "id, collection, record, owner, version, updated_at, expires_at, data, unknown"
_PUT = f"""
INSERT OR REPLACE INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""  # noqa: S608  names of ours
_GET = f"SELECT {_COLUMNS} FROM records WHERE id = ?"  # noqa: S608
_LIST = f"""
SELECT {_COLUMNS} FROM records
WHERE collection = ? AND record > ? AND (expires_at IS NULL OR expires_at > ?)
ORDER BY record LIMIT ?
"""  # noqa: S608
_OWNED = f"""
SELECT {_COLUMNS} FROM records
WHERE collection = ? AND owner = ? AND record > ? AND (expires_at IS NULL OR expires_at > ?)
ORDER BY record LIMIT ?
"""  # noqa: S608
_READ = f"SELECT {_COLUMNS} FROM records WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
_DELETE = "DELETE FROM records WHERE id = ?"
_EXPIRE = "DELETE FROM records WHERE expires_at <= ?"


class SqlitePluginRecords:
    """What plugins keep of their own, in the table ``records``.

    What a newer Hookline wrote into a record stays when it is replaced.

    Args:
        database: the file.
        clock: this moment, in UTC.
    """

    count = "SELECT count(*) FROM records"

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock

    async def get(self, collection: str, id_: str, /) -> Record | None:
        """The record with this id."""
        rows = await self._database.read(_GET, [record_id(collection, id_)])
        return living(_load(rows[0]), self._clock()) if rows else None

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        """Keep a record, in the place of the one with its id; what is kept is returned."""
        given = checked(record)

        def work(connection: sqlite3.Connection) -> Record:
            at = self._clock()
            current, unknown = _current(connection, given.collection, given.id, at)
            kept = revise(given, current, at=at, expected=expected)
            connection.execute(_PUT, _row(kept, unknown))
            return kept

        return await self._database.together(work, durable=True)

    async def list(
        self, collection: str, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Records of a collection ordered by id, all or an owner's: those with an id above."""
        at = micros(self._clock())
        if owner is None:
            rows = await self._database.read(_LIST, [collection, after, at, limit])
        else:
            rows = await self._database.read(_OWNED, [collection, owner, after, at, limit])
        return [_load(row) for row in rows]

    async def delete(self, collection: str, id_: str, /, *, expected: int | None = None) -> bool:
        """Remove a record; false if there was none."""

        def work(connection: sqlite3.Connection) -> bool:
            current, _ = _current(connection, collection, id_, self._clock())
            check_version(id_, current, expected)
            if current is None:
                return False
            connection.execute(_DELETE, [record_id(collection, id_)])
            return True

        return await self._database.together(work, durable=True)

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        return await self._database.change(_EXPIRE, [micros(at)])

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Records, for the archive."""
        rows = await self._database.read(_READ, [after, limit])
        return [ArchiveRecord(row[0], content_of(_load(row), _unknown(row))) for row in rows]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep the archive's records as they are."""
        for record in records:
            kept = msgspec.convert(record.content, Record)
            row = _row(kept, unknown_of(Record, record.content))
            await connection.execute_fetchall(_PUT, row)


def _current(
    connection: sqlite3.Connection, collection: str, id_: str, at: datetime
) -> tuple[Record | None, Mapping[str, Any]]:
    """The record that has not expired, and what a newer Hookline wrote into it."""
    row = connection.execute(_GET, [record_id(collection, id_)]).fetchone()
    found = None if row is None else living(_load(row), at)
    return (None, NOTHING) if found is None else (found, _unknown(row))


def _row(record: Record, unknown: Mapping[str, Any]) -> Sequence[Any]:
    id_ = record_id(record.collection, record.id)
    return (
        id_,
        record.collection,
        record.id,
        record.owner,
        record.version,
        micros(record.updated_at),
        None if record.expires_at is None else micros(record.expires_at),
        record.data,
        text(dict(unknown), f"the record {id_}"),
    )


def _load(row: Sequence[Any]) -> Record:
    _, collection, id_, owner, version, updated_at, expires_at, data, _ = row
    return Record(
        collection=collection,
        id=id_,
        owner=owner,
        data=data,
        version=version,
        updated_at=of_micros(updated_at),
        expires_at=None if expires_at is None else of_micros(expires_at),
    )


def _unknown(row: Sequence[Any]) -> Mapping[str, Any]:
    unknown: Mapping[str, Any] = document(row[8], dict[str, Any], f"the record {row[0]}")
    return unknown
