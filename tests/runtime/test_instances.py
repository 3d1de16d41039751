"""The lives of a run's tools: loaded at the first call, entered once, left at the end."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Self

import attrs
import pytest
from structlog.testing import capture_logs

from hookline import RunScope, StaticTools, Tool, ToolSpec, hookimpl
from hookline import tool as as_tool
from hookline.events import RunCancelled, RunEnded, RunFailed
from hookline.instances import LEAVING
from hookline.providers import ToolCallPiece
from hookline.runtime import Runtime
from hookline.scope import CallScope
from support.runtimes import STOP, ListedModel, finished, opened, run, start
from support.toolboxes import CODE_ALONE, LIMITS, Loader, box, call, outcome, outcomes
from support.virtual import VirtualLoop


class Lamp(Tool):
    """A tool that is entered and left, and keeps count of what is done to it."""

    def __init__(self, name: str = "lamp", fault: str = ""):
        self.spec = ToolSpec(name)
        self.fault = fault
        self.story: list[str] = []
        self.called = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.story.append("entered")
        if self.fault == "entering":
            raise OSError("no current")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.story.append("left")
        match self.fault:
            case "leaving":
                raise OSError("no current")
            case "leaving unasked":
                raise asyncio.CancelledError
            case "leaving never":
                await asyncio.Event().wait()
            case _:
                pass

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> str:
        self.story.append("called")
        self.called.set()
        match self.fault:
            case "hanging":
                await asyncio.Event().wait()
            case "calling":
                raise OSError("no current")
            case "calling unasked":
                raise asyncio.CancelledError
            case _:
                pass
        return "light"


def story(lamp: Lamp, *, calls: int = 1) -> list[str]:
    """What is done to a tool in a run."""

    async def work() -> list[str]:
        toolbox = await box(Loader(lamp), names=lamp.spec.name)
        for _ in range(calls):
            await outcome(toolbox, lamp.spec.name)
        await toolbox.close()
        return lamp.story

    return run(work)


def test_a_tool_is_entered_once_and_left_at_the_end() -> None:
    """However often it is called."""
    assert ["entered", "called", "called", "left"] == story(Lamp(), calls=2)


@pytest.mark.parametrize("fault", ["leaving", "leaving unasked"])
def test_a_tool_that_cannot_be_left_is_logged(fault: str) -> None:
    """Nothing is raised: the run has ended."""
    with capture_logs() as logs:
        story(Lamp(fault=fault))

    assert [("tool.close_failed", "lamp")] == [(line["event"], line["tool"]) for line in logs]


def test_a_tool_that_never_ends_is_given_up() -> None:
    """A run does not wait for it longer than a few seconds, and leaves the others."""
    first, second = Lamp("first"), Lamp("second", fault="leaving never")
    loop = VirtualLoop()

    async def work() -> None:
        toolbox = await box(Loader(first, second), names="first second")
        await outcomes(toolbox, call("first"), call("second", index=1))
        await toolbox.close()

    with closing(loop), capture_logs() as logs:
        loop.finish(work())
    assert [("tool.close_failed", "second")] == [(line["event"], line["tool"]) for line in logs]
    assert "left" == first.story[-1]
    assert LEAVING == loop.seconds


def test_tools_are_left_though_another_one_cannot_be() -> None:
    """Each one, in the reverse order."""
    first, second = Lamp("first"), Lamp("second", fault="leaving")

    async def work() -> None:
        toolbox = await box(Loader(first, second), names="first second")
        await outcomes(toolbox, call("first"), call("second", index=1))
        await toolbox.close()

    with capture_logs():
        run(work)
    assert "left" == first.story[-1]
    assert "left" == second.story[-1]


@pytest.mark.parametrize(
    ("fault", "status"), [("calling", "error"), ("calling unasked", "unknown")]
)
def test_a_tool_that_fails_is_left_too(fault: str, status: str) -> None:
    """Its error is the model's; of one that breaks off by itself nobody knows how far it came."""
    lamp = Lamp(fault=fault)

    async def work() -> None:
        toolbox = await box(Loader(lamp), names="lamp")
        made = await outcome(toolbox, "lamp")
        await toolbox.close()

        assert (status, True) == (made.status, made.result.failed)

    run(work)
    assert ["entered", "called", "left"] == lamp.story


def test_a_tool_that_cannot_be_entered_is_not_there() -> None:
    """Those that were loaded with it are; and it is tried again at its next call."""
    good, bad = Lamp("good"), Lamp("bad", fault="entering")

    async def work() -> None:
        toolbox = await box(Loader(bad, good), names="good bad", degrade=True)
        made = await outcomes(toolbox, call("good"), call("bad", index=1))
        assert "Tool bad is not available: OSError: no current" in made[1].result.text

        bad.fault = ""
        again = await outcomes(toolbox, call("good"), call("bad", index=1))
        assert ["light", "light"] == [one.result.text for one in again]
        await toolbox.close()

    run(work)
    assert 1 == good.story.count("entered")
    assert ["entered", "entered", "called", "left"] == bad.story


def test_one_tool_under_two_names_is_entered_once() -> None:
    """Even if they are loaded one after the other."""
    lamp = Lamp()

    class Twice(StaticTools):
        async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
            return dict.fromkeys(names, lamp)

    async def work() -> None:
        toolbox = await box(Twice(Lamp("one"), Lamp("two")), names="one two")
        await outcome(toolbox, "one")
        await outcome(toolbox, "two")
        await toolbox.close()

    run(work)
    assert ["entered", "called", "called", "left"] == lamp.story


