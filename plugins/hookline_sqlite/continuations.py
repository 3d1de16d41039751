"""Continuations, found by the calls that they wait for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiosqlite
import msgspec

from hookline.archive import NOTHING, ArchiveRecord, content_of, unknown_of
from hookline.documents import refuse_large
from hookline.moments import micros, of_micros
from hookline.store import Continuation
from hookline_sqlite.columns import document, text
from hookline_sqlite.database import Database

_PUT = """
INSERT INTO continuations (id, user, agent, expires_at, calls, messages, unknown)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_PUT_CALL = "INSERT INTO continuation_calls (call, continuation) VALUES (?, ?)"
_EXPIRE = "DELETE FROM continuations WHERE expires_at <= ?"
_FIND = """
SELECT id, user, agent, expires_at, calls, messages FROM continuations
WHERE user = ? AND agent = ? AND expires_at > ? AND id IN (
    SELECT continuation FROM continuation_calls WHERE call IN (SELECT value FROM json_each(?))
)
ORDER BY expires_at, id
"""


_READ = """
SELECT id, user, agent, expires_at, calls, messages, unknown FROM continuations
WHERE id > ? ORDER BY id LIMIT ?
"""


class SqliteContinuations:
    """Continuations in two tables; ``continuation_calls`` leads from a call to them."""

    count = "SELECT count(*) FROM continuations"

    def __init__(self, database: Database, clock: Callable[[], datetime]):
        self._database = database
        self._clock = clock

    async def put(self, continuation: Continuation) -> None:
        """Keep it, until it expires."""
        row = _row(continuation)

        async def work(connection: aiosqlite.Connection) -> None:
            await _keep(connection, row, continuation)

        await self._database.write(work)

    async def find(self, calls: Sequence[str], *, user: str, agent: str) -> Sequence[Continuation]:
        """Those of this user and agent that hold one of these call ids and have not expired."""
        asked = text(list(calls), "the list of tool calls")
        at = micros(self._clock())
        return [_read(row) for row in await self._database.read(_FIND, [user, agent, at, asked])]

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        return await self._database.change(_EXPIRE, [micros(at)])

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Continuations, as records."""
        rows = await self._database.read(_READ, [after, limit])
        return [
            ArchiveRecord(id_, content_of(_read((id_, *rest)), msgspec.json.decode(unknown)))
            for id_, *rest, unknown in rows
        ]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            continuation = msgspec.convert(record.content, Continuation)
            unknown = unknown_of(Continuation, record.content)
            await _keep(connection, _row(continuation, unknown), continuation)


def _row(continuation: Continuation, unknown: Mapping[str, Any] = NOTHING) -> Sequence[Any]:
    what = f"the unfinished run {continuation.id}"
    refuse_large(len(continuation.messages), what)
    return (
        continuation.id,
        continuation.user,
        continuation.agent,
        micros(continuation.expires_at),
        text(dict(continuation.calls), what),
        continuation.messages,
        text(dict(unknown), what),
    )


async def _keep(
    connection: aiosqlite.Connection, row: Sequence[Any], continuation: Continuation
) -> None:
    await connection.execute_fetchall("DELETE FROM continuations WHERE id = ?", row[:1])
    await connection.execute_fetchall(_PUT, row)
    calls = [(call, continuation.id) for call in continuation.calls]
    async with connection.executemany(_PUT_CALL, calls):
        pass


def _read(row: Sequence[Any]) -> Continuation:
    id_, user, agent, expires_at, calls, messages = row
    return Continuation(
        id=id_,
        user=user,
        agent=agent,
        calls=document(calls, dict[str, str], f"the unfinished run {id_}"),
        messages=messages,
        expires_at=of_micros(expires_at),
    )
