"""API keys, found by digest."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiosqlite
import msgspec

from hookline.errors import InvalidRequest
from hookline.keys import ApiKey
from hookline_sqlite.columns import document, micros, moment, text
from hookline_sqlite.database import Database

_ADD = """
INSERT INTO keys (id, digest, user, created_at, expires_at, revoked_at, last_used_at, document)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND = """
SELECT id, digest, user, created_at, expires_at, revoked_at, last_used_at, document FROM keys
WHERE digest = ?
"""
_LIST = """
SELECT id, digest, user, created_at, expires_at, revoked_at, last_used_at, document FROM keys
WHERE :user IS NULL OR user = :user ORDER BY created_at DESC, id DESC
"""
_REVOKE = "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?"
_TOUCH = """
UPDATE keys SET last_used_at = :at WHERE id = :id AND coalesce(last_used_at < :at, TRUE)
"""


class KeyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What of a key stands in its document."""

    shown: str
    name: str = ""
    agents: frozenset[str] | None = None


class SqliteKeys:
    """API keys in the table ``keys``."""

    def __init__(self, database: Database):
        self._database = database

    async def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        row = _row(key)

        async def work(connection: aiosqlite.Connection) -> None:
            try:
                await connection.execute_fetchall(_ADD, row)
            except sqlite3.IntegrityError as error:
                message = "this key exists already; choose another one"
                raise InvalidRequest(message, param="key", reason="duplicate_key") from error

        await self._database.write(work)

    async def find(self, digest: str) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""
        rows = await self._database.read(_FIND, [digest])
        return _key(rows[0]) if rows else None

    async def list(self, *, user: str | None = None) -> Sequence[ApiKey]:
        """All keys, or those of a user; newest first."""
        return [_key(row) for row in await self._database.read(_LIST, {"user": user})]

    async def revoke(self, key: str, at: datetime) -> bool:
        """Make the key with this id invalid; false if there is none."""
        revoked_at = micros(at)

        async def work(connection: aiosqlite.Connection) -> bool:
            async with connection.execute(_REVOKE, [revoked_at, key]) as cursor:
                return cursor.rowcount > 0

        return await self._database.write(work)

    async def touch(self, used: Mapping[str, datetime]) -> None:
        """Write down when keys, by id, were last used."""
        rows = [{"id": id_, "at": micros(at)} for id_, at in used.items()]
        if not rows:
            return

        async def work(connection: aiosqlite.Connection) -> None:
            async with connection.executemany(_TOUCH, rows):
                pass

        await self._database.write(work)


def _row(key: ApiKey) -> tuple[Any, ...]:
    kept = KeyDocument(shown=key.shown, name=key.name, agents=key.agents)
    moments = (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
    columns = (None if at is None else micros(at) for at in moments)
    return (key.id, key.digest, key.user, *columns, text(kept, f"key {key.id}"))


def _key(row: Sequence[Any]) -> ApiKey:
    id_, digest, user, created_at, expires_at, revoked_at, last_used_at, column = row
    kept: KeyDocument = document(column, KeyDocument, f"key {id_}")
    return ApiKey(
        id=id_,
        user=user,
        digest=digest,
        shown=kept.shown,
        name=kept.name,
        agents=kept.agents,
        created_at=moment(created_at),
        expires_at=None if expires_at is None else moment(expires_at),
        revoked_at=None if revoked_at is None else moment(revoked_at),
        last_used_at=None if last_used_at is None else moment(last_used_at),
    )
