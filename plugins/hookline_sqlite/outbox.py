"""The outbox, in the tables ``outbox`` and ``outbox_servers``."""

import sqlite3
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import aiosqlite
import msgspec

from hookline.archive import ArchiveRecord, content_of, unknown_of
from hookline.moments import all_in_utc, micros, now
from hookline.outbox import OutboxCounts, OutboxRun
from hookline_sqlite.columns import document, text, thing
from hookline_sqlite.database import Database

# A run that another server has stays as it is, and the statement changes nothing.
_PUT = """
INSERT INTO outbox (id, server, rest, parked, document) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    rest = excluded.rest, parked = excluded.parked, document = excluded.document
WHERE server = excluded.server
"""
_REPLACE = """
INSERT OR REPLACE INTO outbox (id, server, rest, parked, document) VALUES (?, ?, ?, ?, ?)
"""
_REMOVE = "DELETE FROM outbox WHERE id = ? AND server = ?"
_LEASE = """
INSERT INTO outbox_servers (id, until) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)
"""
_LEAVE = "DELETE FROM outbox_servers WHERE id = ?"
_CLAIMABLE = """
SELECT id, document FROM outbox
WHERE rest = 0 AND server != ?
    AND (server = '' OR server NOT IN (SELECT id FROM outbox_servers WHERE until > ?))
ORDER BY id LIMIT ?
"""
_CLAIM = "UPDATE outbox SET server = ? WHERE id = ?"
# Servers that have nothing left and are long gone.
_TIDY = """
DELETE FROM outbox_servers WHERE until < ? AND id NOT IN (SELECT server FROM outbox)
"""
_OWNED = """
SELECT id, server, document FROM outbox WHERE server = ? AND id > ? ORDER BY id LIMIT ?
"""
_FIND = "SELECT id, server, document FROM outbox WHERE id = ?"
_PARKED = """
SELECT id, server, document FROM outbox WHERE parked > 0 AND id > ? ORDER BY id LIMIT ?
"""
_READ = "SELECT id, server, document FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
_COUNTS = "SELECT count(*), coalesce(sum(parked), 0) FROM outbox"
_encode = msgspec.json.Encoder(order="deterministic").encode


class SqliteOutbox:
    """Runs that recorders are to be told of. ``server`` stands in its column alone."""

    def __init__(self, database: Database):
        self._database = database

    async def find(self, run: str) -> OutboxRun | None:
        """The run of this id."""
        rows = await self._database.read(_FIND, [run])
        return _load(*rows[0]) if rows else None

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> AbstractSet[str]:
        """Keep those that are new or their server's; the ids of the others."""
        rows = [_row(run) for run in runs]

        def work(connection: sqlite3.Connection) -> AbstractSet[str]:
            return {row[0] for row in rows if connection.execute(_PUT, row).rowcount == 0}

        return await self._database.together(work, durable=durable)

    async def remove(self, runs: Collection[str], *, server: str) -> None:
        """Forget those of these runs that are the server's."""
        rows = [(run, server) for run in runs]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_REMOVE, rows)

        await self._database.together(work, durable=False)

    async def lease(self, server: str, until: datetime) -> None:
        """The server owns its runs until this moment at least."""
        row = (server, micros(until))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_LEASE, row)

        await self._database.together(work, durable=False)

    async def leave(self, server: str) -> None:
        """The server's runs can be claimed at once."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_LEAVE, [server])

        await self._database.together(work, durable=False)

    async def claim(self, server: str, at: datetime, *, limit: int = 1000) -> Sequence[OutboxRun]:
        """Take over runs of others whose lease has ended, ordered by id; not those at rest."""
        moment = micros(at)

        def work(connection: sqlite3.Connection) -> Sequence[Any]:
            found = connection.execute(_CLAIMABLE, (server, moment, limit)).fetchall()
            connection.executemany(_CLAIM, [(server, id_) for id_, _ in found])
            connection.execute(_TIDY, [moment])
            return found

        found = await self._database.together(work, durable=False)
        return [_load(id_, server, column) for id_, column in found]

    async def owned(
        self, server: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutboxRun]:
        """The server's runs ordered by id."""
        return [_load(*row) for row in await self._database.read(_OWNED, [server, after, limit])]

    async def parked(self, *, after: str = "", limit: int = 1000) -> Sequence[OutboxRun]:
        """Runs that have something parked, ordered by id."""
        return [_load(*row) for row in await self._database.read(_PARKED, [after, limit])]

    async def retry(self, run: str) -> bool:
        """Make what is parked of a run nobody's, and not parked; false if nothing is."""

        def work(connection: sqlite3.Connection) -> bool:
            sql = "SELECT document FROM outbox WHERE id = ? AND parked > 0"
            row = connection.execute(sql, [run]).fetchone()
            if row is None:
                return False
            content = {**msgspec.json.decode(row[0]), "parked": [], "updated_at": now()}
            freed = msgspec.convert({**content, "server": ""}, OutboxRun, strict=False)
            column = _encode({**content, "server": ""}).decode()
            connection.execute(_REPLACE, (run, "", freed.at_rest, 0, column))
            return True

        return await self._database.together(work, durable=True)

    async def counts(self) -> OutboxCounts:
        """How much there is."""
        [(runs, parked)] = await self._database.read(_COUNTS)
        return OutboxCounts(runs=runs, parked=parked)


class SqliteOutboxTable:
    """The outbox, for the archive."""

    count = "SELECT count(*) FROM outbox"

    def __init__(self, database: Database):
        self._database = database

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Runs, as records."""
        return [
            ArchiveRecord(
                id_,
                content_of(
                    _load(id_, server, column),
                    unknown_of(OutboxRun, document(column, dict[str, Any], id_)),
                ),
            )
            for id_, server, column in await self._database.read(_READ, [after, limit])
        ]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            run = msgspec.convert(record.content, OutboxRun)
            column = text(dict(record.content), f"the run {run.id}")
            row = (run.id, run.server, run.at_rest, len(run.parked), column)
            await connection.execute_fetchall(_REPLACE, row)


def _row(run: OutboxRun) -> Sequence[Any]:
    run = all_in_utc(run)
    column = text(run, f"the run {run.id}")
    return (run.id, run.server, run.at_rest, len(run.parked), column)


def _load(id_: str, server: str, column: str) -> OutboxRun:
    what = f"the run {id_}"
    return thing({**document(column, dict[str, Any], what), "server": server}, OutboxRun, what)
