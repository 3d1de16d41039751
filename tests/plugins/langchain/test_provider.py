"""The provider with a real LangChain model against an upstream on a socket."""

import asyncio
import math
from contextlib import aclosing
from typing import Any

import pytest

from hookline import ModelRequest, ToolSpec, wire
from hookline.errors import ProviderBroken, ProviderRefused, ProviderTimeout
from hookline.events import Text
from hookline.providers import ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import TokenCounts
from hookline_langchain.provider import LangChainProvider
from hookline_langchain.settings import LangChainSettings
from support.upstream import (
    Answer,
    Upstream,
    chunk,
    error_answer,
    stream_of,
    text_answer,
    text_chunks,
    tool_answer,
    usage,
)

KEY = "sk-langchain-secret-0123456789"
SECONDS = 20
HELLO = (wire.UserMessage("Hello"),)
REQUEST = ModelRequest(model="gpt", messages=HELLO)
WEATHER = ToolSpec("weather", "The weather in a city", {"type": "object", "properties": {}})


def provider(url: str, **options: Any) -> LangChainProvider:
    options = {"base_url": url, "api_key": KEY, "max_retries": 0} | options
    return LangChainProvider("far", LangChainSettings(model_provider="openai", options=options))


def ask(answer: Answer, request: ModelRequest = REQUEST, **options: Any) -> tuple[list[Any], Any]:
    """All deltas of one call, and the body that the upstream was sent."""

    async def run() -> tuple[list[Any], Any]:
        async with Upstream([answer]) as upstream, asyncio.timeout(SECONDS):
            far = provider(upstream.url, **options)
            async with aclosing(far.stream(request)) as deltas:
                return [delta async for delta in deltas], upstream.requests[0].body

    return asyncio.run(run())


def test_text_usage_and_reason_arrive() -> None:
    """An answer comes as pieces of text, then its token counts and its reason."""
    counts = usage(20, 9, cached=8, reasoning=5, audio_in=1, audio_out=2)

    deltas, body = ask(stream_of(text_chunks("Hello", 3), "length", counts))

    tokens = TokenCounts(
        input=20, output=9, cache_read=8, reasoning=5, audio_input=1, audio_output=2
    )
    assert [Text("Hel"), Text("lo"), ModelUsage(tokens), ModelFinished("length")] == deltas
    assert {"include_usage": True} == body["stream_options"]


def test_tool_calls_arrive_in_pieces() -> None:
    """A tool call arrives with its id and name first, and its arguments as they come."""
    answer = tool_answer([("a", "weather", '{"city":1}')])
    request = ModelRequest(model="gpt", messages=HELLO, tools=[WEATHER])

    deltas, _ = ask(answer, request)

    assert [
        ToolCallPiece(0, "a", "weather", ""),
        ToolCallPiece(0, None, None, '{"cit'),
        ToolCallPiece(0, None, None, 'y":1}'),
        ModelFinished("tool_calls"),
    ] == [delta for delta in deltas if not isinstance(delta, ModelUsage)]


def test_the_conversation_reaches_the_upstream_whole() -> None:
    """Every role, part and tool call arrives at the upstream as it was."""
    call = wire.ToolCall(id="a", function=wire.FunctionCall("weather", '{"city": "Oslo"}'))
    broken = wire.ToolCall(id="b", function=wire.FunctionCall("weather", "not JSON"))
    parts: list[Any] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,A"},
        },
    ]
    messages = [
        wire.SystemMessage("Be kind."),
        wire.DeveloperMessage([wire.TextPart("Be brief.")]),
        wire.UserMessage(
            [
                wire.TextPart("What is this?"),
                wire.ImagePart(wire.chat.ImageUrl("data:image/png;base64,AAAA")),
                wire.AudioPart(wire.chat.InputAudio("AAAA", "wav")),
                wire.FilePart(wire.chat.FileData("a.pdf", "data:application/pdf;base64,A")),
            ]
        ),
        wire.AssistantMessage(None, tool_calls=[call, broken]),
        wire.ToolMessage("a", "Rain"),
        wire.ToolMessage("b", None),
    ]

    _, body = ask(text_answer("ok"), ModelRequest(model="gpt", messages=messages))

    sent = body["messages"]
    assert ["system", "developer", "user", "assistant", "tool", "tool"] == [m["role"] for m in sent]
    assert parts == sent[2]["content"]
    calls = [(c["id"], c["function"]["arguments"]) for c in sent[3]["tool_calls"]]
    assert [("a", '{"city": "Oslo"}'), ("b", "not JSON")] == calls
    assert [("a", "Rain"), ("b", "")] == [(m["tool_call_id"], m["content"]) for m in sent[4:]]


