"""Agents as they are written down: in ``[agents.<id>]``, in a file, in a request."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hookline.agents import (
    DEFAULT_RECURSION_LIMIT,
    Agent,
    Dialect,
    Edge,
    EdgeType,
    SupportContact,
)
from hookline.errors import InvalidRequest

AGENT_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}(?!\n)$"
"""No ``@``: what follows one in ``model`` is a version."""

MANY = 10_000
"""How many entries a list has at most."""

Line = Annotated[str, Meta(max_length=1_000)]
Lines = Annotated[list[Line], Meta(max_length=MANY)]
Ids = Annotated[list[str], Meta(max_length=MANY)]


class EdgeSpec(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The way from some agents to others."""

    from_: str | Ids
    to: str | Ids
    edge_type: EdgeType = "handoff"
    description: str = ""
    prompt: str = ""
    prompt_key: Line = ""
    exclude_results: bool = False
    condition: str = ""


class SupportContactSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the users of an agent may ask."""

    name: Line = ""
    email: Line = ""


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
    return Agent(id=id_, **fields, **more)


def spec_of(agent: Agent) -> AgentSpec:
    """How an agent would be written down."""
    fields = {name: getattr(agent, name) for name in AgentSpec.__struct_fields__}
    return msgspec.convert(
        {
            **fields,
            "edges": [_edge_spec(edge) for edge in agent.edges],
            "support_contact": agent.support_contact
            and SupportContactSpec(agent.support_contact.name, agent.support_contact.email),
        },
        AgentSpec,
    )


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
    return Edge(**{**fields, "from_": _ids(spec.from_), "to": _ids(spec.to)})


def _edge_spec(edge: Edge) -> EdgeSpec:
    fields = {name: getattr(edge, name) for name in EdgeSpec.__struct_fields__}
    return EdgeSpec(**{**fields, "from_": _written(edge.from_), "to": _written(edge.to)})


def _ids(ids: str | list[str]) -> tuple[str, ...]:
    return (ids,) if isinstance(ids, str) else tuple(ids)


def _written(ids: tuple[str, ...]) -> str | list[str]:
    return ids[0] if len(ids) == 1 else list(ids)
