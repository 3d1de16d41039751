"""The agents that can be called, remembered for a short time."""

import time
from collections.abc import Sequence

from hookline.agents import Agent, AgentStore

REMEMBERED = 10_000
"""How many agents are remembered at most."""


class Directory:
    """Looks agents up by id; an answer is good for some seconds.

    Args:
        store: where the agents are.
        seconds: how long an answer is remembered; 0 asks the store every time.
    """

    def __init__(self, store: AgentStore, seconds: float):
        self._store = store
        self._seconds = seconds
        self._known: dict[str, tuple[float, Agent | None]] = {}

    async def get(self, agent: str) -> Agent | None:
        """The agent with this id."""
        at = time.monotonic()
        known = self._known.get(agent)
        if known is not None and known[0] > at:
            return known[1]
        found = await self._store.get(agent)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[agent] = (at + self._seconds, found)
        return found

    async def list(self) -> Sequence[Agent]:
        """All agents, by id."""
        agents: list[Agent] = []
        while page := await self._store.list(after=agents[-1].id if agents else ""):
            agents += page
        return agents

    async def put(self, agent: Agent) -> Agent:
        """Create or replace an agent; what was remembered of it is dropped at once."""
        saved = await self._store.put(agent)
        self._known.pop(agent.id, None)
        return saved
