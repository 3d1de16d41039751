"""Whatever a model says, and however it is split: one message, right indexes, sound SSE."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from hookline import PluginContext, RunScope, StaticTools, Tool, ToolLoader, ToolSpec, hookimpl
from hookline.events import Event
from hookline.listener import TURN_SEPARATOR
from hookline.transcript import Transcript
from hookline.wire.chat import FunctionDefinition, FunctionTool
from hookline_api.chat import encode
from hookline_api.dialects import DIALECTS, Answer, Dialect
from support.runtimes import ListedModel, answer, opened, run
from support.turns import CALLERS, SERVERS, Said, runs

ANSWER = Answer(
    id="chatcmpl-1",
    created=1_700_000_000,
    model="helper",
    include_usage=True,
    include=frozenset({"events", "attachments"}),
)
PROPERTY = settings(max_examples=80, deadline=None)
CALLERS_TOOLS = [FunctionTool(FunctionDefinition(name)) for name in CALLERS]
CUTS = st.lists(st.integers(0, 60), max_size=6)


class Anything(Tool):
    """A tool that takes any arguments."""

    def __init__(self, name: str):
        self.spec = ToolSpec(name, parameters={"type": "object"})

    async def call(self, arguments: Mapping[str, Any], scope: RunScope) -> str:
        return f"{self.spec.name} took {len(arguments)}"


class Shed:
    """A plugin with the server's tools."""

    @hookimpl
    def tool_loader(self, plugin: PluginContext) -> ToolLoader:
        return StaticTools(*map(Anything, SERVERS))


def events_of(said: Sequence[Said]) -> Sequence[Event]:
    """What happens in a real run when a model says this."""

    async def work() -> Sequence[Event]:
        model = ListedModel(*(turn.deltas for turn in said))
        async with opened(model, Shed(), tools=list(SERVERS)) as runtime:
            return await answer(runtime, tools=CALLERS_TOOLS)

    return run(work)


def streamed(dialect: Dialect, events: Sequence[Event], cuts: Sequence[int]) -> bytes:
    """The events as a stream, encoded batch by batch."""
    encoder = dialect.encoder(ANSWER)
    places = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    batches = [events[a:b] for a, b in itertools.pairwise(places)]
    return encoder.open() + b"".join(map(encoder.encode, batches))


def whole(dialect: Dialect, events: Sequence[Event]) -> dict[str, Any]:
    """The events as an answer in one piece."""
    transcript = Transcript()
    transcript.add(events)
    body: dict[str, Any] = json.loads(encode(dialect.completion(ANSWER, transcript)))
    return body


def parsed(stream: bytes) -> list[dict[str, Any]]:
    """The chunks of a stream, read as the standard says; the last event is ``[DONE]``."""
    events = [_event(block) for block in stream.decode().split("\n\n")]
    assert events.pop() == {}, "the stream ends with an empty line"
    assert events.pop() == {"data": "[DONE]"}
    return [json.loads(event["data"]) for event in events]


def _event(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in block.split("\n") if block else []:
        assert "\r" not in line
        name, colon, value = line.partition(": ")
        assert name in {"data", "event"}, line
        assert colon
        assert name not in fields
        fields[name] = value
    return fields


@attrs.define
class Accumulated:
    """A message, put together from chunks as a careful client would."""

    content: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: list[dict[str, Any]] = attrs.field(factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk["choices"]:
            assert self.finish_reason is None, "nothing follows the end of the choice"
            self.finish_reason = choice["finish_reason"]
            delta = choice["delta"]
            self.content += delta.get("content") or ""
            self.refusal += delta.get("refusal") or ""
            self.reasoning += delta.get("reasoning") or ""
            for piece in delta.get("tool_calls", ()):
                self._piece(piece)

    def _piece(self, piece: Mapping[str, Any]) -> None:
        if "id" in piece:
            assert piece["index"] == len(self.calls), "calls are opened as 0, 1, 2 …"
            function = {"name": piece["function"]["name"], "arguments": ""}
            self.calls.append({"id": piece["id"], "type": "function", "function": function})
        assert piece["index"] < len(self.calls), "a call is opened before its arguments"
        call = self.calls[piece["index"]]
        call["function"]["arguments"] += piece["function"].get("arguments", "")


def accumulated(chunks: Sequence[Mapping[str, Any]]) -> Accumulated:
    """The message that these chunks make."""
    message = Accumulated()
    for chunk in chunks:
        message.add(chunk)
    return message


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@PROPERTY
@given(said=runs(), cuts=CUTS)
def test_streamed_or_not_it_is_the_same_message(
    dialect: Dialect, said: list[Said], cuts: list[int]
) -> None:
    """The chunks of a stream, in whatever batches, make the message of the whole answer."""
    events = events_of(said)
    body = whole(dialect, events)
    (choice,) = body["choices"]
    message = choice["message"]

    got = accumulated(parsed(streamed(dialect, events, cuts)))

    assert (message["content"] or "") == got.content
    assert (message.get("refusal") or "") == got.refusal
    assert message.get("reasoning", "") == got.reasoning
    assert message.get("tool_calls", []) == got.calls
    assert choice["finish_reason"] == got.finish_reason
    assert body["usage"] == got.usage


@PROPERTY
@given(said=runs())
def test_the_message_is_what_the_model_said(said: list[Said]) -> None:
    """Nothing that the model says is lost, doubled or put elsewhere."""
    message = whole(DIALECTS["openai"], events_of(said))["choices"][0]["message"]

    calls = [
        (c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])
    ]
    texts = [turn.text for turn in said if turn.text]
    assert TURN_SEPARATOR.join(texts) == (message["content"] or "")
    assert "".join(turn.refusal for turn in said) == (message["refusal"] or "")
    assert "".join(turn.reasoning for turn in said) == message.get("reasoning", "")
    assert [(call.name, call.arguments) for call in said[-1].calls if call.name in CALLERS] == calls


@PROPERTY
@given(said=runs(), cuts=CUTS)
def test_the_openai_package_reads_the_same(said: list[Said], cuts: list[int]) -> None:
    """The accumulator of OpenAI's own client comes to the message of the whole answer."""
    dialect = DIALECTS["openai"]
    events = events_of(said)
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()

    for chunk in parsed(streamed(dialect, events, cuts)):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))

    (expected,) = whole(dialect, events)["choices"]
    (choice,) = state.current_completion_snapshot.choices
    calls = [call.to_dict() for call in choice.message.tool_calls or ()]
    assert expected["finish_reason"] == choice.finish_reason
    assert (expected["message"]["content"] or "") == choice.message.content
    assert expected["message"].get("tool_calls", []) == [
        {key: call[key] for key in ("id", "type", "function")} for call in map(_plain, calls)
    ]


def _plain(call: dict[str, Any]) -> dict[str, Any]:
    function = {key: call["function"][key] for key in ("name", "arguments")}
    return {**call, "function": function}
