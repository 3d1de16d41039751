"""Whatever a model says, the events of a run are sound."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.calls import CallAssembly
from hookline.events import Event, ToolCallArguments, ToolCallStarted, decode, encode
from hookline.providers import ToolCallPiece
from hookline.transcript import Transcript
from support.turns import SERVERS, Said, call_pieces, turns

PROPERTY = settings(max_examples=100, deadline=None)
ANY_PIECE = st.builds(
    ToolCallPiece,
    index=st.none() | st.integers(0, 3),
    id=st.none() | st.sampled_from(["a", "b", ""]),
    name=st.none() | st.sampled_from(["look", "count", ""]),
    arguments=st.sampled_from(["", "{}", "{", "}", '"', "x"]),
)


def assembled(pieces: Sequence[ToolCallPiece], first: int = 0) -> tuple[CallAssembly, list[Event]]:
    """The calls that these pieces make, and the events of their making."""
    events: list[Event] = []
    assembly = CallAssembly(events.append, lambda name: "server", first)
    for piece in pieces:
        assembly.add(piece)
    assembly.finish()
    return assembly, events


@PROPERTY
@given(st.lists(ANY_PIECE, max_size=12), st.integers(0, 5))
def test_indexes_count_up_and_agree(pieces: list[ToolCallPiece], first: int) -> None:
    """Whatever pieces come, calls are opened as first, first + 1 …, each before its arguments."""
    assembly, events = assembled(pieces, first)

    opened: dict[int, str] = {}
    for event in events:
        if isinstance(event, ToolCallStarted):
            assert event.index == first + len(opened)
            opened[event.index] = ""
        elif isinstance(event, ToolCallArguments):
            opened[event.index] += event.arguments
    assert {call.index: call.text() for call in assembly.calls} == opened
    assert len({call.public_id for call in assembly.calls}) == len(assembly.calls)


@PROPERTY
@given(turns(SERVERS), st.data())
def test_any_form_gives_the_same_calls(said: Said, data: st.DataObject) -> None:
    """Split, without ids, without indexes or with gaps: the calls are those that were meant."""
    rows = data.draw(call_pieces(said.calls))

    assembly, _ = assembled([piece for row in rows for piece in row])

    assert [(c.name, c.arguments) for c in said.calls] == [
        (call.name, call.text()) for call in assembly.calls
    ]


@PROPERTY
@given(st.lists(ANY_PIECE, max_size=12), st.integers(0, 30))
def test_events_in_any_split_give_one_transcript(pieces: list[ToolCallPiece], cut: int) -> None:
    """A transcript does not depend on how events are batched, nor on a journey as JSON."""
    _, events = assembled(pieces)
    at_once, in_two = Transcript(), Transcript()

    at_once.add(events)
    in_two.add(events[:cut])
    in_two.add(decode(encode(event)) for event in events[cut:])

    assert at_once == in_two
