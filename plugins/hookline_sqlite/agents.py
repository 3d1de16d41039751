"""Agents and the versions they had."""

from collections.abc import Sequence

import aiosqlite
import msgspec

from hookline.agents import Agent
from hookline.archive import ArchiveRecord, version_id
from hookline.documents import check_version
from hookline.grants import OF_AGENTS, Grant, Resource
from hookline_sqlite.database import Database
from hookline_sqlite.documents import Clock, Row, SqliteDocuments
from hookline_sqlite.grants import SqliteGrants

_SET_ASIDE = """
INSERT OR REPLACE INTO agent_versions (record, id, version, created_at, updated_at, document)
VALUES (?, ?, ?, ?, ?, ?)
"""
_VERSION = """
SELECT id, version, created_at, updated_at, document FROM agent_versions
WHERE id = ? AND version = ?
"""
_VERSIONS = """
SELECT id, version, created_at, updated_at, document FROM agent_versions
WHERE id = ? AND version < ? ORDER BY version DESC LIMIT ?
"""
_READ = """
SELECT id, version, created_at, updated_at, document FROM agent_versions
WHERE record > ? ORDER BY record LIMIT ?
"""
_ANY = 2**62
"""More than any version."""


class SqliteAgents(SqliteDocuments[Agent]):
    """Agents in the table ``agents``; the versions that were replaced in ``agent_versions``."""

    def __init__(self, database: Database, grants: SqliteGrants, clock: Clock):
        super().__init__(database, "agents", Agent, clock)
        self._grants = grants

    async def put(
        self, agent: Agent, /, *, expected: int | None = None, grants: Sequence[Grant] = ()
    ) -> Agent:
        """Create the agent with its grants, or replace it."""
        given, given_grants = self.checked(agent), self._grants.checked(grants)

        async def work(connection: aiosqlite.Connection) -> Agent:
            row = await self.row(connection, given.id)
            if row[4] is not None:
                kept = await self.replace(connection, given, row, expected)
                if kept.version != row[1]:
                    await set_aside(connection, row)
                return kept
            await self._grants.keep(connection, given_grants)
            return await self.replace(connection, given, row, expected)

        return await self.database.write(work)

    async def delete(self, agent: str, /, *, expected: int | None = None) -> bool:
        """Remove an agent and the grants on it; false if there was none."""

        async def work(connection: aiosqlite.Connection) -> bool:
            row = await self.row(connection, agent)
            check_version(agent, self.current(row), expected)
            if row[4] is None:
                return False
            await set_aside(connection, row)
            for kind in OF_AGENTS:
                await self._grants.drop(connection, Resource(kind, agent))
            return await self.remove(connection, agent, row, expected)

        return await self.database.write(work)

    async def find_version(self, agent: str, version: int) -> Agent | None:
        """An agent as it was in this version."""
        current = await self.get(agent)
        if current is None or current.version == version:
            return current
        rows = await self.database.read(_VERSION, [agent, version])
        return self.load(rows[0]) if rows else None

    async def versions(
        self, agent: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Agent]:
        """All versions of an agent that exists, newest first: those below ``before``."""
        current = await self.get(agent)
        if current is None:
            return []
        below = _ANY if before is None else before
        rows = await self.database.read(_VERSIONS, [agent, min(below, current.version), limit])
        replaced = [self.load(row) for row in rows]
        return [current, *replaced][:limit] if current.version < below else replaced


class SqliteVersions:
    """The versions of agents that were replaced, as records."""

    count = "SELECT count(*) FROM agent_versions"

    def __init__(self, agents: SqliteAgents):
        self._agents = agents

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Versions, as records."""
        rows: Sequence[Row] = await self._agents.database.read(_READ, [after, limit])
        return [
            ArchiveRecord(version_id(row[0], row[1]), self._agents.archived(row)) for row in rows
        ]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            agent = msgspec.convert(record.content, Agent)
            await set_aside(connection, self._agents.dump(agent, record.content))


async def set_aside(connection: aiosqlite.Connection, row: Row) -> None:
    """Keep a row of ``agents`` among the replaced versions."""
    await connection.execute_fetchall(_SET_ASIDE, [version_id(row[0], row[1]), *row])
