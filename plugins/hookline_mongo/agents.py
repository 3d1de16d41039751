"""Agents and the versions they had."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from hookline.agents import Agent
from hookline.archive import ArchiveRecord, version_id
from hookline.errors import StoreUnavailable
from hookline.grants import Grant
from hookline_mongo.connection import Connection
from hookline_mongo.documents import Clock, MongoDocuments
from hookline_mongo.driver import Document, DuplicateKeyError, ReplaceOne
from hookline_mongo.grants import MongoGrants
from hookline_mongo.models import AgentModel, AgentVersionModel
from hookline_mongo.shapes import Shape
from hookline_mongo.unfinished import CLEARING, MOVING, Unfinished

log = structlog.get_logger("hookline.plugins.mongo")
_OF_THE_STORE = ("unfinished", "pending_grants", "moves")
"""Fields that are about grants, and no part of a version."""


class MongoAgents(MongoDocuments[Agent]):
    """Agents in the collection ``agents``; the versions that were replaced in ``agent_versions``.

    A version is set aside before it is replaced or deleted: whenever a process ends, there is no
    gap. The current version is always the one in ``agents``, whatever was set aside.
    """

    def __init__(
        self, connection: Connection, grants: MongoGrants, unfinished: Unfinished, clock: Clock
    ):
        super().__init__(connection, Shape(Agent, AgentModel, "agent"), clock)
        self._grants = grants
        self._unfinished = unfinished

    async def put(
        self, agent: Agent, /, *, expected: int | None = None, grants: Sequence[Grant] = ()
    ) -> Agent:
        """Create the agent with its grants, or replace it."""
        pending = self._grants.dumped({grant.id: grant for grant in grants}.values())
        if not pending:
            return await self.keep(agent, expected)
        kept = await self.keep(agent, expected, {"pending_grants": pending, "unfinished": MOVING})
        await self._finish(agent.id)
        return kept

    async def delete(self, agent: str, /, *, expected: int | None = None) -> bool:
        """Remove an agent and the grants on it; false if there was none."""
        done = await super().delete(agent, expected=expected)
        if done:
            await self._finish(agent)
        return done

    async def find_version(self, agent: str, version: int) -> Agent | None:
        """An agent as it was in this version."""
        current = await self.get(agent)
        if current is None or current.version == version:
            return current
        rows = await self.connection.rows(AgentVersionModel, {"_id": version_id(agent, version)})
        found = self.shape.load(rows[0]["document"]) if rows else None
        return found if found is not None and version < current.version else None

    async def versions(
        self, agent: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Agent]:
        """All versions of an agent that exists, newest first: those below ``before``."""
        current = await self.get(agent)
        if current is None:
            return []
        below = current.version if before is None else min(before, current.version)
        rows = await self.connection.rows(
            AgentVersionModel,
            {"agent": agent, "version": {"$lt": below}},
            sort=[("version", -1)],
            limit=limit,
        )
        replaced = [self.shape.load(row["document"]) for row in rows]
        newest = before is None or current.version < before
        return [current, *replaced][:limit] if newest else replaced

    async def create(self, row: Document, kept: Agent, new: Mapping[str, Any]) -> bool:
        """Write an agent where there is none, after what an earlier one left was cleared."""
        await self._unfinished.finish(row)
        return await super().create(row, kept, {**new, "moves": row.get("moves", 0) + 1})

    async def replace(self, row: Document, kept: Agent) -> bool:
        """Write an agent in the place of the one that was read, which is set aside."""
        await self._set_aside(row)
        return await super().replace(row, kept)

    async def remove(self, row: Document) -> bool:
        """Delete the agent that was read, which is set aside."""
        await self._set_aside(row)
        return await super().remove(row)

    def left(self) -> Document:
        """What is left of an agent that is deleted: its grants are still to be removed."""
        return {**super().left(), "unfinished": CLEARING, "moves": "$moves"}

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep records as they are, after what stands in those before was finished."""
        await self._unfinished.settle()
        await super().write(records)

    async def _finish(self, agent: str) -> None:
        """Go on with grants at once. Whoever reads them does so, should it fail here."""
        try:
            await self._unfinished.finish(await self.row(agent))
        except StoreUnavailable as error:
            log.warning("store.grants_left_for_later", agent=agent, error=str(error))

    async def _set_aside(self, row: Document) -> None:
        with self.connection.translated(self.shape.what(row["_id"])):
            try:
                await self.connection.collection(AgentVersionModel).insert_one(_version(row))
            except DuplicateKeyError:
                return  # what a version is never changes


class MongoVersions:
    """The versions of agents that were replaced, as records."""

    def __init__(self, agents: MongoAgents):
        self._agents = agents
        self._connection = agents.connection
        self._shape = agents.shape

    async def count(self) -> int:
        """How many there are."""
        return await self._connection.count(AgentVersionModel)

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Versions, as records."""
        rows = await self._connection.rows(AgentVersionModel, {"_id": {"$gt": after}}, limit=limit)
        return [ArchiveRecord(row["_id"], self._shape.content(row["document"])) for row in rows]

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep records as they are."""
        rows = [_version(self._shape.restored(record.content)) for record in records]
        operations = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows]
        await self._connection.write(AgentVersionModel, operations, "a version of an agent")


def _version(row: Document) -> Document:
    """What is set aside of a document of ``agents``."""
    document = {key: value for key, value in row.items() if key not in _OF_THE_STORE}
    return {
        "_id": version_id(row["_id"], row["version"]),
        "agent": row["_id"],
        "version": row["version"],
        "document": document,
    }
