"""What an agent's ``model_parameters.scripted`` may hold: rules, pace and faults.

Only the agent's document holds it; a caller's request cannot.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hookline.errors import ConfigError, ProviderRefused
from hookline.settings import decode_table

KEY = "scripted"
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]


class ProviderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[providers.<name>]`` with ``kind = "scripted"``: there is nothing to set."""


class Pace(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an answer arrives, and what goes wrong with it. Times in seconds.

    A chunk is one delta: a piece of text, of reasoning or of a tool call. A fault that waits for
    more chunks than there are strikes at the end of the answer, before it is finished.

    Args:
        chunk_tokens: tokens in a chunk; 1 unless set.
        delay: the pause between two chunks.
        first_delay: the pause before the first chunk, or before ``status``.
        status: refuse with this HTTP status, and with ``message``, ``reason``, ``retry_after``.
        stall_after: so many chunks, then nothing more, for ever.
        cut_after: so many chunks, then the connection is lost.
        malformed_after: so many chunks, then one that is not JSON.
    """

    chunk_tokens: Annotated[int, Meta(ge=1)] | None = None
    delay: Seconds | None = None
    first_delay: Seconds | None = None
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    message: str | None = None
    reason: str | None = None
    retry_after: Seconds | None = None
    stall_after: Count | None = None
    cut_after: Count | None = None
    malformed_after: Count | None = None


class _Piece(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class TextPiece(_Piece, frozen=True, tag="text"):
    """A piece of the answer."""

    text: str


class ReasoningPiece(_Piece, frozen=True, tag="reasoning"):
    """A piece of the reasoning."""

    text: str


class RefusalPiece(_Piece, frozen=True, tag="refusal"):
    """A piece of a refusal."""

    text: str


class CallPiece(_Piece, frozen=True, tag="tool_call"):
    """A piece of a tool call, with as little as a careless upstream would send."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


Piece = str | TextPiece | ReasoningPiece | RefusalPiece | CallPiece


class RuleCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call. ``arguments`` as text is sent as it is, JSON or not."""

    name: str
    arguments: dict[str, Any] | str = {}
    id: str | None = None


class RuleUsage(Struct, frozen=True, forbid_unknown_fields=True):
    """Token counts in place of the true ones; those left out are 0."""

    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_write: Count = 0
    reasoning: Count = 0
    audio_input: Count = 0
    audio_output: Count = 0


class Rule(Pace, frozen=True):
    """What to say to some messages. The first rule that applies counts.

    A rule is obeyed to the letter, whatever ``tool_choice``, ``parallel_tool_calls`` or
    ``response_format`` ask; ``max_tokens`` and ``stop`` still hold. One that has no words (reply,
    tool calls, reasoning, refusal) leaves them to the rest of the script and sets only its pace,
    faults, usage and finish reason.

    Args:
        contains: applies if the last user message contains this text, whatever the case.
        matches: applies if this regular expression is found in the last user message. It takes
            linear time, so look-around and back-references are not known.
        turn: applies to this model call since the last user message, counted from 1, or to every.
        reply: the text, or a list of chunks, which are sent one by one as they are.
        tool_calls: the calls that are made after the text.
        reasoning: the reasoning that comes first.
        refusal: the refusal that comes in place of a text or after it.
        finish_reason: in place of the true one.
        usage: in place of the true counts; ``"none"`` reports nothing.
    """

    contains: str | None = None
    matches: str | None = None
    turn: Annotated[int, Meta(ge=1)] | Literal["every"] = 1
    reply: str | list[Piece] | None = None
    tool_calls: list[RuleCall] = []
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    usage: RuleUsage | Literal["none"] | None = None

    @property
    def speaks(self) -> bool:
        """Whether the rule has words of its own."""
        given = (self.reply, self.reasoning, self.refusal)
        return bool(self.tool_calls) or any(words is not None for words in given)


class Script(Pace, frozen=True):
    """``model_parameters.scripted``. A rule's pace and faults come before those given here."""

    rules: list[Rule] = []


def read(parameters: Mapping[str, Any]) -> Script:
    """The script among a model's parameters.

    Raises:
        ProviderRefused: status 400; names the key that is unknown or wrong.
    """
    try:
        return decode_table(parameters.get(KEY) or {}, Script, f"model_parameters.{KEY}")
    except ConfigError as error:
        raise ProviderRefused(str(error), status=400, reason="invalid_script") from error


def pace_of(script: Script, rule: Rule | None) -> Pace:
    """The script's pace, with the rule's on top."""
    fields = {}
    for name in Pace.__struct_fields__:
        of_rule = None if rule is None else getattr(rule, name)
        fields[name] = getattr(script, name) if of_rule is None else of_rule
    return msgspec.convert(fields, Pace)
