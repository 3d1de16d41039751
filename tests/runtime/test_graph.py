"""The loop, and its limits."""

from collections.abc import Sequence

import pytest

from hookline.events import Event, RunFinished, Text, ToolCallFinished
from hookline.providers import ToolCallPiece
from hookline.wire.chat import FunctionDefinition, FunctionTool
from hookline.wire.completion import FinishReason
from support.runtimes import STOP, Adder, ListedModel, Step, answer, opened, run

CALL = [Text("Again."), ToolCallPiece(0, "x", "add", '{"a":1,"b":2}'), STOP]


@pytest.mark.parametrize(("limit", "models", "tools"), [(1, 1, 0), (2, 1, 1), (3, 2, 1), (4, 2, 2)])
def test_the_recursion_limit_ends_the_run(limit: int, models: int, tools: int) -> None:
    """A model call is a step and the tools of a turn are one; what happened until then counts."""

    async def work() -> Sequence[Event]:
        async with opened(
            ListedModel(CALL), Adder(), tools=["add"], recursion_limit=limit
        ) as runtime:
            return await answer(runtime)

    events = run(work)
    assert RunFinished("length", "recursion_limit") == events[-1]
    assert models == sum(event == Text("Again.") for event in events)
    assert tools == sum(isinstance(event, ToolCallFinished) for event in events)


DONE = [Text("Done."), STOP]
MIXED = [ToolCallPiece(0, "x", "add", '{"a":1,"b":2}'), ToolCallPiece(1, "y", "weather"), STOP]


@pytest.mark.parametrize(
    ("turns", "limit", "expected"),
    [([DONE], 1, "stop"), ([CALL, DONE], 3, "stop"), ([MIXED], 2, "tool_calls")],
    ids=["one turn", "two turns", "the caller's turn"],
)
def test_a_run_that_needs_all_its_steps_is_finished(
    turns: Sequence[Sequence[Step]], limit: int, expected: FinishReason
) -> None:
    """The limit is how many there may be, not how many are too many."""

    async def work() -> Sequence[Event]:
        model = ListedModel(*turns)
        async with opened(model, Adder(), tools=["add"], recursion_limit=limit) as runtime:
            return await answer(runtime, tools=[FunctionTool(FunctionDefinition("weather"))])

    assert run(work)[-1] == RunFinished(expected)


@pytest.mark.parametrize(("limit", "models", "tools"), [(1, 1, 0), (2, 1, 1), (3, 2, 1), (4, 2, 2)])
def test_calls_of_a_model_without_tools_are_limited_too(
    limit: int, models: int, tools: int
) -> None:
    """A model that is offered nothing and calls all the same takes the same steps."""

    async def work() -> Sequence[Event]:
        async with opened(ListedModel(CALL), recursion_limit=limit) as runtime:
            return await answer(runtime)

    events = run(work)
    assert RunFinished("length", "recursion_limit") == events[-1]
    assert models == sum(event == Text("Again.") for event in events)
    assert tools == sum(isinstance(event, ToolCallFinished) for event in events)


def test_a_model_without_tools_is_told_and_goes_on() -> None:
    """Its call of a tool that nobody offers gives an error that it reads, and then it answers."""

    async def work() -> Sequence[Event]:
        async with opened(ListedModel(CALL, DONE)) as runtime:
            return await answer(runtime)

    events = run(work)
    told = [event.content for event in events if isinstance(event, ToolCallFinished)]
    assert told == ["Error: Tool add not found\nPlease fix your mistakes."]
    assert events[-1] == RunFinished("stop")
