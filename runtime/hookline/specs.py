"""Agents as they are written down: in ``[agents.<id>]``, in a file, in a request."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hookline.agents import (
    DEFAULT_RECURSION_LIMIT,
    DIRECT,
    Agent,
    Dialect,
    Edge,
    EdgeType,
    ModelChoice,
    Summary,
    SupportContact,
    ToolCaller,
    ToolOptions,
    ToolResource,
)
from hookline.conditions import LONGEST
from hookline.errors import InvalidRequest

AGENT_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}(?!\n)$"
"""No ``@``: what follows one in ``model`` is a version."""

MANY = 10_000
"""How many entries a list has at most."""

Line = Annotated[str, Meta(max_length=1_000)]
Lines = Annotated[list[Line], Meta(max_length=MANY)]
Ids = Annotated[list[str], Meta(max_length=MANY)]


class EdgeSpec(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The way from some agents to others.

    Without an ``edge_type``, one to several agents is ``direct``, any other a ``handoff``. Source:
    seed 13.4.
    """

    from_: str | Ids
    to: str | Ids
    edge_type: EdgeType | None = None
    description: str = ""
    prompt: str = ""
    prompt_key: Line = ""
    exclude_results: bool | None = None
    condition: Annotated[str, Meta(max_length=LONGEST)] = ""


class SupportContactSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the users of an agent may ask."""

    name: Line = ""
    email: Line = ""


class ToolOptionsSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """How an agent uses one of its tools."""

    defer_loading: bool = False
    allowed_callers: Annotated[list[ToolCaller], Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=lambda: list(DIRECT)
    )
    require_approval: bool = False


class ToolResourceSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Files of an agent for tools of one kind."""

    file_ids: Ids = []


class ModelChoiceSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """A model of a provider."""

    provider: Line
    model: Line


class SummarySpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Which model sums up the oldest turns, and from which share of the context on."""

    provider: Line
    model: Line
    threshold: Annotated[float, Meta(gt=0, le=1)] = 0.8


class AgentSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """All of an agent that somebody decides on."""

    provider: Line
    model: Line
    name: Line = ""
    description: str = ""
    instructions: str = ""
    model_parameters: Mapping[str, Any] = {}
    tools: Lines = []
    locked: Lines = []
    recursion_limit: Annotated[int, Meta(ge=1, le=10_000)] = DEFAULT_RECURSION_LIMIT
    dialect: Dialect | None = None
    on_tool_failure: Literal["fail", "degrade"] = "fail"
    edges: Annotated[list[EdgeSpec], Meta(max_length=MANY)] = []
    category: Line = "general"
    avatar: str | None = None
    conversation_starters: Annotated[list[str], Meta(max_length=MANY)] = []
    support_contact: SupportContactSpec | None = None
    tool_options: Mapping[Line, ToolOptionsSpec] = {}
    tool_resources: Mapping[Line, ToolResourceSpec] = {}
    subagents: Lines = []
    fallbacks: Annotated[list[ModelChoiceSpec], Meta(max_length=16)] = []
    max_context_tokens: Annotated[int, Meta(ge=1_024, le=2**53)] | None = None
    summary: SummarySpec | None = None
    hide_sequential_outputs: bool = False
    end_after_tools: bool = False


def agent_of(id_: str, spec: AgentSpec, **more: Any) -> Agent:
    """The agent that is written down like this, with the fields that nobody writes down.

    Raises:
        InvalidRequest: a number in ``model_parameters`` is none that JSON has.
    """
    _refuse_odd_numbers(spec.model_parameters, "model_parameters")
    fields = {name: getattr(spec, name) for name in AgentSpec.__struct_fields__}
    contact = spec.support_contact
    fields["model_parameters"] = dict(spec.model_parameters)
    fields["edges"] = [_edge(edge) for edge in spec.edges]
    fields["support_contact"] = contact and SupportContact(name=contact.name, email=contact.email)
    fields |= _of_tools(spec)
    return Agent(id=id_, **fields, **more)


def _of_tools(spec: AgentSpec) -> dict[str, Any]:
    """What a spec says of tools, and of other models than its own."""
    return {
        "tool_options": {
            name: ToolOptions(
                defer_loading=options.defer_loading,
                allowed_callers=tuple(options.allowed_callers),
                require_approval=options.require_approval,
            )
            for name, options in spec.tool_options.items()
        },
        "tool_resources": {
            name: ToolResource(file_ids=resource.file_ids)
            for name, resource in spec.tool_resources.items()
        },
        "fallbacks": [
            ModelChoice(provider=choice.provider, model=choice.model) for choice in spec.fallbacks
        ],
        "summary": spec.summary
        and Summary(
            provider=spec.summary.provider,
            model=spec.summary.model,
            threshold=spec.summary.threshold,
        ),
    }


def spec_of(agent: Agent) -> AgentSpec:
    """How an agent would be written down."""
    fields = {name: getattr(agent, name) for name in AgentSpec.__struct_fields__}
    return msgspec.convert(
        {
            **fields,
            **_written_of_tools(agent),
            "edges": [_edge_spec(edge) for edge in agent.edges],
            "support_contact": agent.support_contact
            and SupportContactSpec(agent.support_contact.name, agent.support_contact.email),
        },
        AgentSpec,
    )


def _written_of_tools(agent: Agent) -> dict[str, Any]:
    summary = agent.summary
    return {
        "tool_options": {
            name: ToolOptionsSpec(
                options.defer_loading, list(options.allowed_callers), options.require_approval
            )
            for name, options in agent.tool_options.items()
        },
        "tool_resources": {
            name: ToolResourceSpec(list(resource.file_ids))
            for name, resource in agent.tool_resources.items()
        },
        "fallbacks": [ModelChoiceSpec(choice.provider, choice.model) for choice in agent.fallbacks],
        "summary": summary and SummarySpec(summary.provider, summary.model, summary.threshold),
    }


def _refuse_odd_numbers(value: Any, path: str) -> None:
    """TOML has ``nan`` and ``inf``; JSON, in which agents are kept and models asked, has not."""
    if isinstance(value, float) and not math.isfinite(value):
        message = f"{path} is {value}; use a number that JSON has, or leave it out"
        raise InvalidRequest(message, param=path)
    if isinstance(value, Mapping):
        for key, part in value.items():
            _refuse_odd_numbers(part, f"{path}.{key}")
    if isinstance(value, list):
        for number, part in enumerate(value):
            _refuse_odd_numbers(part, f"{path}[{number}]")


def _edge(spec: EdgeSpec) -> Edge:
    fields = {name: getattr(spec, name) for name in EdgeSpec.__struct_fields__}
    fields |= {"from_": _ids(spec.from_), "to": _ids(spec.to)}
    fan_out = len(fields["from_"]) == 1 and len(fields["to"]) > 1
    fields["edge_type"] = spec.edge_type or ("direct" if fan_out else "handoff")
    return Edge(**fields)


def _edge_spec(edge: Edge) -> EdgeSpec:
    fields = {name: getattr(edge, name) for name in EdgeSpec.__struct_fields__}
    return EdgeSpec(**{**fields, "from_": _written(edge.from_), "to": _written(edge.to)})


def _ids(ids: str | list[str]) -> tuple[str, ...]:
    return (ids,) if isinstance(ids, str) else tuple(ids)


def _written(ids: tuple[str, ...]) -> str | list[str]:
    return ids[0] if len(ids) == 1 else list(ids)
