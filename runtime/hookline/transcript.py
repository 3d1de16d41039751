"""A run's events folded into one answer: what a caller gets who does not stream."""

from collections.abc import Iterable, Sequence

import attrs

from hookline.events import (
    AgentSwitched,
    ArtifactAttached,
    Event,
    Reasoning,
    Refusal,
    RunCancelled,
    RunEnded,
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
from hookline.wire.chat import FunctionCall, ToolCall
from hookline.wire.completion import (
    CompletionTokensDetails,
    Logprobs,
    PromptTokensDetails,
    TokenLogprob,
    Usage,
)


@attrs.define
class TranscribedCall:
    """A tool call with all its arguments, and its result if the server ran it."""

    started: ToolCallStarted
    arguments: list[str] = attrs.field(factory=list)
    finished: ToolCallFinished | None = None

    def message(self) -> ToolCall:
        """The call as it stands in a message."""
        function = FunctionCall(self.started.name, "".join(self.arguments))
        return ToolCall(id=self.started.id, function=function)


@attrs.define
class Transcript:
    """What a run has said and done. Adding its events in any split gives the same.

    ``steps`` are the calls of tools and the agents that took over, in order. ``refused_after``
    says how many texts there were when each of the refusals came.
    """

    texts: list[str] = attrs.field(factory=list)
    thoughts: list[str] = attrs.field(factory=list)
    refusals: list[str] = attrs.field(factory=list)
    refused_after: list[int] = attrs.field(factory=list)
    logprobs: list[TokenLogprob] = attrs.field(factory=list)
    steps: list[TranscribedCall | ToolCallFinished | AgentSwitched] = attrs.field(factory=list)
    attachments: list[ArtifactAttached] = attrs.field(factory=list)
    usages: list[UsageReported] = attrs.field(factory=list)
    ended: RunEnded | None = None
    _calls: dict[int, TranscribedCall] = attrs.field(factory=dict, init=False)

    def add(self, events: Iterable[Event]) -> None:
        """Take events in order."""
        texts = self.texts
        for event in events:
            if type(event) is Text and event.logprobs is None:
                texts.append(event.text)
            else:
                self._add(event)

    def _add(self, event: Event) -> None:
        match event:
            case Text(text=text, logprobs=logprobs):
                self.texts.append(text)
                self.logprobs += _tokens(logprobs)
            case Reasoning(text=text):
                self.thoughts.append(text)
            case Refusal(text=text):
                self.refusals.append(text)
                self.refused_after.append(len(self.texts))
            case ToolCallStarted() | ToolCallArguments() | ToolCallFinished():
                self._call(event)
            case ArtifactAttached():
                self.attachments.append(event)
            case UsageReported():
                self.usages.append(event)
            case RunFinished() | RunFailed() | RunCancelled() | RunPaused():
                self.ended = event
            case AgentSwitched():
                self.steps.append(event)
            case RunStarted():
                pass

    def _call(self, event: ToolCallStarted | ToolCallArguments | ToolCallFinished) -> None:
        call = self._calls.get(event.index)
        match event:
            case ToolCallStarted():
                call = self._calls[event.index] = TranscribedCall(event)
                self.steps.append(call)
            case ToolCallArguments(arguments=arguments):
                self._calls[event.index].arguments.append(arguments)
            case ToolCallFinished() if call is not None:
                call.finished = event
            case ToolCallFinished():  # it was made before the run waited
                self.steps.append(event)

    @property
    def calls(self) -> Sequence[TranscribedCall]:
        """The calls of tools, in the order in which they began."""
        return [step for step in self.steps if isinstance(step, TranscribedCall)]

    @property
    def spoken(self) -> str:
        """Texts and refusals, in the order in which they came."""
        pieces: list[str] = []
        start = 0
        for refusal, end in zip(self.refusals, self.refused_after, strict=True):
            pieces += [*self.texts[start:end], refusal]
            start = end
        return "".join([*pieces, *self.texts[start:]])

    @property
    def usage(self) -> Usage:
        """The sum over all model calls."""
        return total(self.usages)


def total(usages: Iterable[UsageReported]) -> Usage:
    """The sum of what model calls consumed, in OpenAI's words."""
    all_ = list(usages)
    prompt = sum(usage.input_tokens for usage in all_)
    completion = sum(usage.output_tokens for usage in all_)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptTokensDetails(
            cached_tokens=sum(usage.cache_read_tokens for usage in all_),
            audio_tokens=sum(usage.audio_input_tokens for usage in all_),
        ),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=sum(usage.reasoning_tokens for usage in all_),
            audio_tokens=sum(usage.audio_output_tokens for usage in all_),
        ),
    )


def _tokens(logprobs: Logprobs | None) -> list[TokenLogprob]:
    return list(logprobs.content or ()) if logprobs is not None else []
