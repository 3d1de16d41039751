"""API keys, found by digest."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiosqlite
import msgspec

from hookline.archive import NOTHING, ArchiveRecord, content_of
from hookline.errors import InvalidRequest
from hookline.keys import ApiKey
from hookline.moments import in_utc, micros, of_micros
from hookline_sqlite.columns import document, text, thing
from hookline_sqlite.database import Database

TIMES = ("created_at", "expires_at", "revoked_at", "last_used_at")
COLUMNS = ("id", "digest", "user", *TIMES)
"""What of a key stands in columns of its own."""

_NAMES = ", ".join((*COLUMNS, "document"))
_SELECT = f"SELECT {_NAMES} FROM keys"  # noqa: S608  names of ours
_PUT = f"INSERT OR REPLACE INTO keys ({_NAMES}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_LIST = f"""
{_SELECT}
WHERE (:user IS NULL OR user = :user) AND (
    :after = '' OR (created_at, id) < (SELECT created_at, id FROM keys WHERE id = :after)
)
ORDER BY created_at DESC, id DESC LIMIT :limit
"""  # noqa: S608
_TAKEN = "SELECT count(*) FROM keys WHERE id = ? OR digest = ?"
_VALID = """
SELECT count(*) FROM keys
WHERE user = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
"""
_INVALID = """
SELECT id FROM keys
WHERE id IN (SELECT value FROM json_each(?)) AND (revoked_at IS NOT NULL OR expires_at <= ?)
"""
_REVOKE = "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?"
_TOUCH = """
UPDATE keys SET last_used_at = :at WHERE id = :id AND coalesce(last_used_at < :at, TRUE)
"""


class SqliteKeys:
    """API keys in the table ``keys``."""

    count = "SELECT count(*) FROM keys"

    def __init__(self, database: Database, clock: Callable[[], datetime]):
        self._database = database
        self._clock = clock

    async def add(self, key: ApiKey, /, *, limit: int | None = None) -> None:
        """Keep a new key."""
        row, at = _row(in_utc(key)), micros(self._clock())

        async def work(connection: aiosqlite.Connection) -> None:
            [(taken,)] = await connection.execute_fetchall(_TAKEN, [key.id, key.digest])
            if taken:
                message = "this key exists already; choose another one"
                raise InvalidRequest(message, param="key", reason="duplicate_key")
            [(has,)] = await connection.execute_fetchall(_VALID, [key.user, at])
            if limit is not None and has >= limit:
                message = f"{key.user} has {has} valid keys, as many as a user may; revoke one"
                raise InvalidRequest(message, param="user", reason="key_limit_reached")
            await connection.execute_fetchall(_PUT, row)

        await self._database.write(work)

    async def get(self, key: str, /) -> ApiKey | None:
        """The key with this id, valid or not."""
        return await self._found("id = ?", key)

    async def find(self, digest: str, /) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""
        return await self._found("digest = ?", digest)

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[ApiKey]:
        """Keys, all or a user's, newest first; those that come after the one with this id."""
        asked = {"user": user, "after": after, "limit": limit}
        return [_key(row) for row in await self._database.read(_LIST, asked)]

    async def invalid(self, keys: Collection[str], at: datetime) -> frozenset[str]:
        """Those of these ids that are revoked or expired at this moment."""
        asked = text(sorted(keys), "the list of keys")
        return frozenset(id_ for (id_,) in await self._database.read(_INVALID, [asked, micros(at)]))

    async def revoke(self, key: str, at: datetime) -> bool:
        """Make the key with this id invalid; false if there is none."""
        return await self._database.change(_REVOKE, [micros(at), key]) > 0

    async def touch(self, used: Mapping[str, datetime]) -> None:
        """Write down when keys, by id, were last used."""
        rows = [{"id": id_, "at": micros(at)} for id_, at in used.items()]
        if not rows:
            return

        async def work(connection: aiosqlite.Connection) -> None:
            async with connection.executemany(_TOUCH, rows):
                pass

        await self._database.write(work)

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Keys, as records."""
        sql = f"{_SELECT} WHERE id > ? ORDER BY id LIMIT ?"
        rows = await self._database.read(sql, [after, limit])
        return [ArchiveRecord(row[0], content_of(_key(row), _content(row))) for row in rows]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            key = msgspec.convert(record.content, ApiKey)
            await connection.execute_fetchall(_PUT, _row(key, record.content))

    async def _found(self, condition: str, value: str) -> ApiKey | None:
        rows = await self._database.read(f"{_SELECT} WHERE {condition}", [value])
        return _key(rows[0]) if rows else None


def _row(key: ApiKey, unknown: Mapping[str, Any] = NOTHING) -> tuple[Any, ...]:
    content = {**unknown, **msgspec.to_builtins(key, order="deterministic")}
    for column in COLUMNS:
        del content[column]
    moments = (getattr(key, name) for name in TIMES)
    times = (None if at is None else micros(at) for at in moments)
    return (key.id, key.digest, key.user, *times, text(content, f"the key {key.id}"))


def _content(row: Sequence[Any]) -> Mapping[str, Any]:
    id_, digest, user, *times, column = row
    moments = (None if at is None else msgspec.to_builtins(of_micros(at)) for at in times)
    return {
        **document(column, dict[str, Any], f"the key {id_}"),
        "id": id_,
        "digest": digest,
        "user": user,
        **dict(zip(TIMES, moments, strict=True)),
    }


def _key(row: Sequence[Any]) -> ApiKey:
    return thing(_content(row), ApiKey, f"the key {row[0]}")
