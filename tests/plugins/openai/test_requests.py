"""What is sent upstream."""

import msgspec
import pytest

from hookline import ModelRequest, ToolSpec
from hookline.wire import (
    AssistantMessage,
    DeveloperMessage,
    FunctionCall,
    NamedToolChoice,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hookline.wire.chat import FunctionName, Sampling
from hookline_openai import OpenAIProvider, OpenAISettings
from hookline_openai.body import encode
from support.openai_provider import KEY, ask
from support.upstream import text_answer

ADD = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})


def body_of(settings=None, **fields):
    """The body that a request with these fields is sent as."""
    request = ModelRequest(**{"model": "small", "messages": [UserMessage("hi")], **fields})
    return msgspec.json.decode(encode(request, settings or OpenAISettings()))


def messages_of(*messages, **settings):
    """The messages as they are sent."""
    return body_of(OpenAISettings(**settings), messages=messages)["messages"]


def test_least_body():
    """A stream with usage is asked for, and nothing that was not asked for is sent."""
    expected = {
        "model": "small",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    assert expected == body_of()


def test_tools():
    """Tools are functions; ``strict`` and an empty description are left out unless given."""
    body = body_of(tools=[ADD, ToolSpec("now", strict=True)], tool_choice="required")

    expected = [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Adds.",
                "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
            },
        },
        {
            "type": "function",
            "function": {
                "name": "now",
                "parameters": {"type": "object", "properties": {}},
                "strict": True,
            },
        },
    ]
    assert (expected, "required") == (body["tools"], body["tool_choice"])


def test_named_tool_choice():
    """A tool may be chosen by name, and the choice of the request wins over a parameter."""
    choice = NamedToolChoice(FunctionName("add"))

    body = body_of(tools=[ADD], tool_choice=choice, parameters={"tool_choice": "auto"})

    assert {"type": "function", "function": {"name": "add"}} == body["tool_choice"]


def test_fields_that_need_tools():
    """Fields that an upstream refuses without tools are sent only with tools."""
    parameters = {"parallel_tool_calls": False, "tool_choice": "auto"}

    assert parameters.keys().isdisjoint(body_of(parameters=parameters))
    assert parameters.items() <= body_of(parameters=parameters, tools=[ADD]).items()


def test_parameters():
    """Parameters are sent as they are, unknown ones too; null means the upstream's default."""
    parameters = {"temperature": 0.5, "top_k": 3, "stop": ["a"], "seed": None}

    body = body_of(parameters=parameters)

    assert (0.5, 3, ["a"]) == (body["temperature"], body["top_k"], body["stop"])
    assert "seed" not in body


def test_parameters_overwrite_nothing_of_ours():
    """A parameter cannot change the model, the messages, the stream or the tools."""
    ours = {"model": "x", "messages": [], "stream": False, "stream_options": {}, "tools": [1]}

    assert body_of() == body_of(parameters=ours)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("sent", ["max_tokens", "max_completion_tokens"])
def test_limit_of_tokens_is_renamed(name, sent):
    """The limit goes out under the name that the upstream knows."""
    body = body_of(OpenAISettings(max_tokens_field=name), parameters={sent: 5})

    assert {name: 5} == {k: v for k, v in body.items() if k.startswith("max_")}


def test_limit_of_tokens_as_sent():
    """By default the limit keeps its name, and where there is none, none is made."""
    renamed = OpenAISettings(max_tokens_field="max_tokens")

    assert body_of(parameters={"max_tokens": 5})["max_tokens"] == 5
    assert "max_tokens" not in body_of(renamed, parameters={"max_tokens": None})


def test_null_content_is_empty():
    """Upstreams refuse null content where OpenAI's schema allows it."""
    sent = messages_of(
        SystemMessage(None, name=None),
        DeveloperMessage(None),
        UserMessage(None),
        ToolMessage("call_1", None),
        ToolMessage("call_2", "3"),
    )

    expected = [
        {"role": "system", "content": ""},
        {"role": "developer", "content": ""},
        {"role": "user", "content": ""},
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
        {"role": "tool", "tool_call_id": "call_2", "content": "3"},
    ]
    assert expected == sent


def test_tool_calls_keep_null_content():
    """An assistant's message with calls keeps its null content; empty fields are left out."""
    call = ToolCall(id="call_1", function=FunctionCall("add", "{}"))

    sent = messages_of(
        AssistantMessage(None, tool_calls=[call], refusal=None),
        AssistantMessage("ok", tool_calls=[], name="a"),
    )

    function = {"name": "add", "arguments": "{}"}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    expected = [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "assistant", "content": "ok", "name": "a"},
    ]
    assert expected == sent


def test_parts_and_names_are_kept():
    """Content in parts, and names, go out as they came."""
    sent = messages_of(UserMessage([TextPart("hi")], name="ann"))

    expected = [{"role": "user", "content": [{"type": "text", "text": "hi"}], "name": "ann"}]
    assert expected == sent


@pytest.mark.parametrize(
    ("replay", "fields"),
    [
        ("none", {}),
        ("reasoning", {"reasoning": "hmm"}),
        ("reasoning_content", {"reasoning_content": "hmm"}),
    ],
)
def test_replay_of_reasoning(replay, fields):
    """Earlier reasoning is sent back under the name that the upstream knows, or not at all."""
    messages = [
        AssistantMessage("ok", reasoning="hmm"),
        AssistantMessage("ok", reasoning_content="hmm"),
    ]

    expected = {"role": "assistant", "content": "ok", **fields}
    assert [expected, expected] == messages_of(*messages, replay_reasoning=replay)


def test_developer_role():
    """Developer messages become system messages where the upstream knows only these."""
    sent = messages_of(DeveloperMessage("be kind", name="a"), developer_role="system")

    assert [{"role": "system", "content": "be kind", "name": "a"}] == sent


def test_headers():
    """The key, the organization and the project are sent; the config's own headers win."""
    fields = {"organization": "org-1", "project": "proj-1", "headers": {"X-Title": "t"}}

    headers = ask(text_answer("ok"), **fields).upstream.requests[0].headers

    expected = {
        "authorization": f"Bearer {KEY}",
        "openai-organization": "org-1",
        "openai-project": "proj-1",
        "x-title": "t",
        "content-type": "application/json",
    }
    assert expected.items() <= headers.items()


def test_headers_override():
    """A header of the config replaces the one that is sent anyway, whatever its case."""
    fields = {"headers": {"Authorization": "Basic abc"}}

    headers = ask(text_answer("ok"), **fields).upstream.requests[0].headers

    assert headers["authorization"] == "Basic abc"


def test_no_key():
    """Without a key there is no Authorization header."""
    received = ask(text_answer("ok"), api_key="").upstream.requests[0]

    assert "authorization" not in received.headers
    assert received.path == "/v1/chat/completions"


def test_parameters_that_are_honoured():
    """Every field that says how a model answers is honoured, and what it cannot do is not."""
    assert set(Sampling.__struct_fields__) | {"metadata"} == OpenAIProvider.parameters
    assert OpenAIProvider.parameters.isdisjoint({"n", "store", "audio", "functions"})
