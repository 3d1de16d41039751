"""An upstream's answer, made into deltas. The loop in ``feed`` runs once for every token."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from hookline.errors import ProviderError
from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ModelDelta, ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage_blocks import Cached, of_openai
from hookline.wire.completion import (
    Delta,
    FunctionDelta,
    Logprobs,
    ToolCallDelta,
)
from hookline_openai.failures import Failures
from hookline_openai.sse import Payloads, TooLong


class _Choice(Struct, frozen=True):
    """A choice of a chunk, or of a completion, which has a ``message``. Only what is read."""

    delta: Delta | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None | UnsetType = None
    message: Delta | None = None


class _Chunk(Struct, frozen=True):
    """A chunk, a completion or an error. Only what is read, so the rest may be as it likes."""

    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode
_NO_FUNCTION = FunctionDelta()
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Answer:
    """What has been read of an answer.

    Args:
        payloads: what takes bytes apart.
        failures: how what goes wrong is said.
        cached: whether the input that the upstream reports includes cached tokens.

    Attributes:
        over: nothing that follows matters: all has been said, or something went wrong.
        failure: what went wrong, to be raised once all deltas before it are handed out.
    """

    __slots__ = ("_cached", "_failures", "_finish", "_payloads", "_usage", "failure", "over")

    def __init__(self, payloads: Payloads, failures: Failures, cached: Cached = "included"):
        self.over = False
        self.failure: ProviderError | None = None
        self._payloads = payloads
        self._failures = failures
        self._finish: str | None = None
        self._cached = cached
        self._usage: dict[str, Any] | None = None

    def feed(self, data: bytes) -> list[ModelDelta]:
        """What these bytes say, up to a failure if there is one."""
        try:
            payloads = self._payloads.feed(data)
        except TooLong as error:
            deltas = self._read(error.before)
            text = "sent more in one piece than max_event_bytes allows"
            if not self.over:
                self._fail(self._failures.broken(text))
            return deltas
        return self._read(payloads)

    def lost(self, failure: ProviderError) -> None:
        """No more bytes can be had; this matters unless the model has said why it stopped."""
        if self._finish is None:
            self._fail(failure)

    def end(self) -> list[ModelDelta]:
        """What is left to say when there are no more bytes, or none that matter."""
        deltas: list[ModelDelta] = []
        if not self.over:
            deltas = self.feed(b"")  # what is left may be too large
        if not self.over:
            deltas += self._read(self._payloads.end())
        if self._finish is None:
            self._fail(self._failures.broken("ended before the model had finished"))
        if self._usage is not None:
            deltas.append(ModelUsage(of_openai(self._usage, self._cached)))
        if self._finish is not None and self.failure is None:
            deltas.append(ModelFinished(self._finish))
        return deltas

    def _fail(self, failure: ProviderError) -> None:
        self.failure = self.failure or failure
        self.over = True

    def _read(self, payloads: list[bytes]) -> list[ModelDelta]:
        deltas: list[ModelDelta] = []
        for payload in payloads:
            if payload == b"[DONE]":
                self.over = True
                break
            if not payload:
                continue
            try:
                chunk = _decode(payload)
            except _UNREADABLE:
                self._fail(self._failures.broken("sent a chunk that cannot be read"))
                break
            if chunk.choices:
                self._take(chunk.choices[0], deltas)
            if chunk.usage is not None:
                self._usage = chunk.usage
            if chunk.error or chunk.choices is None:
                error = chunk.error or _error(payload)
                if error:
                    self._fail(self._failures.reported(error))
                    break
        return deltas

    def _take(self, choice: _Choice, deltas: list[ModelDelta]) -> None:
        delta = choice.delta or choice.message
        if choice.finish_reason:
            self._finish = choice.finish_reason
        if delta is None:
            return
        thought = delta.reasoning or delta.reasoning_content
        if thought:
            deltas.append(Reasoning(thought))
        text = delta.content
        if text:
            logprobs = choice.logprobs
            deltas.append(Text(text, logprobs) if logprobs else Text(text))
        if delta.refusal:
            deltas.append(Refusal(delta.refusal))
        if delta.tool_calls:
            deltas += _pieces(delta.tool_calls, whole=choice.delta is None)


def _pieces(calls: list[ToolCallDelta], *, whole: bool) -> Iterator[ToolCallPiece]:
    """The pieces that say something. Whole calls are counted where the upstream did not."""
    for position, call in enumerate(calls):
        function = call.function or _NO_FUNCTION
        index = call.index if isinstance(call.index, int) else position if whole else None
        piece = ToolCallPiece(
            index, call.id or None, function.name or None, function.arguments or ""
        )
        if piece.id or piece.name or piece.arguments:
            yield piece


def _error(payload: bytes) -> Any:
    """The error that a chunk without choices is: older versions of vLLM send it bare."""
    body = msgspec.json.decode(payload)
    return body if body.get("object") == "error" else None
