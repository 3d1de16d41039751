"""Listening to a model: its deltas become events, a message, and counts."""

from collections.abc import Callable, Sequence
from typing import Any

from hookline.calls import Call, CallAssembly, Owner
from hookline.events import Event, Reasoning, Refusal, Text
from hookline.providers import ModelDelta, ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import BYTES_PER_TOKEN, TokenCounts
from hookline.wire.chat import AssistantMessage

TURN_SEPARATOR = "\n\n"
"""Between the texts of two turns, which the seed glues together (its section 14 B)."""


class Listener:
    """Takes the deltas of one model call: events to the log, the rest to the end of the turn.

    Args:
        append: takes the events.
        owner_of: says who runs the tool with a name.
        calls: how many calls of tools were made before.
        spoke: whether anything was said before.
    """

    def __init__(
        self,
        append: Callable[[Event], None],
        owner_of: Callable[[str], Owner],
        *,
        calls: int = 0,
        spoke: bool = False,
    ):
        self.append = append
        self.calls = CallAssembly(append, owner_of, calls)
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []
        self.usage: TokenCounts | None = None
        self.reason: str | None = None
        self.spoke = spoke
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
    def spoken(self) -> bool:
        """Whether the caller may have seen any of it."""
        return bool(self.texts or self.thoughts or self.refusals or self.calls.calls)

    @property
    def began(self) -> bool:
        """Whether the upstream has sent anything."""
        return bool(self.spoken or self.usage or self.reason)

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