def test_parameters_and_tools_are_sent() -> None:
    """What the request asks for reaches the upstream under OpenAI's names."""
    parameters = {
        "temperature": 0.5,
        "max_completion_tokens": 7,
        "stop": "END",
        "seed": 3,
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
        "top_p": None,
    }
    request = ModelRequest(
        model="gpt",
        messages=HELLO,
        tools=[WEATHER],
        tool_choice=wire.NamedToolChoice(wire.chat.FunctionName("weather")),
        parameters=parameters,
    )

    _, body = ask(text_answer("ok"), request)

    expected = {
        "temperature": 0.5,
        "max_completion_tokens": 7,
        "stop": ["END"],
        "seed": 3,
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    }
    assert expected == {name: body.get(name) for name in expected}
    assert "top_p" not in body
    assert ["weather"] == [tool["function"]["name"] for tool in body["tools"]]


@pytest.mark.parametrize(
    ("choice", "sent"), [("required", "required"), ("auto", "auto"), ("none", None)]
)
def test_tool_choice_is_kept(choice: Any, sent: str | None) -> None:
    """A choice is sent in the model's words; with "none" no tool is offered at all."""
    request = ModelRequest(model="gpt", messages=HELLO, tools=[WEATHER], tool_choice=choice)

    _, body = ask(text_answer("ok"), request)

    assert sent == body.get("tool_choice")
    assert ("tools" in body) == (choice != "none")


def test_a_schema_for_the_answer_is_sent() -> None:
    """``response_format`` reaches the upstream as it is, beside tools too."""
    form = {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}},
    }
    request = ModelRequest(
        model="gpt", messages=HELLO, tools=[WEATHER], parameters={"response_format": form}
    )

    deltas, body = ask(stream_of(text_chunks("{}"), "length"), request)

    assert form == body["response_format"]
    assert (Text("{}"), ModelFinished("length")) == (deltas[0], deltas[-1])


def test_logprobs_come_with_the_text() -> None:
    """Logarithmic probabilities belong to the text that they were given with."""
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    piece = chunk({"content": "Hi"})
    piece["choices"][0]["logprobs"] = {"content": [token]}
    request = ModelRequest(model="gpt", messages=HELLO, parameters={"logprobs": True})

    deltas, body = ask(stream_of([piece]), request)

    assert wire.Logprobs([wire.TokenLogprob("Hi", -0.5, [72, 105])]) == deltas[0].logprobs
    assert body["logprobs"] is True


def test_a_refusing_upstream_keeps_its_status() -> None:
    """An error status of the upstream is passed on with its message, without the key."""
    text = f"Incorrect API key provided: {KEY}"

    with pytest.raises(ProviderRefused) as caught:
        ask(error_answer(401, text, "invalid_api_key", headers={"retry-after": "3"}))

    error = caught.value
    assert "Incorrect API key provided: [hidden]" == str(error)
    assert (401, "invalid_api_key", 3.0) == (error.status, error.reason, error.retry_after)


def test_a_silent_upstream_is_a_timeout() -> None:
    """An upstream that does not answer in the time of the options is a timeout."""
    with pytest.raises(ProviderTimeout, match="far did not answer in time"):
        ask(text_answer("late", head_delay=math.inf), timeout=0.2)


def test_a_lost_connection_is_broken() -> None:
    """An upstream that breaks off, or cannot be reached, breaks the call."""
    with pytest.raises(ProviderBroken, match="the provider far failed"):
        ask(text_answer("Hello to you", cut_after=2))
    with pytest.raises(ProviderBroken, match="the provider far failed"):
        ask(text_answer("ok"), base_url="http://127.0.0.1:1/v1")


def test_a_missing_integration_is_named() -> None:
    """A model provider whose package is missing fails with the command that installs it."""
    settings = LangChainSettings(model_provider="anthropic")

    async def run() -> None:
        request = ModelRequest(model="m", messages=HELLO)
        async with aclosing(LangChainProvider("far", settings).stream(request)) as deltas:
            await anext(deltas)

    with pytest.raises(ProviderBroken, match="langchain-anthropic"):
        asyncio.run(run())


def test_closing_ends_the_upstreams_work() -> None:
    """When the reader leaves, the connection to the upstream is closed."""

    async def run() -> int:
        answer = text_answer("Hello to you", stall_after=2)
        async with Upstream([answer]) as upstream, asyncio.timeout(SECONDS):
            async with aclosing(provider(upstream.url).stream(REQUEST)) as deltas:
                assert Text("Hell") == await anext(deltas)
            await upstream.until("aborted")
            return upstream.aborted

    assert 1 == asyncio.run(run())


def test_a_model_is_opened_once() -> None:
    """All calls of a model share one LangChain model, and so its connections."""
    far = provider("http://127.0.0.1:1/v1")

    assert far.model("a") is far.model("a")
    assert far.model("a") is not far.model("b")
