"""What happens in a run. A run's log holds events in order, numbered from 0 without gaps.

Events cross processes (a log may live in Redis), so they are structs, told apart by ``type``.
``Text``, ``Reasoning`` and ``Refusal`` are what a model provider yields too: on the token path an
event is made once, by the provider, and not touched again until it is encoded for a client.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from hookline.wire.completion import FinishReason, Logprobs


class RunStarted(Struct, frozen=True, tag_field="type", tag="run.started"):
    """The first event. ``created`` is in seconds since 1970."""

    run: str
    agent: str
    version: int
    created: int


class Text(Struct, frozen=True, gc=False, tag_field="type", tag="text"):
    """A piece of the answer, as long or short as the model sent it."""

    text: str
    logprobs: Logprobs | None = None


class Reasoning(Struct, frozen=True, gc=False, tag_field="type", tag="reasoning"):
    """A piece of what the model thought before it answered."""

    text: str


class Refusal(Struct, frozen=True, gc=False, tag_field="type", tag="refusal"):
    """A piece of what the model said instead of an answer."""

    text: str


class ToolCallStarted(Struct, frozen=True, tag_field="type", tag="tool_call.started"):
    """The model calls a tool. ``index`` counts the calls of the run from 0.

    ``owner`` says who runs it: this server, or the caller, who declared the tool in its request.
    """

    index: int
    id: str
    name: str
    owner: Literal["server", "caller"]


class ToolCallArguments(Struct, frozen=True, tag_field="type", tag="tool_call.arguments"):
    """A piece of the arguments (JSON text) of the call with this index."""

    index: int
    arguments: str


class ToolCallFinished(Struct, frozen=True, tag_field="type", tag="tool_call.finished"):
    """A tool of the server's has answered; ``content`` is what the model gets to read.

    ``unknown`` says that nobody knows whether the call took effect, because the server that made
    it was interrupted.
    """

    index: int
    id: str
    name: str
    status: Literal["success", "error", "unknown"]
    content: str


class ArtifactAttached(Struct, frozen=True, tag_field="type", tag="artifact"):
    """An artifact of a tool call was processed. ``error`` says why it could not be."""

    tool_call: str
    kind: str
    name: str
    data: Any = None
    error: str | None = None


class AgentSwitched(Struct, frozen=True, tag_field="type", tag="agent.switched"):
    """Another agent goes on with the run."""

    source: str
    target: str


class UsageReported(Struct, frozen=True, tag_field="type", tag="usage"):
    """What one model call consumed, in tokens. ``step`` counts the model calls from 0."""

    step: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    estimated: bool = False


StopReason = Literal["recursion_limit", "budget"]
"""Limits of ours that end a run: the agent's steps, and the caller's money."""


class RunFinished(Struct, frozen=True, tag_field="type", tag="run.finished"):
    """The run came to its end. ``stop_reason`` says more where a limit of ours ended it."""

    finish_reason: FinishReason
    stop_reason: StopReason | None = None


class RunFailed(Struct, frozen=True, tag_field="type", tag="run.failed"):
    """The run could not go on. ``code`` is that of a class in ``hookline.errors``.

    ``status`` and ``reason`` are the upstream's own, if it gave any; ``retry_after`` is in seconds.
    """

    code: str
    message: str
    status: int | None = None
    reason: str | None = None
    retry_after: float | None = None


class RunCancelled(Struct, frozen=True, tag_field="type", tag="run.cancelled"):
    """Somebody ended the run early."""

    reason: Literal["client_gone", "operator", "shutdown", "key_revoked"]


class PendingCall(Struct, frozen=True):
    """A call of a tool that somebody has to approve. ``arguments`` are JSON text."""

    id: str
    name: str
    arguments: str
    agent: str


class RunPaused(Struct, frozen=True, tag_field="type", tag="run.paused"):
    """The run waits until its calls are approved or refused; it may go on after this event."""

    run: str
    calls: list[PendingCall]


RunEnded = RunFinished | RunFailed | RunCancelled | RunPaused
Event = (
    RunStarted
    | Text
    | Reasoning
    | Refusal
    | ToolCallStarted
    | ToolCallArguments
    | ToolCallFinished
    | ArtifactAttached
    | AgentSwitched
    | UsageReported
    | RunEnded
)

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Event).decode