def test_calls_of_two_agents_at_once_load_a_tool_once() -> None:
    """An agent may have its turn twice at the same time."""
    loader = Loader(Lamp())

    async def work() -> None:
        toolbox = await box(loader, names="lamp")
        await asyncio.gather(outcome(toolbox, "lamp"), outcome(toolbox, "lamp"))
        await toolbox.close()

    run(work)
    assert ["lamp"] == loader.loaded


def test_a_call_that_is_refused_builds_no_tool() -> None:
    """Nor does one whose arguments are wrong: there is nothing to do for a tool."""
    loader = Loader(Lamp("first"), Lamp("second"))

    async def work() -> None:
        toolbox = await box(loader, names="first second", options={"second": CODE_ALONE})
        made = await outcomes(toolbox, call("first", "[]"), call("second", index=1))

        assert [True, True] == [one.failed for one in made]
        assert ["light"] == [one.result.text for one in await outcomes(toolbox, call("first"))]

    run(work)
    assert ["first"] == loader.loaded


def test_progress_begins_the_deadline_anew() -> None:
    """A call that gets on may take longer than the deadline."""

    @as_tool
    async def dig(scope: CallScope) -> str:
        """Dig for four deadlines."""
        for _ in range(8):
            await asyncio.sleep(0.1)
            scope.progress()
        return "gold"

    async def work() -> str:
        limits = attrs.evolve(LIMITS, deadline=0.2)
        return (
            await outcome(await box(Loader(dig), names="dig", limits=limits), "dig")
        ).result.text

    assert "gold" == run(work)


def test_progress_comes_too_late_after_the_deadline() -> None:
    """A tool that goes on after it was cancelled does not get more time."""

    @as_tool
    async def dig(scope: CallScope) -> str:
        """Do not listen."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            scope.progress()
            raise
        return "never"

    async def work() -> str:
        limits = attrs.evolve(LIMITS, deadline=0.05)
        return (
            await outcome(await box(Loader(dig), names="dig", limits=limits), "dig")
        ).result.text

    assert run(work).startswith("Tool dig took longer than 0.05 s. It is not known")


def test_progress_after_the_call_is_over_is_nothing() -> None:
    """News that come late do no harm to whoever brings them."""
    scopes: list[CallScope] = []

    @as_tool
    async def dig(scope: CallScope) -> str:
        """Keep the scope."""
        scopes.append(scope)
        return "gold"

    async def work() -> None:
        await outcome(await box(Loader(dig), names="dig"), "dig")
        scopes[0].progress()

    run(work)


class Plugin:
    """A plugin with one tool, a new one for every run."""

    def __init__(self, fault: str = ""):
        self.fault = fault
        self.made: list[Lamp] = []

    @hookimpl
    def tool_loader(self) -> "Plugin":
        return self

    async def definitions(self, agent: Any, principal: Any) -> Sequence[ToolSpec]:
        return [ToolSpec("lamp")] if "lamp" in agent.tools else []

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        self.made.append(Lamp(fault=self.fault))
        return {"lamp": self.made[-1]}


def calling() -> ListedModel:
    """A model that calls the tool twice, turn by turn."""
    piece = ToolCallPiece(0, "up_1", "lamp", "{}")
    return ListedModel([piece, STOP], [piece, STOP], [STOP])


async def ended(plugin: Plugin, runtime: Runtime, *, cancel: bool) -> RunEnded:
    """How a run ends that is cancelled, or not, as soon as its tool is called."""
    begun = await start(runtime)
    if cancel:
        async with asyncio.timeout(5):
            while not plugin.made:
                await asyncio.sleep(0)
            await plugin.made[0].called.wait()
        begun.cancel("operator")
    events = await finished(begun)
    last = events[-1]
    assert isinstance(last, RunEnded)
    return last


def test_a_tool_lives_as_long_as_its_run() -> None:
    """Two runs have two instances, each is called twice, and each is left."""
    plugin = Plugin()

    async def work() -> None:
        async with opened(calling(), plugin, tools=["lamp"]) as runtime:
            await ended(plugin, runtime, cancel=False)

    run(work)
    run(work)
    assert [["entered", "called", "called", "left"]] * 2 == [lamp.story for lamp in plugin.made]


def test_a_cancelled_run_leaves_its_tools() -> None:
    """The call is cancelled, and the tool is left before the run's last event."""
    plugin = Plugin(fault="hanging")

    async def work() -> RunEnded:
        async with opened(calling(), plugin, tools=["lamp"]) as runtime:
            return await ended(plugin, runtime, cancel=True)

    assert RunCancelled("operator") == run(work)
    assert ["entered", "called", "left"] == plugin.made[0].story


def test_a_run_that_takes_too_long_leaves_its_tools() -> None:
    """The run's deadline ends the call."""
    plugin = Plugin(fault="hanging")
    tables = {"runs": {"deadline": 0.1}}

    async def work() -> RunEnded:
        async with opened(calling(), plugin, tables=tables, tools=["lamp"]) as runtime:
            return await ended(plugin, runtime, cancel=False)

    last = run(work)
    assert isinstance(last, RunFailed)
    assert "deadline_exceeded" == last.code
    assert ["entered", "called", "left"] == plugin.made[0].story
