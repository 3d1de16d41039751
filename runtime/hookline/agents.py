"""Agents: what a caller names as ``model``."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import attrs

from hookline.documents import DocumentStore
from hookline.grants import Grant
from hookline.moments import now

DEFAULT_RECURSION_LIMIT = 25
"""Steps of the loop: a model call is one, the tools of a turn are one. Source: seed 13.6."""

Dialect = Literal["openai", "librechat"]
EdgeType = Literal["handoff", "direct"]
ToolCaller = Literal["direct", "code_execution"]
DIRECT: tuple[ToolCaller, ...] = ("direct",)


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(words)


@attrs.frozen(kw_only=True)
class Edge:
    """The way from some agents to others. Fields: seed 7 and 13.4.

    Args:
        from_: who the way leads from.
        to: where it leads.
        edge_type: a ``handoff`` is a tool with which a model hands over; a ``direct`` edge is
            followed once all agents in ``from_`` have ended.
        description: of the tool; there is one that says whom it hands over to.
        prompt: of a handoff, what its argument is for; of a direct edge, what the next agents are
            told, with ``{results}`` for what has been said so far.
        prompt_key: the name of that argument; ``instructions`` unless given.
        exclude_results: whether the next agents read the caller's messages and the prompt alone;
            ``None`` for yes where the prompt has ``{results}``, else no.
        condition: an expression that must be true (``hookline.conditions``); empty for always.
    """

    from_: tuple[str, ...] = attrs.field(converter=_words)
    to: tuple[str, ...] = attrs.field(converter=_words)
    edge_type: EdgeType = "handoff"
    description: str = ""
    prompt: str = ""
    prompt_key: str = ""
    exclude_results: bool | None = None
    condition: str = ""


def _edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    return tuple(edges)


@attrs.frozen(kw_only=True)
class SupportContact:
    """Whom the users of an agent may ask."""

    name: str = ""
    email: str = ""


def _callers(callers: Iterable[ToolCaller]) -> tuple[ToolCaller, ...]:
    return tuple(callers)


@attrs.frozen(kw_only=True)
class ToolOptions:
    """How an agent uses one of its tools. Fields: seed 7 and 9.3, besides the last.

    Args:
        defer_loading: the model does not see the tool until it has found it with ``tool_search``.
        allowed_callers: who may call it: the model (``direct``), code that it runs, or both.
        require_approval: somebody must approve each call before it is made.
    """

    defer_loading: bool = False
    allowed_callers: tuple[ToolCaller, ...] = attrs.field(default=DIRECT, converter=_callers)
    require_approval: bool = False


@attrs.frozen(kw_only=True)
class ToolResource:
    """Files that belong to an agent, for tools of one kind. Source: seed 7."""

    file_ids: tuple[str, ...] = attrs.field(default=(), converter=_words)


@attrs.frozen(kw_only=True)
class ModelChoice:
    """A model of a provider, asked when those before it fail."""

    provider: str
    model: str


def _choices(choices: Iterable[ModelChoice]) -> tuple[ModelChoice, ...]:
    return tuple(choices)


@attrs.frozen(kw_only=True)
class Summary:
    """Which model sums up the oldest turns once they no longer fit.

    Args:
        provider: of that model.
        model: its name.
        threshold: the share of the context that messages may fill before they are summed up.
    """

    provider: str
    model: str
    threshold: float = 0.8


@attrs.frozen(kw_only=True)
class Agent:
    """A versioned document. ``(id, version)`` never changes its meaning. Fields: seed 7.

    ``model_parameters`` are OpenAI's request fields and whatever else the provider knows; those
    named in ``locked`` cannot be overridden by a request. ``author`` is the user who created it,
    ``updated_by`` the one who wrote this version, ``managed_by`` is ``"config"`` for an agent of
    the config file. ``category``, ``avatar`` (a URL), ``conversation_starters`` and
    ``support_contact`` are for those who show agents to people; a run does not look at them.

    ``tool_options`` and ``tool_resources`` are by the tool's name (``file_search``,
    ``execute_code``; ``context`` for what every call shall read). ``subagents`` are the ids of
    agents that this one may call as tools. ``fallbacks`` are asked in order, before the first
    token, when the model fails. ``max_context_tokens`` is how much the model reads at most, if
    that is not what its name says. ``hide_sequential_outputs`` shows the words of the last agent
    alone; ``end_after_tools`` ends the run once tools have answered.
    """

    id: str
    provider: str
    model: str
    version: int = 1
    name: str = ""
    description: str = ""
    instructions: str = ""
    model_parameters: Mapping[str, Any] = attrs.field(factory=dict)
    tools: tuple[str, ...] = attrs.field(default=(), converter=_words)
    locked: tuple[str, ...] = attrs.field(default=(), converter=_words)
    recursion_limit: int = DEFAULT_RECURSION_LIMIT
    dialect: Dialect | None = None
    on_tool_failure: Literal["fail", "degrade"] = "fail"
    edges: tuple[Edge, ...] = attrs.field(default=(), converter=_edges)
    category: str = "general"
    avatar: str | None = None
    conversation_starters: tuple[str, ...] = attrs.field(default=(), converter=_words)
    support_contact: SupportContact | None = None
    tool_options: Mapping[str, ToolOptions] = attrs.field(factory=dict)
    tool_resources: Mapping[str, ToolResource] = attrs.field(factory=dict)
    subagents: tuple[str, ...] = attrs.field(default=(), converter=_words)
    fallbacks: tuple[ModelChoice, ...] = attrs.field(default=(), converter=_choices)
    max_context_tokens: int | None = None
    summary: Summary | None = None
    hide_sequential_outputs: bool = False
    end_after_tools: bool = False
    author: str | None = None
    updated_by: str | None = None
    managed_by: str | None = None
    created_at: datetime = attrs.field(factory=now)
    updated_at: datetime = attrs.field(factory=now)


class AgentStore(DocumentStore[Agent], Protocol):
    """Where agents are kept, with the versions they had."""

    async def put(
        self, agent: Agent, /, *, expected: int | None = None, grants: Sequence[Grant] = ()
    ) -> Agent:
        """As every document; and if the agent is created by this, keep grants in the same step.

        There is no moment, and no crash, that leaves the agent without its grants or the grants
        without their agent.
        """

    async def delete(self, agent: str, /, *, expected: int | None = None) -> bool:
        """As every document; the grants on the agent (both kinds, see ``grants``) go with it."""

    async def find_version(self, agent: str, version: int) -> Agent | None:
        """An agent as it was in this version; ``None`` too if there is no such agent any more."""

    async def versions(
        self, agent: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[Agent]:
        """All versions of an agent that exists, newest first: those below ``before``."""
