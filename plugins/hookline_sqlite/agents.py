"""Agents, one JSON document each."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

import aiosqlite
import msgspec

from hookline.agents import DEFAULT_RECURSION_LIMIT, Agent, Dialect
from hookline.documents import revise
from hookline_sqlite.columns import document, micros, moment, text
from hookline_sqlite.database import Database

_GET = """
SELECT id, version, created_at, updated_at, document FROM agents WHERE id = ?
"""
_LIST = """
SELECT id, version, created_at, updated_at, document FROM agents
WHERE id > ? AND document IS NOT NULL ORDER BY id LIMIT ?
"""
_PUT = """
INSERT OR REPLACE INTO agents (id, version, created_at, updated_at, document)
VALUES (?, ?, ?, ?, ?)
"""
_DELETE = "UPDATE agents SET document = NULL WHERE id = ? AND document IS NOT NULL"
_NO_ROW: Sequence[Any] = ("", 0, 0, 0, None)


class AgentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What of an agent stands in its document: all that is not searched."""

    provider: str
    model: str
    name: str = ""
    description: str = ""
    instructions: str = ""
    model_parameters: dict[str, Any] = {}
    tools: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    recursion_limit: int = DEFAULT_RECURSION_LIMIT
    dialect: Dialect | None = None
    on_tool_failure: Literal["fail", "degrade"] = "fail"
    managed_by: str | None = None


class SqliteAgents:
    """Agents in the table ``agents``."""

    def __init__(self, database: Database, clock: Callable[[], datetime]):
        self._database = database
        self._clock = clock

    async def get(self, agent: str) -> Agent | None:
        """The current version of the agent with this id."""
        rows = await self._database.read(_GET, [agent])
        return _current(rows[0]) if rows else None

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Agent]:
        """Agents ordered by id, those with an id greater than ``after``."""
        rows = await self._database.read(_LIST, [after, limit])
        return [_agent(row) for row in rows]

    async def put(self, agent: Agent) -> Agent:
        """Create the agent, or replace it. What a newer Hookline added to its document is kept."""
        put = _row(agent, {})

        async def work(connection: aiosqlite.Connection) -> Agent:
            rows = await connection.execute_fetchall(_GET, [agent.id])
            row = next(iter(rows), _NO_ROW)
            current = _current(row)
            kept = revise(_agent(put), current, version=row[1], at=self._clock())
            if kept is not current:
                known = {} if current is None else msgspec.json.decode(row[4])
                await connection.execute_fetchall(_PUT, _row(kept, known))
            return kept

        return await self._database.write(work)

    async def delete(self, agent: str) -> bool:
        """Remove an agent; false if there was none."""

        async def work(connection: aiosqlite.Connection) -> bool:
            async with connection.execute(_DELETE, [agent]) as cursor:
                return cursor.rowcount > 0

        return await self._database.write(work)


def _row(agent: Agent, known: dict[str, Any]) -> tuple[Any, ...]:
    """The columns of an agent; ``known`` is the document it had, whose other keys stay."""
    fields = {field: getattr(agent, field) for field in AgentDocument.__struct_fields__}
    return (
        agent.id,
        agent.version,
        micros(agent.created_at),
        micros(agent.updated_at),
        text({**known, **fields}, f"agent {agent.id}"),
    )


def _current(row: Sequence[Any]) -> Agent | None:
    return None if row[4] is None else _agent(row)


def _agent(row: Sequence[Any]) -> Agent:
    id_, version, created_at, updated_at, column = row
    kept: AgentDocument = document(column, AgentDocument, f"agent {id_}")
    return Agent(
        id=id_,
        version=version,
        created_at=moment(created_at),
        updated_at=moment(updated_at),
        **{field: getattr(kept, field) for field in AgentDocument.__struct_fields__},
    )
