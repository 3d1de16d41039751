"""Agents: what a caller names as ``model``."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import attrs

DEFAULT_RECURSION_LIMIT = 25
"""Steps of the loop: a model call is one, the tools of a turn are one. Source: seed 13.6."""

Dialect = Literal["openai", "librechat"]


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, as stores keep it.

    Raises:
        ValueError: the moment has no zone.
    """
    if moment.tzinfo is None:
        message = f"{moment} has no time zone; use an aware datetime"
        raise ValueError(message)
    return moment.astimezone(UTC)


@attrs.frozen(kw_only=True)
class Agent:
    """A versioned document. ``(id, version)`` never changes its meaning. Fields: seed 7.

    ``model_parameters`` are OpenAI's request fields and whatever else the provider knows; those
    named in ``locked`` cannot be overridden by a request.
    """

    id: str
    provider: str
    model: str
    version: int = 1
    name: str = ""
    description: str = ""
    instructions: str = ""
    model_parameters: Mapping[str, Any] = attrs.field(factory=dict)
    tools: Sequence[str] = ()
    locked: Sequence[str] = ()
    recursion_limit: int = DEFAULT_RECURSION_LIMIT
    dialect: Dialect | None = None
    on_tool_failure: Literal["fail", "degrade"] = "fail"
    managed_by: str | None = None
    created_at: datetime = attrs.field(factory=now)
    updated_at: datetime = attrs.field(factory=now)


class AgentStore(Protocol):
    """Where agents are kept. Every method may raise ``StoreUnavailable``."""

    async def get(self, agent: str) -> Agent | None:
        """The current version of the agent with this id."""

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Agent]:
        """Agents ordered by id, those with an id greater than ``after``."""

    async def put(self, agent: Agent) -> Agent:
        """Create the agent, or replace it; what is kept is what ``revise`` says.

        Raises:
            InvalidRequest: the agent is too large.
            ValueError: a time has no zone.
        """

    async def delete(self, agent: str) -> bool:
        """Remove an agent; false if there was none.

        An agent that gets the same id later goes on counting versions where this one ended.
        """


def same_content(one: Agent, other: Agent) -> bool:
    """Whether two agents differ in nothing but version and times."""
    times = (one.created_at, one.updated_at)
    made_alike = attrs.evolve(other, version=one.version, created_at=times[0], updated_at=times[1])
    return made_alike == one


def revise(agent: Agent, current: Agent | None, *, version: int, at: datetime) -> Agent:
    """What a store keeps when an agent is put.

    A new agent gets the next version. An existing one keeps ``created_at``; if it differs in
    nothing but version and times, it is left as it is.

    Args:
        agent: as it was put.
        current: what the store holds under its id.
        version: the last one that this id ever had; 0 if none.
        at: this moment.
    """
    if current is None:
        return attrs.evolve(agent, version=version + 1)
    if same_content(current, agent):
        return current
    return attrs.evolve(agent, version=version + 1, created_at=current.created_at, updated_at=at)
