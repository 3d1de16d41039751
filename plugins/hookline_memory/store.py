"""The store in dictionaries. What goes in and comes out is shared with nobody who may change it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Self

import attrs
import msgspec

from hookline.agents import Agent
from hookline.documents import revise
from hookline.errors import InvalidRequest
from hookline.keys import ApiKey
from hookline.moments import now, utc
from hookline.store import Continuation

Clock = Callable[[], datetime]


class MemoryAgents:
    """Agents in a dictionary."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._agents: dict[str, Agent] = {}
        self._versions: dict[str, int] = {}

    async def get(self, agent: str) -> Agent | None:
        """The current version of the agent with this id."""
        kept = self._agents.get(agent)
        return None if kept is None else _copy(kept)

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Agent]:
        """Agents ordered by id, those with an id greater than ``after``."""
        ids = sorted(id_ for id_ in self._agents if id_ > after)
        return [_copy(self._agents[id_]) for id_ in ids[:limit]]

    async def put(self, agent: Agent) -> Agent:
        """Create the agent, or replace it."""
        current = self._agents.get(agent.id)
        version = self._versions.get(agent.id, 0)
        kept = revise(_copy(agent), current, version=version, at=self._clock())
        self._agents[agent.id] = kept
        self._versions[agent.id] = kept.version
        return _copy(kept)

    async def delete(self, agent: str) -> bool:
        """Remove an agent; false if there was none."""
        return self._agents.pop(agent, None) is not None


class MemoryKeys:
    """API keys in a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._digests: dict[str, str] = {}

    async def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        if key.id in self._keys or key.digest in self._digests:
            message = "this key exists already; choose another one"
            raise InvalidRequest(message, param="key", reason="duplicate_key")
        self._keys[key.id] = attrs.evolve(
            key,
            created_at=utc(key.created_at),
            expires_at=key.expires_at and utc(key.expires_at),
            revoked_at=key.revoked_at and utc(key.revoked_at),
            last_used_at=key.last_used_at and utc(key.last_used_at),
        )
        self._digests[key.digest] = key.id

    async def find(self, digest: str) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""
        return self._keys.get(self._digests.get(digest, ""))

    async def list(self, *, user: str | None = None) -> Sequence[ApiKey]:
        """All keys, or those of a user; newest first."""
        keys = (key for key in self._keys.values() if user is None or key.user == user)
        return sorted(keys, key=lambda key: (key.created_at, key.id), reverse=True)

    async def revoke(self, key: str, at: datetime) -> bool:
        """Make the key with this id invalid; false if there is none."""
        kept = self._keys.get(key)
        if kept is None:
            return False
        self._keys[key] = attrs.evolve(kept, revoked_at=kept.revoked_at or utc(at))
        return True

    async def touch(self, used: Mapping[str, datetime]) -> None:
        """Write down when keys, by id, were last used."""
        moments = {id_: utc(at) for id_, at in used.items()}
        for id_, at in moments.items():
            key = self._keys.get(id_)
            if key is not None and (key.last_used_at is None or key.last_used_at < at):
                self._keys[id_] = attrs.evolve(key, last_used_at=at)


class MemoryContinuations:
    """Continuations in a dictionary."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._kept: dict[str, Continuation] = {}

    async def put(self, continuation: Continuation) -> None:
        """Keep it, until it expires."""
        self._kept[continuation.id] = attrs.evolve(
            continuation,
            calls=dict(continuation.calls),
            expires_at=utc(continuation.expires_at),
        )

    async def find(self, calls: Sequence[str], *, user: str, agent: str) -> Sequence[Continuation]:
        """Those of this user and agent that hold one of these call ids and have not expired."""
        at, wanted = self._clock(), frozenset(calls)
        found = (
            attrs.evolve(kept, calls=dict(kept.calls))
            for kept in self._kept.values()
            if kept.user == user and kept.agent == agent and at < kept.expires_at
            if not wanted.isdisjoint(kept.calls)
        )
        return sorted(found, key=lambda kept: (kept.expires_at, kept.id))

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        gone = [id_ for id_, kept in self._kept.items() if kept.expires_at <= at]
        for id_ in gone:
            del self._kept[id_]
        return len(gone)


class MemoryStore:
    """All ports in this process's memory. For tests and the demo: nothing outlives the object."""

    def __init__(self, clock: Clock = now):
        self.agents = MemoryAgents(clock)
        self.keys = MemoryKeys()
        self.continuations = MemoryContinuations(clock)

    async def ping(self) -> None:
        """Return: memory always answers."""

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing to close."""


class MemoryStores:
    """Opens ``memory://``: a new, empty store each time."""

    scheme = "memory"

    def __init__(self, clock: Clock = now):
        self._clock = clock

    def open(self, url: str) -> MemoryStore:
        """A new store; the URL says nothing further."""
        return MemoryStore(self._clock)


def _copy(agent: Agent) -> Agent:
    """The agent as a database would give it back."""
    parameters = msgspec.json.encode(agent.model_parameters)
    return attrs.evolve(
        agent,
        model_parameters=msgspec.json.decode(parameters),
        tools=tuple(agent.tools),
        locked=tuple(agent.locked),
        created_at=utc(agent.created_at),
        updated_at=utc(agent.updated_at),
    )
