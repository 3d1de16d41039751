"""The provider with a real LangChain model against an upstream on a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import attrs
import pytest

from hookline import ModelRequest, ToolSpec, wire
from hookline.errors import ProviderBroken, ProviderRefused, ProviderTimeout
from hookline.events import Text
from hookline.providers import ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import TokenCounts
from hookline_langchain.provider import LangChainProvider
from hookline_langchain.settings import LangChainSettings

KEY = "sk-langchain-secret-0123456789"
SECONDS = 20
HELLO = (wire.UserMessage("Hello"),)
WEATHER = ToolSpec("weather", "The weather in a city", {"type": "object", "properties": {}})
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


@attrs.define
class Upstream:
    """Answers every request alike, and remembers what it was sent."""

    chunks: list[dict[str, Any]] = attrs.field(factory=list)
    status: int = 200
    headers: str = ""
    error: Any = None
    stalls: bool = False
    bodies: list[dict[str, Any]] = attrs.field(factory=list)
    left: asyncio.Event = attrs.field(factory=asyncio.Event)
    base_url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Upstream"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with server:
            self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.split("content-length:")[1].split("\r\n")[0])
        self.bodies.append(json.loads(await reader.readexactly(size)))
        kind = "text/event-stream" if self.error is None else "application/json"
        lines = f"HTTP/1.1 {self.status} Word\r\ncontent-type: {kind}\r\n{self.headers}"
        writer.write(f"{lines}connection: close\r\n\r\n".encode())
        if self.error is not None:
            writer.write(json.dumps(self.error).encode())
        for chunk in self.chunks:
            writer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await writer.drain()
        if self.stalls:
            await reader.read()
            self.left.set()
        elif self.error is None:
            writer.write(b"data: [DONE]\n\n")
        writer.close()


def chunk(delta: dict[str, Any], finish: str | None = None, **extra: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **extra}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"} | {
        "choices": [choice]
    }


def usage() -> dict[str, Any]:
    return {**chunk({}), "choices": [], "usage": USAGE}


def provider(upstream: Upstream, **options: Any) -> LangChainProvider:
    options = {"base_url": upstream.base_url, "api_key": KEY, "max_retries": 0} | options
    return LangChainProvider("far", LangChainSettings(model_provider="openai", options=options))


def ask(upstream: Upstream, request: ModelRequest, **options: Any) -> list[Any]:
    """All deltas of one call."""

    async def run() -> list[Any]:
        async with upstream.running(), asyncio.timeout(SECONDS):
            async with aclosing(provider(upstream, **options).stream(request)) as deltas:
                return [delta async for delta in deltas]

    return asyncio.run(run())


def test_text_usage_and_reason_arrive() -> None:
    """An answer comes as pieces of text, then its token counts and its reason."""
    upstream = Upstream(
        [
            chunk({"role": "assistant", "content": "Hel"}),
            chunk({"content": "lo"}),
            chunk({}, "length"),
            usage(),
        ]
    )

    deltas = ask(upstream, ModelRequest(model="gpt", messages=HELLO))

    counts = TokenCounts(input=20, output=9, cache_read=8, reasoning=5)
    assert [Text("Hel"), Text("lo"), ModelUsage(counts), ModelFinished("length")] == deltas
    assert {"include_usage": True} == upstream.bodies[0]["stream_options"]


def test_tool_calls_arrive_in_pieces() -> None:
    """A tool call arrives with its id and name first, and its arguments as they come."""
    opening = {"index": 0, "id": "a", "type": "function"}
    upstream = Upstream(
        [
            chunk({"tool_calls": [{**opening, "function": {"name": "weather", "arguments": ""}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]}),
            chunk({}, "tool_calls"),
        ]
    )

    deltas = ask(upstream, ModelRequest(model="gpt", messages=HELLO, tools=[WEATHER]))

    assert [
        ToolCallPiece(0, "a", "weather", ""),
        ToolCallPiece(0, None, None, '{"city": '),
        ToolCallPiece(0, None, None, '"Oslo"}'),
        ModelFinished("tool_calls"),
    ] == deltas


def test_the_conversation_reaches_the_upstream_whole() -> None:
    """Every role, part and tool call arrives at the upstream as it was."""
    call = wire.ToolCall("a", wire.FunctionCall("weather", '{"city": "Oslo"}'))
    broken = wire.ToolCall("b", wire.FunctionCall("weather", "not JSON"))
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
    upstream = Upstream([chunk({"content": "ok"}, "stop")])

    ask(upstream, ModelRequest(model="gpt", messages=messages))

    sent = upstream.bodies[0]["messages"]
    assert ["system", "developer", "user", "assistant", "tool", "tool"] == [m["role"] for m in sent]
    assert parts == sent[2]["content"]
    calls = [(c["id"], c["function"]["arguments"]) for c in sent[3]["tool_calls"]]
    assert [("a", '{"city": "Oslo"}'), ("b", "not JSON")] == calls
    assert [("a", "Rain"), ("b", "")] == [(m["tool_call_id"], m["content"]) for m in sent[4:]]


def test_parameters_and_tools_are_sent() -> None:
    """What the request asks for reaches the upstream under OpenAI's names."""
    upstream = Upstream([chunk({"content": "ok"}, "stop")])
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

    ask(upstream, request)

    body = upstream.bodies[0]
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
    upstream = Upstream([chunk({"content": "ok"}, "stop")])

    request = ModelRequest(model="gpt", messages=HELLO, tools=[WEATHER], tool_choice=choice)
    ask(upstream, request)

    assert sent == upstream.bodies[0].get("tool_choice")
    assert ("tools" in upstream.bodies[0]) == (choice != "none")


