"""Hypothesis strategies for what a model may say, in all forms that providers send."""

import json
from collections.abc import Sequence
from typing import Any

import attrs
from hypothesis import strategies as st

from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ModelDelta, ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import TokenCounts

SERVERS = ("look", "count_all")
CALLERS = ("weather", "open-door")
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
JSON_VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\é🚀', max_size=4)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON_VALUES, max_size=2)


@attrs.frozen
class SaidCall:
    """A tool call as the model meant it."""

    name: str
    arguments: str


@attrs.frozen
class Said:
    """What one turn means, and the deltas that carry it."""

    deltas: Sequence[ModelDelta]
    text: str
    reasoning: str
    refusal: str
    calls: Sequence[SaidCall]


@st.composite
def pieces_of(draw: Any, text: str) -> list[str]:
    """The text, cut anywhere."""
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=4).map(sorted))
    ends = [*cuts, len(text)]
    return [text[a:b] for a, b in zip([0, *cuts], ends, strict=True)]


FORMS = ("indexed", "gaps", "ids_only", "ids_repeated", "bare", "zero_index", "late_name")


@st.composite
def call_pieces(draw: Any, calls: Sequence[SaidCall]) -> list[list[ToolCallPiece]]:
    """The pieces of each call, in one of the forms that upstreams send."""
    form = draw(st.sampled_from(FORMS))
    sent = []
    for position, call in enumerate(calls):
        index: int | None = position * 3 if form == "gaps" else position
        id_: str | None = f"up_{position}"
        if form in {"ids_only", "ids_repeated"}:
            index = None
        if form == "bare":
            index = id_ = None
        if form == "zero_index":
            index = 0
        cut = draw(pieces_of(call.arguments))
        again = id_ if form == "ids_repeated" else None
        opening = ToolCallPiece(index, id_, call.name, "")
        if form == "late_name":
            opening = ToolCallPiece(index, id_, None, cut.pop(0))
            cut.insert(0, "")
            rest = [ToolCallPiece(index, None, call.name, cut.pop(0))]
        else:
            rest = []
        rest += [ToolCallPiece(index, again, None, text) for text in cut]
        sent.append([opening, *rest])
    if form in {"indexed", "gaps", "ids_repeated"} and draw(st.booleans()):
        return [draw(interleaved(sent))]
    return sent


@st.composite
def interleaved(draw: Any, rows: Sequence[Sequence[ToolCallPiece]]) -> list[ToolCallPiece]:
    """All openings in order, then the rest of the rows in any order that keeps each row's own."""
    merged = [row[0] for row in rows]
    left = [list(row[1:]) for row in rows]
    while any(left):
        row = draw(st.sampled_from([row for row in left if row]))
        merged.append(row.pop(0))
    return merged


@st.composite
def turns(draw: Any, names: Sequence[str], *, may_call: bool = True) -> Said:
    """One turn. A model that calls tools says so in its finish reason, or says ``stop``."""
    called = st.builds(SaidCall, st.sampled_from(names), OBJECTS.map(_json))
    calls = draw(st.lists(called, max_size=3)) if may_call else []
    words: list[ModelDelta] = draw(
        st.lists(
            st.builds(Text, TEXT) | st.builds(Reasoning, TEXT) | st.builds(Refusal, TEXT),
            max_size=5,
        )
    )
    rows: list[list[ModelDelta]] = draw(call_pieces(calls))
    usage = draw(st.none() | st.builds(TokenCounts, input=st.integers(0, 9)))
    finish = draw(st.sampled_from(["tool_calls", "stop", "tool_use"] if calls else ["stop", "eos"]))
    deltas = [*words, *(piece for row in rows for piece in row)]
    if usage is not None:
        deltas.append(ModelUsage(usage))
    deltas.append(ModelFinished(finish))
    return Said(
        deltas,
        text=_joined(words, Text),
        reasoning=_joined(words, Reasoning),
        refusal=_joined(words, Refusal),
        calls=calls,
    )


@st.composite
def runs(draw: Any) -> list[Said]:
    """The turns of a run: tools of the server's, then whatever ends it."""
    said = draw(st.lists(turns(SERVERS), max_size=2))
    said = [turn for turn in said if turn.calls]
    return [*said, draw(turns(CALLERS) | turns((*SERVERS, *CALLERS)).filter(_ends))]


def _ends(said: Said) -> bool:
    """Whether no turn follows: nothing is called, or the caller has to do something."""
    return not said.calls or any(call.name in CALLERS for call in said.calls)


def _joined(words: Sequence[ModelDelta], kind: type[Any]) -> str:
    return "".join(word.text for word in words if isinstance(word, kind))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
