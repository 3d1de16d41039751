"""Agents as they are written down, and back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import InvalidRequest
from hookline.specs import AgentSpec, EdgeSpec, SupportContactSpec, agent_of, spec_of

IDS = st.text(min_size=1, max_size=5)
EDGES = st.builds(
    EdgeSpec, from_=IDS, to=st.lists(IDS, min_size=2, max_size=3), prompt=IDS, condition=IDS
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
)


@given(SPECS)
def test_what_is_written_down_comes_back(spec: AgentSpec) -> None:
    """An agent made of a spec is written down as that spec."""
    assert spec == spec_of(agent_of("helper", spec))


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
