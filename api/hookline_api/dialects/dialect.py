"""What a dialect is."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from hookline.agents import Agent
from hookline.events import Event, RunFinished, RunPaused
from hookline.transcript import Transcript
from hookline.wire import (
    ChatCompletion,
    ChatCompletionChunk,
    ChunkChoice,
    Delta,
    FinishReason,
    Logprobs,
    Model,
)
from hookline.wire.chat import ChatCompletionRequest

encode = msgspec.json.Encoder().encode
DONE = b"data: [DONE]\n\n"
MARK = "\x00"
"""Stands for a piece of text in a chunk that is encoded once, to be cut out by ``framed``."""


@attrs.frozen(kw_only=True)
class Answer:
    """What stands in every chunk of an answer, and what the caller asked to be included.

    ``include`` are extensions: ``events`` (tools that the server runs, agents that take over) and
    ``attachments``. ``created`` is in seconds since 1970.
    """

    id: str
    created: int
    model: str
    include_usage: bool = False
    include: frozenset[str] = frozenset()


class Encoder(Protocol):
    """Encodes the events of one run as Server-Sent Events."""

    def open(self) -> bytes:
        """What goes out first, before any event."""

    def encode(self, events: Iterable[Event]) -> bytes:
        """The next events, in order; the run's last event gives the end of the stream."""


class Dialect(Protocol):
    """One way to put a run on the wire."""

    name: str

    def check(self, request: ChatCompletionRequest) -> None:
        """Raise ``InvalidRequest`` for what this dialect cannot express."""

    def encoder(self, answer: Answer) -> Encoder:
        """An encoder for one stream."""

    def completion(self, answer: Answer, transcript: Transcript) -> ChatCompletion:
        """The answer in one piece."""

    def model(self, agent: Agent) -> Model:
        """An agent as it is listed."""


def event(chunk: object) -> bytes:
    """A struct as one Server-Sent Event."""
    return b"data: " + encode(chunk) + b"\n\n"


def finish_reason_of(ended: RunFinished | RunPaused) -> FinishReason:
    """OpenAI's word for how a run ended; one that waits for approval has stopped here."""
    return ended.finish_reason if isinstance(ended, RunFinished) else "stop"


def stopped(ended: RunFinished | RunPaused) -> dict[str, Any]:
    """What OpenAI has no word for: a limit of ours, or that calls must be approved of."""
    if isinstance(ended, RunPaused):
        return {"stop_reason": "approval", "run": ended.run, "approvals": ended.calls}
    return {"stop_reason": ended.stop_reason} if ended.stop_reason is not None else {}


def framed(chunk: ChatCompletionChunk) -> Sequence[bytes]:
    """The JSON of a chunk, cut where ``MARK`` stands: the same around every piece of text."""
    return event(chunk).split(encode(MARK))


def chunk_of(
    answer: Answer,
    delta: Delta,
    finish_reason: str | None = None,
    logprobs: Logprobs | UnsetType | None = UNSET,
) -> ChatCompletionChunk:
    """A chunk with this delta, and nothing that is not in every dialect."""
    choice = ChunkChoice(delta=delta, finish_reason=finish_reason, logprobs=logprobs)
    return bare_chunk(answer, choice)


def bare_chunk(answer: Answer, *choices: ChunkChoice) -> ChatCompletionChunk:
    """A chunk with these choices, or with none."""
    return ChatCompletionChunk(
        id=answer.id, created=answer.created, model=answer.model, choices=list(choices)
    )
