"""The seed's wire (its sections 2 to 4), with right indexes and arguments."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from hookline.agents import Agent
from hookline.errors import InvalidRequest
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
from hookline.transcript import Transcript, total
from hookline.wire import (
    ChatCompletion,
    Choice,
    CompletionTokensDetails,
    Delta,
    FinishReason,
    FunctionDelta,
    Model,
    ResponseMessage,
    ToolCallDelta,
    Usage,
)
from hookline.wire.chat import ChatCompletionRequest
from hookline_api.dialects.dialect import (
    DONE,
    MARK,
    Answer,
    Encoder,
    chunk_of,
    encode,
    event,
    framed,
    stopped,
)
from hookline_api.errors import failure_of_run

OWNER = "librechat"


class LibreChatEncoder:
    """Encodes one stream. What is the same in every chunk is encoded once."""

    def __init__(self, answer: Answer):
        self._answer = answer
        self._text = framed(chunk_of(answer, Delta(content=MARK)))
        self._reasoning = framed(chunk_of(answer, Delta(reasoning=MARK)))
        self._reported: list[UsageReported] = []
        self._spoke = False
        self._called = False

    def open(self) -> bytes:
        """The role, without content."""
        return event(chunk_of(self._answer, Delta(role="assistant")))

    def encode(self, events: Iterable[Event]) -> bytes:
        """The next events, in order."""
        return b"".join([self._encode(item) for item in events])

    def _encode(self, item: Event) -> bytes:
        match item:
            case Text(text=text) | Refusal(text=text):
                self._spoke = True
                return encode(text).join(self._text)
            case Reasoning(text=text):
                return encode(text).join(self._reasoning)
            case ToolCallStarted():
                self._called = True
                return self._call(
                    ToolCallDelta(
                        index=item.index,
                        id=item.id,
                        type="function",
                        function=FunctionDelta(name=item.name, arguments=""),
                    )
                )
            case ToolCallArguments():
                function = FunctionDelta(arguments=item.arguments)
                return self._call(ToolCallDelta(index=item.index, function=function))
            case ArtifactAttached():
                return b"event: attachment\ndata: " + encode(item) + b"\n\n"
            case UsageReported():
                self._reported.append(item)
                return b""
            case RunFinished() | RunPaused():
                return self._finish(item)
            case RunFailed() | RunCancelled():
                return self._fail(item)
            case RunStarted() | ToolCallFinished() | AgentSwitched():
                return b""

    def _call(self, call: ToolCallDelta) -> bytes:
        return event(chunk_of(self._answer, Delta(tool_calls=[call])))

    def _finish(self, item: RunFinished | RunPaused) -> bytes:
        reason = _finish_reason(called=self._called, spoke=self._spoke)
        chunk = chunk_of(self._answer, Delta(), reason)
        more = {"hookline": stopped(item)} if isinstance(item, RunPaused) else {}
        return event(msgspec.structs.replace(chunk, usage=_usage(self._reported), **more)) + DONE

    def _fail(self, ended: RunFailed | RunCancelled) -> bytes:
        text = f"\n\nError: {failure_of_run(ended).detail.message}"
        return event(chunk_of(self._answer, Delta(content=text), "stop")) + DONE


class LibreChatDialect:
    """The wire of LibreChat's agents API."""

    name = "librechat"

    def check(self, request: ChatCompletionRequest) -> None:
        """The seed has no tools of the caller's own.

        Raises:
            InvalidRequest: the request declares tools.
        """
        if request.tools:
            message = "tools cannot be declared in the librechat dialect; use the openai dialect"
            raise InvalidRequest(message, param="tools", reason="unsupported_parameter")

    def encoder(self, answer: Answer) -> Encoder:
        """An encoder for one stream."""
        return LibreChatEncoder(answer)

    def completion(self, answer: Answer, transcript: Transcript) -> ChatCompletion:
        """The answer in one piece."""
        calls = [call.message() for call in transcript.calls]
        text = transcript.spoken
        message = ResponseMessage(
            content=text or None,
            refusal=UNSET,
            reasoning="".join(transcript.thoughts) or UNSET,
            tool_calls=calls or UNSET,
        )
        reason = _finish_reason(called=bool(calls), spoke=bool(text))
        extensions: dict[str, Any] = {}
        if transcript.attachments:
            extensions["attachments"] = transcript.attachments
        if isinstance(transcript.ended, RunPaused):
            extensions |= stopped(transcript.ended)
        return ChatCompletion(
            id=answer.id,
            created=answer.created,
            model=answer.model,
            choices=[Choice(message=message, finish_reason=reason, logprobs=UNSET)],
            usage=_usage(transcript.usages),
            hookline=extensions or UNSET,
        )

    def model(self, agent: Agent) -> Model:
        """The seed's item, with its extras."""
        return Model(
            id=agent.id,
            created=int(agent.created_at.timestamp()),
            owned_by=OWNER,
            permission=[],
            root=agent.id,
            parent=None,
            name=agent.name,
            description=agent.description,
            provider=agent.provider,
        )


def _finish_reason(*, called: bool, spoke: bool) -> FinishReason:
    return "tool_calls" if called and not spoke else "stop"


def _usage(reported: Iterable[UsageReported]) -> Usage:
    """Sums over all model calls; details only where the model reasoned. Source: seed 2.5."""
    reported = list(reported)
    reasoning = sum(usage.reasoning_tokens for usage in reported)
    details = CompletionTokensDetails(reasoning_tokens=reasoning) if reasoning else UNSET
    return msgspec.structs.replace(
        total(reported), prompt_tokens_details=UNSET, completion_tokens_details=details
    )


LIBRECHAT = LibreChatDialect()
