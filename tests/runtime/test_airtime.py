"""Airtime: agents that work side by side are heard one after the other."""

from collections.abc import Sequence
from typing import Any

import attrs
import hypothesis.strategies as st
from hypothesis import given

from hookline.airtime import Airtime, Channel
from hookline.events import (
    Event,
    Reasoning,
    Refusal,
    Text,
    ToolCallArguments,
    ToolCallFinished,
    ToolCallStarted,
    UsageReported,
)
from hookline.listener import TURN_SEPARATOR

USED = UsageReported(0, 1, 1)


def _started(index: int) -> ToolCallStarted:
    return ToolCallStarted(index, "call_1", "add", "server")


def _finished(index: int) -> ToolCallFinished:
    return ToolCallFinished(index, "call_1", "add", "success", "3")


def test_the_second_is_heard_after_the_first() -> None:
    """What it says waits, and comes after an empty line."""
    log: list[Event] = []
    airtime = Airtime(log.append)
    first, second = airtime.open(), airtime.open()

    second.append(Text("b1"))
    first.append(Text("a1"))
    second.append(Text("b2"))
    first.append(Text("a2"))
    heard = list(log)
    airtime.end(first)
    second.append(Text("b3"))
    airtime.end(second)

    assert [Text("a1"), Text("a2")] == heard
    assert [Text(TURN_SEPARATOR), Text("b1"), Text("b2"), Text("b3")] == log[2:]


def test_one_that_ends_early_still_waits_for_its_turn() -> None:
    """Who began first is heard first, not who is ready first."""
    log: list[Event] = []
    airtime = Airtime(log.append)
    first, second, third = airtime.open(), airtime.open(), airtime.open()

    third.append(Text("c"))
    airtime.end(third)
    second.append(Text("b"))
    airtime.end(second)
    silent = list(log)
    first.append(Text("a"))
    airtime.end(first)

    assert [] == silent
    assert ["a", TURN_SEPARATOR, "b", TURN_SEPARATOR, "c"] == [
        event.text for event in log if isinstance(event, Text)
    ]


def test_calls_are_counted_as_they_are_heard() -> None:
    """An index belongs to a call of the answer, not of an agent."""
    log: list[Event] = []
    airtime = Airtime(log.append)
    first, second = airtime.open(), airtime.open()

    for channel in (second, first):
        channel.append(_started(0))
        channel.append(ToolCallArguments(0, "{}"))
        channel.append(_finished(0))
    first.append(_started(1))
    airtime.end(first)
    second.append(_started(1))

    assert [
        _started(0),
        ToolCallArguments(0, "{}"),
        _finished(0),
        _started(1),
        _started(2),
        ToolCallArguments(2, "{}"),
        _finished(2),
        _started(3),
    ] == log


def test_words_that_are_held_come_once_nobody_follows() -> None:
    """Or never, if somebody does; what was consumed and called is told anyway."""
    log: list[Event] = []
    airtime = Airtime(log.append)
    hidden, shown = airtime.open(held=True), airtime.open(held=True)
    words = [Reasoning("hm"), Text("a"), Refusal("no"), _started(0), _finished(0), USED]

    for event in words:
        hidden.append(event)
        shown.append(event)
    silent = list(log)
    airtime.end(hidden, muted=True)
    after_first = list(log)
    airtime.end(shown)

    assert [] == silent
    assert [_started(0), _finished(0), USED] == after_first
    assert [Reasoning("hm"), Text("a"), Refusal("no"), _started(1), _finished(1), USED] == log[3:]


def test_it_goes_on_counting_where_a_run_waited() -> None:
    """A run that has words and calls behind it gets the next index, and an empty line."""
    log: list[Event] = []
    airtime = Airtime(log.append, calls=2, spoke=True)
    channel = airtime.open()

    channel.append(Text("on"))
    channel.append(_started(0))

    assert [Text(TURN_SEPARATOR), Text("on"), _started(2)] == log


@attrs.frozen
class Part:
    """What one branch does."""

    events: Sequence[Event]
    held: bool
    muted: bool


@st.composite
def parts(draw: Any) -> Part:
    """Words and calls, counted from 0."""
    events: list[Event] = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "call", "usage"]), max_size=6)):
        match kind:
            case "text":
                events.append(Text(draw(st.sampled_from("abc"))))
            case "thought":
                events.append(Reasoning(draw(st.sampled_from("xyz"))))
            case "call":
                events += [_started(calls), ToolCallArguments(calls, "{}"), _finished(calls)]
                calls += 1
            case _:
                events.append(USED)
    return Part(events, draw(st.booleans()), draw(st.booleans()))


@attrs.define
class Player:
    """A branch that is at work."""

    part: Part
    channel: Channel
    said: int = 0
    ended: bool = False


def _expected(script: Sequence[Part]) -> list[Event]:
    """What is heard: one part after the other."""
    log: list[Event] = []
    calls, spoke = 0, False
    for part in script:
        silent = part.held and part.muted
        heard = [e for e in part.events if not (silent and isinstance(e, Text | Reasoning))]
        first = next((n for n, event in enumerate(heard) if isinstance(event, Text)), None)
        if first is not None:
            heard[first:first] = [Text(TURN_SEPARATOR)] if spoke else []
            spoke = True
        log += [_counted(event, calls) for event in heard]
        calls += sum(isinstance(event, ToolCallStarted) for event in heard)
    return log


def _counted(event: Event, calls: int) -> Event:
    """The event of an agent before which so many calls were made."""
    match event:
        case ToolCallStarted(index=index):
            return _started(calls + index)
        case ToolCallArguments(index=index):
            return ToolCallArguments(calls + index, "{}")
        case ToolCallFinished(index=index):
            return _finished(calls + index)
        case _:
            return event


@given(data=st.data(), script=st.lists(parts(), min_size=1, max_size=5))
def test_whoever_speaks_when_the_answer_is_the_same(data: Any, script: Sequence[Part]) -> None:
    """Any interleaving gives each part in order, un-interleaved, with calls counted 0, 1, 2."""
    log: list[Event] = []
    airtime = Airtime(log.append)
    players: list[Player] = []
    waiting = list(script)
    while waiting or not all(player.ended for player in players):
        busy = [player for player in players if not player.ended]
        choice = data.draw(st.sampled_from([None, *busy] if waiting else busy))
        if choice is None:
            part = waiting.pop(0)
            players.append(Player(part, airtime.open(held=part.held)))
        elif choice.said < len(choice.part.events):
            choice.channel.append(choice.part.events[choice.said])
            choice.said += 1
        else:
            choice.ended = True
            airtime.end(choice.channel, muted=choice.part.muted)

    indexes = [event.index for event in log if isinstance(event, ToolCallStarted)]
    assert _expected(script) == log
    assert list(range(len(indexes))) == indexes
    assert [] == list(airtime.queue)
