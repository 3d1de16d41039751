"""Listening to a model: its deltas become events, a message, and counts."""

from collections.abc import Sequence
from typing import Any, Protocol

from hookline.calls import Call, CallAssembly, Owner
from hookline.events import Reasoning, Refusal, Text
from hookline.log import EventLog
from hookline.providers import ModelDelta, ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import BYTES_PER_TOKEN, TokenCounts
from hookline.wire.chat import AssistantMessage

TURN_SEPARATOR = "\n\n"
"""Between the texts of two turns, which the seed glues together (its section 14 B)."""


class Spoken(Protocol):
    """What is known of a run before its model speaks again."""

    log: EventLog
    call_count: int
    spoke: bool

    def owner_of(self, name: str) -> Owner:
        """Who runs the tool with this name."""


class Listener:
    """Takes the deltas of one model call: events to the log, the rest to the end of the turn."""

    def __init__(self, context: Spoken):
        self.append = context.log.append
        self.calls = CallAssembly(self.append, context.owner_of, context.call_count)
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []
        self.usage: TokenCounts | None = None
        self.reason: str | None = None
        self.spoke = context.spoke
        self._bytes = 0
        self._counted = [0, 0, 0]

    def take(self, delta: ModelDelta) -> None:
        """Take any delta but text that follows text, which ``call_model`` takes itself."""
        match delta:
            case Text():
                self._speak(delta)
            case Reasoning():
                self.thoughts.append(delta.text)
                self.append(delta)
            case Refusal():
                self.refusals.append(delta.text)
                self.append(delta)
            case ToolCallPiece():
                self.calls.add(delta)
            case ModelUsage():
                self.usage = delta.tokens
            case ModelFinished():
                self.reason = delta.reason

    def _speak(self, delta: Text) -> None:
        if self.spoke and not self.texts:
            self.append(Text(TURN_SEPARATOR))
        self.texts.append(delta.text)
        self.append(delta)

    def count(self) -> int:
        """About how many tokens of output have come so far; what was counted once stays counted."""
        for number, texts in enumerate((self.texts, self.thoughts, self.refusals)):
            at = self._counted[number]
            self._bytes += sum(len(text.encode()) for text in texts[at:])
            self._counted[number] = len(texts)
        called = sum(len(text.encode()) for text in self.calls.texts())
        return -(-(self._bytes + called) // BYTES_PER_TOKEN)

    @property
    def pieces(self) -> int:
        """How many pieces of text have come so far."""
        return len(self.texts) + len(self.thoughts)

    @property
    def began(self) -> bool:
        """Whether the upstream has sent anything."""
        return bool(
            self.texts
            or self.thoughts
            or self.refusals
            or self.calls.calls
            or self.usage
            or self.reason
        )

    def message(self, calls: Sequence[Call]) -> AssistantMessage:
        """What the model said, as it will read it in the next turn."""
        fields: dict[str, Any] = {}
        if calls:
            fields["tool_calls"] = [call.message() for call in calls]
        if self.thoughts:
            fields["reasoning_content"] = "".join(self.thoughts)
        if self.refusals:
            fields["refusal"] = "".join(self.refusals)
        return AssistantMessage(content="".join(self.texts) or None, **fields)
