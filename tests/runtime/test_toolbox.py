"""The tools of one run: definitions at its start, the tool itself at its first call."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from hookline import (
    Agent,
    Artifact,
    Principal,
    RunScope,
    StaticTools,
    Tool,
    ToolLoader,
    ToolResult,
    ToolSpec,
    tool,
)
from hookline.calls import Call
from hookline.errors import ToolUnavailable
from hookline.offers import look_over
from hookline.parts import Part
from hookline.tool_calls import FIX_HINT, ToolLimits
from hookline.toolbox import Outcome
from support.runtimes import ALICE, HELPER, run
from support.toolboxes import LIMITS, Loader, box, call, outcomes

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@tool
async def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
async def explode() -> str:
    """Fail."""
    raise ValueError


@tool
async def hang() -> str:
    """Take for ever."""
    await asyncio.Event().wait()
    return ""


@tool
async def chatter() -> str:
    """Say much."""
    return "x" * 50


@tool
async def draw() -> ToolResult:
    """Draw."""
    return ToolResult("drawn", [Artifact(kind="image", data="<svg/>")])


class BrokenLoader(ToolLoader):
    """A loader that cannot even define its tools."""

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        raise OSError("the network is down")

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        raise NotImplementedError


def content(*calls: Call, names: str, limits: ToolLimits = LIMITS) -> list[str]:
    """What the model reads of the calls."""

    async def work() -> list[str]:
        toolbox = await box(Loader(add, explode, hang, chatter, draw), limits=limits, names=names)
        return [outcome.result.content for outcome in await outcomes(toolbox, *calls)]

    return run(work)


def test_results_come_in_the_order_of_the_calls() -> None:
    """Whatever order they are finished in."""
    calls = [call("add", '{"a":1,"b":2}', 0), call("add", '{"a":3,"b":4}', 1)]

    assert ["3", "7"] == content(*calls, names="add")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call("nobody"), "Error: Tool nobody not found"),
        (call("explode"), "Error: ValueError"),
        (call("add", '{"a":1}'), "Error: arguments: "),
        (call("add", "{oops"), "Error: arguments: not JSON: "),
        (call("add", "[" * 100_000), "Error: arguments: not JSON: "),
        (call("add", "[]"), "Error: arguments"),
    ],
    ids=lambda value: value.name if isinstance(value, Call) else None,
)
def test_a_failing_call_is_told_to_the_model(made: Call, expected: str) -> None:
    """The model reads what was wrong and is asked to mend it; the run goes on."""
    limits = attrs.evolve(LIMITS, deadline=0.05)

    (text,) = content(made, names="add explode hang", limits=limits)

    assert text.startswith(expected)
    assert text.endswith(FIX_HINT)


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_call_that_takes_too_long_may_have_had_its_effect(*, repeatable: bool) -> None:
    """Only one that may as well be made again is a mistake to mend; of others nobody knows."""

    @tool(name="hang", repeatable=repeatable)
    async def hanging() -> str:
        """Take for ever."""
        await asyncio.Event().wait()
        return ""

    async def work() -> Outcome:
        limits = attrs.evolve(LIMITS, deadline=0.05)
        (outcome,) = await outcomes(
            await box(Loader(hanging), names="hang", limits=limits), call("hang")
        )
        return outcome

    outcome = run(work)
    assert outcome.status == ("error" if repeatable else "unknown")
    assert outcome.result.text.endswith(FIX_HINT) == repeatable
    assert "Tool hang took longer than 0.05 s" in outcome.result.text


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "null"), (7, "7"), ({"a": [1]}, '{"a":[1]}'), (ToolResult({"b": 2}), '{"b":2}')],
)
def test_whatever_a_tool_gives_back_becomes_text(given: Any, expected: str) -> None:
    """A tool whose author did not read the signature ends no run."""

    class Careless(Tool):
        spec = ToolSpec("careless")

        async def call(self, arguments: Mapping[str, Any], scope: RunScope) -> Any:
            return given

    async def work() -> str:
        (outcome,) = await outcomes(
            await box(Loader(Careless()), names="careless"), call("careless")
        )
        return outcome.result.text

    assert expected == run(work)


def test_a_long_result_is_cut_and_says_so() -> None:
    """The model knows that there was more."""
    limits = attrs.evolve(LIMITS, result=10)

    (text,) = content(call("chatter"), names="chatter", limits=limits)

    assert text == "x" * 10 + "\n[truncated: the result had 50 characters]"


def test_artifacts_are_kept() -> None:
    """They come with the outcome."""

    async def work() -> None:
        (outcome,) = await outcomes(await box(Loader(draw), names="draw"), call("draw"))

        assert ["image"] == [artifact.kind for artifact in outcome.result.artifacts]
        assert not outcome.failed

    run(work)


def test_a_tool_is_loaded_once_and_only_when_it_is_called() -> None:
    """Definitions are enough until then."""

    async def work() -> None:
        loader = Loader(add, chatter)
        toolbox = await box(loader, names="chatter add")
        assert (["chatter", "add"], []) == ([s.name for s in toolbox.specs], loader.loaded)

        await outcomes(toolbox, call("add", '{"a":1,"b":2}'), call("add", '{"a":1,"b":2}', 1))
        await outcomes(toolbox, call("add", '{"a":1,"b":2}'))
        assert ["add"] == loader.loaded

    run(work)


def test_of_two_tools_with_one_name_the_first_wins() -> None:
    """The order is that of the plugins."""

    @tool(name="add")
    async def other(a: int, b: int) -> str:
        """Not add."""
        return "other"

    async def work() -> None:
        toolbox = await box(Loader(other), Loader(add), names="add")
        (outcome,) = await outcomes(toolbox, call("add", '{"a":1,"b":2}'))

        assert outcome.result.content == "other"

    run(work)


@pytest.mark.parametrize(
    ("loader", "why"),
    [
        (Loader(add, error=OSError("no disk")), "OSError: no disk"),
        (Loader(add, deliver=False), "acme did not deliver it"),
    ],
    ids=["fails", "does not deliver"],
)
def test_a_tool_that_cannot_be_loaded_ends_the_run_or_not(loader: Loader, why: str) -> None:
    """As the agent says."""
    made = call("add", '{"a":1,"b":2}')

    async def fail() -> None:
        await outcomes(await box(loader, names="add"), made)

    async def degrade() -> Outcome:
        (outcome,) = await outcomes(await box(loader, names="add", degrade=True), made)
        return outcome

    with pytest.raises(ToolUnavailable, match=f"tool add could not be loaded: {why}"):
        run(fail)
    outcome = run(degrade)
    assert outcome.failed
    assert f"Tool add is not available: {why}" in outcome.result.content


@pytest.mark.parametrize(
    ("loaders", "why"),
    [
        ([Loader(add)], "no plugin offers missing"),
        ([BrokenLoader(), Loader(add)], r"acme\.tool_loader: OSError: the network is down"),
    ],
    ids=["nobody offers it", "a loader fails"],
)
def test_a_tool_that_is_not_there_ends_the_run_or_not(loaders: list[ToolLoader], why: str) -> None:
    """As the agent says; then the other tools still work."""
    with pytest.raises(ToolUnavailable, match=why):
        run(lambda: box(*loaders, names="add missing"))

    toolbox = run(lambda: box(*loaders, names="add missing", degrade=True))
    assert ["add"] == list(toolbox.names)


def test_an_agent_without_tools_asks_no_loader() -> None:
    """A broken one is not in its way."""
    assert [] == list(run(lambda: box(BrokenLoader())).specs)


def test_calls_run_at_once_up_to_a_limit() -> None:
    """Two at a time, if that is the limit."""
    peaks: list[int] = []
    running = 0

    @tool
    async def busy() -> str:
        """Work."""
        nonlocal running
        running += 1
        peaks.append(running)
        await asyncio.sleep(0.005)
        running -= 1
        return "done"

    async def work() -> None:
        limits = attrs.evolve(LIMITS, concurrency=2)
        toolbox = await box(Loader(busy), names="busy", limits=limits)
        await outcomes(toolbox, *(call("busy", index=i) for i in range(6)))

    run(work)
    assert max(peaks) == 2


def test_a_schema_that_is_not_one_is_told_to_the_model() -> None:
    """A plugin's mistake does not end the run."""

    class Odd(Tool):
        spec = ToolSpec("odd", parameters={"type": "nonsense"})

        async def call(self, arguments: Mapping[str, Any], scope: RunScope) -> str:
            return "never"

    async def work() -> None:
        (outcome,) = await outcomes(await box(Loader(Odd()), names="odd"), call("odd"))

        assert outcome.failed

    run(work)


def test_start_up_says_which_tools_are_missing_or_offered_twice() -> None:
    """Before anybody calls an agent, the log names its tools that are wrong, and the plugins."""
    loaders = [Part(name, "tool_loader", StaticTools(add), 5.0) for name in ("one", "two")]
    agents = [attrs.evolve(HELPER, tools=("add",)), attrs.evolve(HELPER, tools=("nowhere",))]

    with capture_logs() as logs:
        run(lambda: look_over(loaders, agents, ALICE))

    said = [
        (line["event"], line.get("tool"), line.get("all"), line.get("problems")) for line in logs
    ]
    assert said == [
        ("tool.offered_twice", "add", ["one", "two"], None),
        ("tool.unavailable", None, None, ["no plugin offers nowhere"]),
    ]
