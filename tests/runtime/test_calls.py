"""Tool calls, put together from the pieces that upstreams send."""

from collections.abc import Sequence

import pytest

from hookline.calls import Call, CallAssembly
from hookline.events import Event, ToolCallArguments, ToolCallStarted
from hookline.providers import ToolCallPiece as Piece

LOOK, COUNT = ("look", '{"a":1}'), ("count", '{"b":2}')


def assembled(*pieces: Piece, first: int = 0) -> tuple[Sequence[Call], Sequence[Event]]:
    """The calls that the pieces make, and their events."""
    events: list[Event] = []
    assembly = CallAssembly(
        events.append, lambda name: "caller" if name == "weather" else "server", first
    )
    for piece in pieces:
        assembly.add(piece)
    return assembly.finish(), events


FORMS = {
    "split": [
        Piece(0, "x", "look"),
        Piece(0, None, None, '{"a"'),
        Piece(1, "y", "count"),
        Piece(0, None, None, ":1}"),
        Piece(1, None, None, '{"b":2}'),
    ],
    "whole": [Piece(0, "x", *LOOK), Piece(1, "y", *COUNT)],
    "without ids": [Piece(0, None, *LOOK), Piece(1, None, *COUNT)],
    "without indexes": [Piece(None, "x", *LOOK), Piece(None, "y", *COUNT)],
    "with neither": [Piece(None, None, *LOOK), Piece(None, None, *COUNT)],
    "with gaps": [Piece(2, "x", *LOOK), Piece(7, "y", *COUNT)],
    "every index 0": [Piece(0, "x", *LOOK), Piece(0, "y", *COUNT)],
    "every index 0, no ids": [Piece(0, None, *LOOK), Piece(0, None, *COUNT)],
    "name in each piece": [
        Piece(0, "x", "look", '{"a"'),
        Piece(0, "x", "look", ":1}"),
        Piece(1, "y", "count", '{"b"'),
        Piece(1, None, "count", ":2}"),
    ],
    "id in each piece, no index": [
        Piece(None, "x", "look", ""),
        Piece(None, "y", "count", '{"b"'),
        Piece(None, "x", None, '{"a":1}'),
        Piece(None, "y", None, ":2}"),
    ],
    "arguments before the name": [
        Piece(0, "x", None, '{"a"'),
        Piece(0, None, "look", ":1}"),
        Piece(1, None, None, '{"b"'),
        Piece(1, "y", "count", ":2}"),
    ],
    "an opening, then no index": [
        Piece(0, "x", "look"),
        Piece(None, None, None, '{"a":1}'),
        Piece(1, "y", "count"),
        Piece(None, None, None, '{"b":2}'),
    ],
}


@pytest.mark.parametrize("pieces", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_two_calls(pieces: Sequence[Piece]) -> None:
    """Names and arguments are those that were meant, and indexes count from 0."""
    calls, events = assembled(*pieces)

    assert [(0, *LOOK), (1, *COUNT)] == [(call.index, call.name, call.text()) for call in calls]
    assert [0, 1] == [event.index for event in events if isinstance(event, ToolCallStarted)]


def test_indexes_go_on_from_earlier_turns() -> None:
    """The first call of a later turn has the next index of the run."""
    (call,), events = assembled(Piece(0, "x", *LOOK), first=3)

    assert call.index == 3
    assert {3} == {event.index for event in events if hasattr(event, "index")}


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    """The message, the log and the wire agree about it."""
    (call,), events = assembled(Piece(0, "x", "look"))

    assert call.text() == "{}"
    assert call.message().function.arguments == "{}"
    assert events[-1] == ToolCallArguments(0, "{}")


def test_pieces_without_a_name_make_no_call() -> None:
    """What never gets a name cannot be called."""
    calls, events = assembled(Piece(0, "x", None, "{}"), Piece(None, None, None, "{}"))

    assert (list(calls), list(events)) == ([], [])


def test_the_models_id_is_kept_for_the_model_and_hidden_from_callers() -> None:
    """Upstreams repeat ids from one answer to the next; ours are unique."""
    (one,), _ = assembled(Piece(0, "x", "look"))
    (other,), _ = assembled(Piece(0, "x", "look"))

    assert one.message().id == other.message().id == "x"
    assert one.public_id != other.public_id


def test_a_call_without_an_id_gets_ours() -> None:
    """The model reads the same id in the call and in its result."""
    (call,), _ = assembled(Piece(0, None, "look"))

    assert call.id == call.public_id


def test_the_name_says_who_runs_the_tool() -> None:
    """The caller runs what the caller declared."""
    (one, other), _ = assembled(Piece(0, "x", "look"), Piece(1, "y", "weather"))

    assert ("server", "caller") == (one.owner, other.owner)
