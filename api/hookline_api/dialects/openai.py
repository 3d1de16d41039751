"""The default dialect: OpenAI's published API, to the letter, with opt-in extensions."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from hookline.agents import Agent
from hookline.events import (
    AgentSwitched,
    ArtifactAttached,
    Event,
    Reasoning,
    Refusal,
    RunCancelled,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    Text,
    ToolCallArguments,
    ToolCallFinished,
    ToolCallStarted,
    UsageReported,
)
from hookline.transcript import TranscribedCall, Transcript, total
from hookline.wire import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    Delta,
    FunctionDelta,
    Logprobs,
    Model,
    ResponseMessage,
    ToolCallDelta,
)
from hookline.wire.chat import ChatCompletionRequest
from hookline_api.dialects.dialect import (
    DONE,
    MARK,
    Answer,
    Encoder,
    bare_chunk,
    chunk_of,
    encode,
    event,
    finish_reason_of,
    framed,
    stopped,
)
from hookline_api.errors import failure_of_run

OWNER = "hookline"


class OpenAIEncoder:
    """Encodes one stream. What is the same in every chunk is encoded once."""

    def __init__(self, answer: Answer):
        self._answer = answer
        self._usage = None if answer.include_usage else UNSET
        self._text = framed(self._chunk(Delta(content=MARK)))
        reasoning = Delta(reasoning=MARK, reasoning_content=MARK)
        self._reasoning = framed(self._chunk(reasoning))
        self._calls: dict[int, int] = {}
        self._reported: list[UsageReported] = []

    def open(self) -> bytes:
        """The role, with empty content."""
        return event(self._chunk(Delta(role="assistant", content="")))

    def encode(self, events: Iterable[Event]) -> bytes:
        """Text first and fast; the rest case by case."""
        before, after = self._text
        parts: list[bytes] = []
        append = parts.append
        for item in events:
            if type(item) is Text and item.logprobs is None:
                append(before)
                append(encode(item.text))
                append(after)
            else:
                append(self._encode(item))
        return b"".join(parts)

    def _encode(self, item: Event) -> bytes:
        match item:
            case Text(text=text, logprobs=logprobs):
                return event(self._chunk(Delta(content=text), logprobs=logprobs))
            case Reasoning(text=text):
                return encode(text).join(self._reasoning)
            case Refusal(text=text):
                return event(self._chunk(Delta(refusal=text)))
            case ToolCallStarted() | ToolCallArguments():
                return self._call(item)
            case UsageReported():
                self._reported.append(item)
                return b""
            case RunFinished() | RunPaused():
                return self._finish(item)
            case RunFailed() | RunCancelled():
                return b"data: " + failure_of_run(item).body + b"\n\n" + DONE
            case RunStarted():
                return b""
            case ToolCallFinished() | AgentSwitched():
                return self._extension("events", item)
            case ArtifactAttached():
                return self._extension("attachments", item)

    def _call(self, item: ToolCallStarted | ToolCallArguments) -> bytes:
        """A piece of a call that the caller will run; calls of the server's are extensions."""
        if isinstance(item, ToolCallStarted) and item.owner == "caller":
            index = self._calls[item.index] = len(self._calls)
            function = FunctionDelta(name=item.name, arguments="")
            call = ToolCallDelta(index=index, id=item.id, type="function", function=function)
            return event(self._chunk(Delta(tool_calls=[call])))
        if isinstance(item, ToolCallArguments) and item.index in self._calls:
            function = FunctionDelta(arguments=item.arguments)
            call = ToolCallDelta(index=self._calls[item.index], function=function)
            return event(self._chunk(Delta(tool_calls=[call])))
        return self._extension("events", item)

    def _finish(self, item: RunFinished | RunPaused) -> bytes:
        chunk = self._chunk(Delta(), finish_reason_of(item))
        why = stopped(item)
        if why:
            chunk = msgspec.structs.replace(chunk, hookline=why)
        end = event(chunk)
        if self._answer.include_usage:
            end += event(self._bare(usage=total(self._reported)))
        return end + DONE

    def _extension(self, kind: str, item: Event) -> bytes:
        if kind not in self._answer.include:
            return b""
        return event(self._bare(usage=self._usage, hookline={kind: [item]}))

    def _bare(self, **fields: Any) -> ChatCompletionChunk:
        return msgspec.structs.replace(bare_chunk(self._answer), **fields)

    def _chunk(
        self, delta: Delta, finish_reason: str | None = None, logprobs: Logprobs | None = None
    ) -> ChatCompletionChunk:
        chunk = chunk_of(self._answer, delta, finish_reason, logprobs)
        return msgspec.structs.replace(chunk, usage=self._usage)


class OpenAIDialect:
    """The published OpenAI API."""

    name = "openai"

    def check(self, request: ChatCompletionRequest) -> None:
        """Everything can be expressed."""

    def encoder(self, answer: Answer) -> Encoder:
        """An encoder for one stream."""
        return OpenAIEncoder(answer)

    def completion(self, answer: Answer, transcript: Transcript) -> ChatCompletion:
        """The answer in one piece."""
        ended = transcript.ended
        if not isinstance(ended, RunFinished | RunPaused):
            message = "only a run that finished has an answer"
            raise TypeError(message)
        choice = Choice(
            message=_message(transcript),
            finish_reason=finish_reason_of(ended),
            logprobs=Logprobs(transcript.logprobs) if transcript.logprobs else None,
        )
        return ChatCompletion(
            id=answer.id,
            created=answer.created,
            model=answer.model,
            choices=[choice],
            usage=transcript.usage,
            hookline=_extensions(answer, transcript, ended) or UNSET,
        )

    def model(self, agent: Agent) -> Model:
        """OpenAI's four fields."""
        created = int(agent.created_at.timestamp())
        return Model(id=agent.id, created=created, owned_by=OWNER)


def _message(transcript: Transcript) -> ResponseMessage:
    thoughts = "".join(transcript.thoughts) or UNSET
    callers = [call.message() for call in transcript.calls if call.started.owner == "caller"]
    calls = [] if isinstance(transcript.ended, RunPaused) else callers  # the server's come first
    return ResponseMessage(
        content=_content(transcript, silent=bool(calls)),
        refusal="".join(transcript.refusals) or None,
        reasoning=thoughts,
        reasoning_content=thoughts,
        tool_calls=calls or UNSET,
    )


def _content(transcript: Transcript, *, silent: bool) -> str | None:
    """The text; ``null`` if there is none beside tool calls or a refusal."""
    text = "".join(transcript.texts)
    return text or (None if silent or transcript.refusals else "")


def _extensions(
    answer: Answer, transcript: Transcript, ended: RunFinished | RunPaused
) -> dict[str, Any]:
    extensions = stopped(ended)
    if "attachments" in answer.include:
        extensions["attachments"] = transcript.attachments
    if "events" in answer.include:
        extensions["events"] = [event for step in transcript.steps for event in _unseen(step)]
    return extensions


def _unseen(step: TranscribedCall | ToolCallFinished | AgentSwitched) -> Sequence[Event]:
    """The events of a step that has no place in OpenAI's answer."""
    if not isinstance(step, TranscribedCall):
        return [step]
    if step.started.owner == "caller":
        return []
    arguments = ToolCallArguments(step.started.index, "".join(step.arguments))
    return [step.started, arguments, *([step.finished] if step.finished else [])]


OPENAI = OpenAIDialect()