def test_a_schema_for_the_answer_is_sent() -> None:
    """``response_format`` reaches the upstream as it is, beside tools too."""
    form = {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}},
    }
    upstream = Upstream([chunk({"content": "{}"}), chunk({}, "length")])
    request = ModelRequest(
        model="gpt", messages=HELLO, tools=[WEATHER], parameters={"response_format": form}
    )

    deltas = ask(upstream, request)

    assert form == upstream.bodies[0]["response_format"]
    assert [Text("{}"), ModelFinished("length")] == deltas


def test_logprobs_come_with_the_text() -> None:
    """Logarithmic probabilities belong to the text that they were given with."""
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    upstream = Upstream(
        [chunk({"content": "Hi"}, logprobs={"content": [token]}), chunk({}, "stop")]
    )

    deltas = ask(upstream, ModelRequest(model="gpt", messages=HELLO, parameters={"logprobs": True}))

    expected = wire.Logprobs([wire.TokenLogprob("Hi", -0.5, [72, 105])])
    assert expected == deltas[0].logprobs
    assert upstream.bodies[0]["logprobs"] is True


def test_a_refusing_upstream_keeps_its_status() -> None:
    """An error status of the upstream is passed on with its message, without the key."""
    text = f"Incorrect API key provided: {KEY}"
    upstream = Upstream(
        status=401,
        headers="retry-after: 3\r\n",
        error={"error": {"message": text, "code": "invalid_api_key"}},
    )

    with pytest.raises(ProviderRefused) as caught:
        ask(upstream, ModelRequest(model="gpt", messages=HELLO))

    assert "Incorrect API key provided: [hidden]" == str(caught.value)
    assert (401, "invalid_api_key", 3.0) == (
        caught.value.status,
        caught.value.reason,
        caught.value.retry_after,
    )


def test_a_silent_upstream_is_a_timeout() -> None:
    """An upstream that does not answer in the time of the options is a timeout."""
    upstream = Upstream(stalls=True)

    with pytest.raises(ProviderTimeout, match="far did not answer in time"):
        ask(upstream, ModelRequest(model="gpt", messages=HELLO), timeout=0.2)


def test_an_unreachable_upstream_is_broken() -> None:
    """An upstream that cannot be reached breaks the call, and the key stays hidden."""
    with pytest.raises(ProviderBroken) as caught:
        ask(Upstream(), ModelRequest(model="gpt", messages=HELLO), base_url="http://127.0.0.1:1/v1")

    assert KEY not in str(caught.value)


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
    upstream = Upstream([chunk({"content": "one"})], stalls=True)

    async def run() -> bool:
        async with upstream.running(), asyncio.timeout(SECONDS):
            request = ModelRequest(model="gpt", messages=HELLO)
            async with aclosing(provider(upstream).stream(request)) as deltas:
                first = await anext(deltas)
            assert Text("one") == first
            return await upstream.left.wait()

    assert asyncio.run(run())


def test_a_model_is_opened_once() -> None:
    """All calls of a model share one LangChain model, and so its connections."""
    far = provider(Upstream(base_url="http://127.0.0.1:1/v1"))

    assert far.model("a") is far.model("a")
    assert far.model("a") is not far.model("b")
