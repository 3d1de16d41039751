"""What a request asks of the model, checked and merged with what the agent says."""

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest

from hookline.errors import InvalidRequest
from hookline.parameters import caller_tools, check, merge
from hookline.wire.chat import ChatCompletionRequest
from support.runtimes import HELPER

HI = [{"role": "user", "content": "Hi"}]
HONOURED = frozenset({"temperature", "max_tokens", "max_completion_tokens", "response_format"})
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def request(**fields: Any) -> ChatCompletionRequest:
    """A request with these fields, decoded as from a body."""
    body = {"model": "helper", "messages": HI, **fields}
    return msgspec.convert(body, ChatCompletionRequest)


def tool(name: str, parameters: Any = None) -> dict[str, Any]:
    """A tool as a request declares it."""
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def calling(*ids: str) -> dict[str, Any]:
    """An assistant's message with calls of these ids."""
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": id_, "type": "function", "function": function} for id_ in ids]
    return {"role": "assistant", "tool_calls": calls}


def result(id_: str) -> dict[str, Any]:
    """The result of a call."""
    return {"role": "tool", "tool_call_id": id_, "content": "r"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"n": 0}, "n"),
        ({"store": True}, "store"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"audio": {}}, "audio"),
        ({"functions": []}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"prediction": {}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"stream_options": {}}, "stream_options"),
        ({"top_logprobs": 0}, "top_logprobs"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "nonsense"}},
                }
            },
            "response_format.json_schema.schema",
        ),
        ({"messages": [result("a")]}, "messages[0].tool_call_id"),
        ({"messages": [calling("a"), result("b")]}, "messages[1].tool_call_id"),
        ({"messages": [calling("a"), result("a"), result("a")]}, "messages[2].tool_call_id"),
        ({"messages": [calling("a", "b"), result("a")]}, "messages[0].tool_calls"),
        ({"messages": [calling("a"), *HI]}, "messages[0].tool_calls"),
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused(fields: Mapping[str, Any], param: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidRequest) as caught:
        check(request(**fields))

    assert param == caught.value.param


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n": 1},
        {"n": None, "store": None, "audio": None, "functions": None, "modalities": None},
        {"store": False, "modalities": ["text"]},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"logprobs": True, "top_logprobs": 3},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
        {"messages": [calling("a", "b"), result("b"), result("a"), *HI]},
        {"messages": [calling("a"), result("a"), calling("a"), result("a")]},
    ],
    ids=str,
)
def test_what_changes_nothing_is_accepted(fields: Mapping[str, Any]) -> None:
    """Defaults, nulls, and histories in order."""
    check(request(**fields))


def test_the_request_overrides_the_agent() -> None:
    """Null and left out change nothing."""
    agent = attrs.evolve(HELPER, model_parameters={"temperature": 0.2, "own": 1})

    assert merge(agent, request(temperature=None), HONOURED) == {"temperature": 0.2, "own": 1}
    assert merge(agent, request(temperature=1), HONOURED) == {"temperature": 1.0, "own": 1}


@pytest.mark.parametrize("given", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("own", ["max_tokens", "max_completion_tokens"])
def test_one_limit_of_tokens_replaces_the_other(given: str, own: str) -> None:
    """The two names are one limit."""
    agent = attrs.evolve(HELPER, model_parameters={own: 5})

    assert {given: 9} == merge(agent, request(**{given: 9}), HONOURED)


def test_a_locked_limit_of_tokens_stays_beside_the_other() -> None:
    """The provider takes the smaller of the two."""
    agent = attrs.evolve(HELPER, model_parameters={"max_tokens": 5}, locked=("max_tokens",))

    merged = merge(agent, request(max_completion_tokens=9), HONOURED)

    assert merged == {"max_tokens": 5, "max_completion_tokens": 9}


def test_a_locked_parameter_can_be_repeated_and_not_changed() -> None:
    """Also when the agent does not set it."""
    agent = attrs.evolve(
        HELPER, model_parameters={"temperature": 0.5}, locked=("temperature", "max_tokens")
    )

    assert merge(agent, request(temperature=0.5), HONOURED) == {"temperature": 0.5}
    for fields in ({"temperature": 1}, {"max_tokens": 1}):
        with pytest.raises(InvalidRequest, match="is set by the agent helper") as caught:
            merge(agent, request(**fields), HONOURED)
        assert [caught.value.param] == list(fields)


def test_what_the_provider_does_not_honour_is_refused() -> None:
    """Nothing is silently ignored."""
    with pytest.raises(InvalidRequest, match="not supported by the model") as caught:
        merge(HELPER, request(seed=1), HONOURED)

    assert (caught.value.param, caught.value.reason) == ("seed", "unsupported_parameter")


def test_parameters_are_plain_json() -> None:
    """Structs of the wire do not reach a provider's parameters."""
    merged = merge(HELPER, request(response_format={"type": "json_object"}), HONOURED)

    assert merged == {"response_format": {"type": "json_object"}}


def test_metadata_is_the_runs_own() -> None:
    """It does not go to models, which may refuse it; so no provider has to honour it."""
    assert merge(HELPER, request(metadata={"job": "7"}), HONOURED | {"metadata"}) == {}


def test_callers_tools_become_specs() -> None:
    """A tool without a schema takes no arguments."""
    tools = caller_tools(request(tools=[tool("one", SCHEMA), tool("two")]), {"add"})

    assert list(tools) == ["one", "two"]
    assert tools["one"].parameters == SCHEMA
    assert tools["two"].parameters == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [tool("add")]}, "tools[0].function.name"),
        ({"tools": [tool("one"), tool("one")]}, "tools[1].function.name"),
        ({"tools": [tool("one", {"type": "nonsense"})]}, "tools[0].function.parameters"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "nobody"}}},
            "tool_choice.function.name",
        ),
    ],
    ids=str,
)
def test_callers_tools_can_be_wrong(fields: Mapping[str, Any], param: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidRequest) as caught:
        caller_tools(request(**fields), {"add"})

    assert param == caught.value.param


def test_a_choice_needs_tools() -> None:
    """``required`` is fine where the server has some; ``auto`` and ``none`` always are."""
    assert caller_tools(request(tool_choice="required"), {"add"}) == {}
    assert caller_tools(request(tool_choice="none"), set()) == {}
    with pytest.raises(InvalidRequest, match="only allowed when 'tools' are specified"):
        caller_tools(request(tool_choice="required"), set())
