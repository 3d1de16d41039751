"""Agents and the versions they had."""

from collections.abc import Sequence

from hookline.agents import Agent
from hookline.documents import check_version
from hookline.grants import OF_AGENTS, Grant, Resource
from hookline.moments import in_utc
from hookline_memory.documents import Clock, Kept, MemoryDocuments, copy
from hookline_memory.grants import MemoryGrants


class MemoryAgents(MemoryDocuments[Agent]):
    """Agents, the versions that were replaced, and the grants that come and go with agents."""

    def __init__(self, grants: MemoryGrants, clock: Clock):
        super().__init__(Agent, "agent", clock)
        self._grants = grants
        self.replaced = Kept[tuple[str, int], Agent]()

    async def put(
        self, agent: Agent, /, *, expected: int | None = None, grants: Sequence[Grant] = ()
    ) -> Agent:
        """Create the agent with its grants, or replace it."""
        given = [in_utc(grant) for grant in grants]
        current = self.kept.get(agent.id)
        kept = self.replace(agent, expected)
        if current is None:
            self._grants.keep(given)
        elif kept.version != current.version:
            self._set_aside(current)
        return copy(kept)

    async def delete(self, agent: str, /, *, expected: int | None = None) -> bool:
        """Remove an agent and the grants on it; false if there was none."""
        check_version(agent, self.kept.get(agent), expected)
        current = self.kept.get(agent)
        if current is None:
            return False
        self._set_aside(current)
        self.remove(agent, expected)
        for kind in OF_AGENTS:
            self._grants.drop(Resource(kind, agent))
        return True

    async def find_version(self, agent: str, version: int) -> Agent | None:
        """An agent as it was in this version."""
        current = self.kept.get(agent)
        if current is None:
            return None
        found = current if current.version == version else self.replaced.get((agent, version))
        return None if found is None else copy(found)

    async def versions(
        self, agent: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Agent]:
        """All versions of an agent that exists, newest first: those below ``before``."""
        current = self.kept.get(agent)
        if current is None:
            return []
        found = [current, *(old for (id_, _), old in self.replaced.items() if id_ == agent)]
        below = [old for old in found if before is None or old.version < before]
        return [copy(old) for old in sorted(below, key=_version, reverse=True)[:limit]]

    def _set_aside(self, agent: Agent) -> None:
        self.replaced[agent.id, agent.version] = agent
        unknown = self.kept.unknown.get(agent.id, {})
        self.replaced.unknown[agent.id, agent.version] = unknown


def _version(agent: Agent) -> int:
    return agent.version
