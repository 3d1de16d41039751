"""Agents as they are written down, and back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import InvalidRequest
from hookline.specs import (
    AgentSpec,
    EdgeSpec,
    ModelChoiceSpec,
    SummarySpec,
    SupportContactSpec,
    ToolOptionsSpec,
    ToolResourceSpec,
    agent_of,
    spec_of,
)

IDS = st.text(min_size=1, max_size=5)
EDGES = st.builds(
    EdgeSpec,
    from_=IDS,
    to=st.lists(IDS, min_size=2, max_size=3),
    edge_type=st.sampled_from(["direct", "handoff"]),
    prompt=IDS,
    exclude_results=st.none() | st.booleans(),
    condition=IDS,
)
OPTIONS = st.builds(
    ToolOptionsSpec,
    defer_loading=st.booleans(),
    allowed_callers=st.sampled_from([["direct"], ["code_execution"], ["direct", "code_execution"]]),
    require_approval=st.booleans(),
)
SPECS = st.builds(
    AgentSpec,
    provider=IDS,
    model=IDS,
    tools=st.lists(IDS),
    edges=st.lists(EDGES, max_size=3),
    support_contact=st.none() | st.builds(SupportContactSpec, name=IDS, email=IDS),
    model_parameters=st.dictionaries(IDS, st.none() | st.integers() | IDS),
    avatar=st.none() | IDS,
    tool_options=st.dictionaries(IDS, OPTIONS, max_size=3),
    tool_resources=st.dictionaries(
        IDS, st.builds(ToolResourceSpec, file_ids=st.lists(IDS)), max_size=2
    ),
    subagents=st.lists(IDS, max_size=2),
    fallbacks=st.lists(st.builds(ModelChoiceSpec, provider=IDS, model=IDS), max_size=2),
    max_context_tokens=st.none() | st.integers(1_024, 9_999),
    summary=st.none() | st.builds(SummarySpec, provider=IDS, model=IDS),
    hide_sequential_outputs=st.booleans(),
    end_after_tools=st.booleans(),
)


@given(SPECS)
def test_what_is_written_down_comes_back(spec: AgentSpec) -> None:
    """An agent made of a spec is written down as that spec."""
    assert spec == spec_of(agent_of("helper", spec))


@pytest.mark.parametrize(
    ("from_", "to", "expected"),
    [
        ("a", "b", "handoff"),
        ("a", ["b", "c"], "direct"),
        (["a", "b"], "c", "handoff"),
        (["a", "b"], ["c", "d"], "handoff"),
    ],
)
def test_an_edge_without_a_type_has_one(
    from_: str | list[str], to: str | list[str], expected: str
) -> None:
    """One to several agents is direct, any other hands over. Source: seed 13.4."""
    spec = AgentSpec("p", "m", edges=[EdgeSpec(from_=from_, to=to)])

    assert expected == agent_of("a", spec).edges[0].edge_type


def test_an_edge_says_from_and_to() -> None:
    """The seed's words, though ``from`` is none of Python's."""
    edge = msgspec.json.decode(b'{"from":"a","to":["b","c"]}', type=EdgeSpec)

    assert (edge.from_, edge.to) == ("a", ["b", "c"])
    assert b'"from":"a"' in msgspec.json.encode(edge)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused(number: float) -> None:
    """TOML has it; the error says where it stands."""
    parameters = {"a": [1.0, {"b": number}]}
    spec = AgentSpec(provider="p", model="m", model_parameters=parameters)

    with pytest.raises(InvalidRequest) as caught:
        agent_of("helper", spec)
    assert caught.value.param == "model_parameters.a[1].b"


@pytest.mark.parametrize("field", ["version", "author", "managed_by", "id"])
def test_nobody_writes_down_what_is_not_theirs(field: str) -> None:
    """What the server decides is no field of a spec."""
    table = {"provider": "p", "model": "m", field: "x"}

    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(table, AgentSpec)
