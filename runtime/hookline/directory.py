"""The agents that can be called, remembered for a short time."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import attrs

from hookline.agents import Agent, AgentStore

REMEMBERED = 10_000
"""How many agents, and how many versions, are remembered at most."""

AnswerT = TypeVar("AnswerT")
KeyT = TypeVar("KeyT")


@attrs.frozen
class _Known(Generic[AnswerT]):
    answer: AnswerT
    until: float


class Directory:
    """Looks agents up by id; an answer is good for some seconds.

    Args:
        store: where the agents are.
        seconds: how long an answer is remembered; 0 asks the store every time.
    """

    def __init__(self, store: AgentStore, seconds: float):
        self._store = store
        self._seconds = seconds
        self._agents: dict[str, _Known[Agent | None]] = {}
        self._versions: dict[tuple[str, int], _Known[Agent | None]] = {}
        self._all: _Known[Sequence[Agent]] | None = None
        self._changes = 0

    async def get(self, agent: str) -> Agent | None:
        """The agent with this id."""
        return await self._remembered(self._agents, agent, lambda: self._store.get(agent))

    async def get_version(self, agent: str, version: int) -> Agent | None:
        """The agent with this id as it was in this version."""
        return await self._remembered(
            self._versions, (agent, version), lambda: self._store.find_version(agent, version)
        )

    async def list(self) -> Sequence[Agent]:
        """All agents, by id."""
        known = self._all
        if known is not None and known.until > time.monotonic():
            return known.answer
        changes = self._changes
        agents: list[Agent] = []
        while page := await self._store.list(after=agents[-1].id if agents else ""):
            agents += page
        if changes == self._changes and len(agents) <= REMEMBERED:
            self._all = _Known(agents, time.monotonic() + self._seconds)
        return agents

    def forget(self) -> None:
        """Agents changed in this process: nothing that was remembered holds."""
        self._changes += 1
        self._agents.clear()
        self._versions.clear()
        self._all = None

    async def _remembered(
        self,
        kept: dict[KeyT, _Known[Agent | None]],
        key: KeyT,
        ask: Callable[[], Awaitable[Agent | None]],
    ) -> Agent | None:
        at = time.monotonic()
        known = kept.get(key)
        if known is not None and known.until > at:
            return known.answer
        changes = self._changes
        found = await ask()
        if changes == self._changes:
            if len(kept) >= REMEMBERED:
                kept.clear()
            kept[key] = _Known(found, at + self._seconds)
        return found
