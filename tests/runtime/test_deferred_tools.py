"""Tools that a model is not shown at once, or may not call at all."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from hookline import (
    Agent,
    Principal,
    RunScope,
    StaticTools,
    Tool,
    ToolLoader,
    ToolSpec,
    hookimpl,
    tool,
)
from hookline.agents import ToolOptions
from hookline.errors import InvalidRequest
from hookline.providers import ToolCallPiece
from hookline.tool_search import TOOL_SEARCH, search
from hookline.wire.chat import (
    AssistantMessage,
    FunctionCall,
    FunctionDefinition,
    FunctionTool,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from support.runtimes import STOP, ListedModel, answer, opened, run
from support.toolboxes import CODE_ALONE, HIDDEN, Loader, box, outcome


@tool
async def send_mail(to: str) -> str:
    """Send a message to somebody."""
    return f"sent to {to}"


@tool
async def forecast() -> str:
    """Tell the weather of the next days."""
    return "rain"


@tool
async def clock() -> str:
    """Tell the time."""
    return "noon"


TOOLS = (clock, send_mail, forecast)
NAMES = "clock send_mail forecast"
DEFERRED = {"send_mail": HIDDEN, "forecast": HIDDEN}
TABLE = {name: {"defer_loading": True} for name in DEFERRED}


def found_by(query: str) -> list[str]:
    """What a search in this toolbox finds."""
    return [hit.name for hit in search([send_mail.spec, forecast.spec], query).hits]


class Several(ToolLoader):
    """One name of an agent's that stands for several tools, as that of a server does."""

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        names = ("read", "write") if "disk" in agent.tools else ()
        return [ToolSpec(f"{name}_disk", f"{name} it", part_of="disk") for name in names]

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        raise NotImplementedError


class Plugin:
    """A plugin with these tools."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return StaticTools(*TOOLS)


def test_a_deferred_tool_is_hidden_and_the_search_is_offered() -> None:
    """The model reads the definitions of the others, and that of ``tool_search``."""
    toolbox = run(lambda: box(Loader(*TOOLS), names=NAMES, options=DEFERRED))

    assert ["clock", TOOL_SEARCH] == [spec.name for spec in toolbox.specs]


def test_without_deferred_tools_nothing_can_be_searched() -> None:
    """There is no such tool then."""

    async def work() -> None:
        toolbox = await box(Loader(*TOOLS), names=NAMES)

        assert TOOL_SEARCH not in toolbox.names
        made = await outcome(toolbox, TOOL_SEARCH, '{"query":"mail"}')
        assert "Error: Tool tool_search not found" in made.result.text

    run(work)


def test_what_was_found_is_shown() -> None:
    """From then on the model is given its definition; what fits nothing stays hidden."""

    async def work() -> None:
        toolbox = await box(Loader(*TOOLS), names=NAMES, options=DEFERRED)
        made = await outcome(toolbox, TOOL_SEARCH, '{"query":"weather"}')

        assert "success" == made.status
        names = [hit["name"] for hit in msgspec.json.decode(made.result.text)["tools"]]
        assert ["forecast"] == names
        assert ["clock", TOOL_SEARCH, "forecast"] == [spec.name for spec in toolbox.specs]
        assert {"forecast"} == set(toolbox.found)

    run(work)


def test_a_search_goes_on_when_everything_was_found() -> None:
    """It finds nothing more, which is no error, and shows nothing twice."""

    async def work() -> None:
        toolbox = await box(Loader(*TOOLS), names=NAMES, options=DEFERRED)
        for _ in range(2):
            made = await outcome(toolbox, TOOL_SEARCH, '{"query":"weather send"}')

        assert ("success", '{"tools":[]}') == (made.status, made.result.text)
        shown = [spec.name for spec in toolbox.specs]
        assert sorted({*NAMES.split(), TOOL_SEARCH}) == sorted(shown)

    run(work)


def test_a_search_with_wrong_arguments_is_told_to_the_model() -> None:
    """As with every tool."""

    async def work() -> None:
        toolbox = await box(Loader(*TOOLS), names=NAMES, options=DEFERRED)

        assert (await outcome(toolbox, TOOL_SEARCH, '{"limit":0}')).failed
        assert [] == list(toolbox.found)

    run(work)


def test_searching_builds_no_tool() -> None:
    """A tool is loaded when it is called, not when it is found."""

    async def work() -> None:
        loader = Loader(*TOOLS)
        toolbox = await box(loader, names=NAMES, options=DEFERRED)
        await outcome(toolbox, TOOL_SEARCH, '{"query":"weather"}')
        assert [] == loader.loaded

        assert "rain" == (await outcome(toolbox, "forecast")).result.text
        assert ["forecast"] == loader.loaded

    run(work)


def test_a_plugin_cannot_take_the_name_of_the_search() -> None:
    """A tool of that name is not offered."""

    @tool(name=TOOL_SEARCH)
    async def other() -> str:
        """Search the attic."""
        return "other"

    async def work() -> None:
        toolbox = await box(Loader(*TOOLS, other), names=f"{NAMES} {TOOL_SEARCH}", options=DEFERRED)

        assert 1 == [spec.name for spec in toolbox.specs].count(TOOL_SEARCH)
        made = await outcome(toolbox, TOOL_SEARCH, '{"query":"weather"}')
        assert {"forecast"} == set(toolbox.found)
        assert not made.failed

    run(work)


def test_a_tool_for_code_alone_is_neither_shown_nor_called() -> None:
    """The model that calls it all the same is refused."""

    async def work() -> None:
        loader = Loader(*TOOLS)
        toolbox = await box(loader, names=NAMES, options={"clock": CODE_ALONE})

        assert "clock" not in [spec.name for spec in toolbox.specs]
        made = await outcome(toolbox, "clock")
        assert made.failed
        assert "Error: Tool clock may not be called directly" in made.result.text

    run(work)


def test_a_tool_for_code_alone_is_not_found() -> None:
    """It is no deferred tool, whatever else its options say."""
    options = {
        "clock": ToolOptions(defer_loading=True, allowed_callers=("code_execution",)),
        "forecast": HIDDEN,
    }

    async def work() -> None:
        toolbox = await box(Loader(*TOOLS), names=NAMES, options=options)
        await outcome(toolbox, TOOL_SEARCH, '{"query":"time weather"}')

        assert {"forecast"} == set(toolbox.found)

    run(work)


def test_one_entry_may_stand_for_several_tools() -> None:
    """It is offered, and its options are those of all of them, but for a tool's own."""
    options = {"disk": HIDDEN, "write_disk": CODE_ALONE}

    async def work() -> None:
        toolbox = await box(Several(), names="disk", options=options)

        assert {"read_disk", "write_disk", TOOL_SEARCH} == set(toolbox.names)
        assert [TOOL_SEARCH] == [spec.name for spec in toolbox.specs]
        assert "may not be called directly" in (await outcome(toolbox, "write_disk")).result.text

    run(work)


def calling(name: str, arguments: str = "{}") -> list[Any]:
    """A turn in which a model calls one tool."""
    return [ToolCallPiece(0, "up_1", name, arguments), STOP]


def test_a_run_shows_what_was_found_from_the_next_turn_on() -> None:
    """The model searches, reads what there is, is given the definition, and calls it."""
    model = ListedModel(
        calling(TOOL_SEARCH, '{"query":"weather"}'),
        calling("forecast"),
        [STOP],
    )

    async def work() -> None:
        async with opened(model, Plugin(), tools=NAMES.split(), tool_options=TABLE) as runtime:
            await answer(runtime)

    run(work)
    shown = [[spec.name for spec in request.tools] for request in model.requests]
    first, then = ["clock", TOOL_SEARCH], ["clock", TOOL_SEARCH, "forecast"]
    assert [first, then, then] == shown
    (result,) = [m for m in model.requests[-1].messages[-1:] if isinstance(m, ToolMessage)]
    assert "rain" == result.content


def test_what_an_earlier_turn_of_the_conversation_found_is_shown_at_once() -> None:
    """It stands in the history; names of tools that the agent does not have are passed over."""
    made = ToolCall(id="call_1", function=FunctionCall(TOOL_SEARCH, '{"query":"weather"}'))
    history: list[Message] = [
        UserMessage("Will it rain?"),
        AssistantMessage(tool_calls=[made]),
        ToolMessage("call_1", "- forecast (score: 0.9)\n- teleport (score: 0.8)"),
        AssistantMessage("Yes."),
        UserMessage("And tomorrow?"),
    ]
    model = ListedModel([STOP])

    async def work() -> None:
        async with opened(model, Plugin(), tools=NAMES.split(), tool_options=TABLE) as runtime:
            await answer(runtime, messages=history)

    run(work)
    shown = [spec.name for spec in model.requests[0].tools]
    assert ["clock", TOOL_SEARCH, "forecast"] == shown


@pytest.mark.parametrize("name", ["forecast", TOOL_SEARCH])
def test_a_callers_tool_cannot_have_the_name_of_a_hidden_one(name: str) -> None:
    """Nor that of the search: nobody could tell whose call it is."""
    own = FunctionTool(function=FunctionDefinition(name))
    model = ListedModel([STOP])

    async def work() -> None:
        async with opened(model, Plugin(), tools=NAMES.split(), tool_options=TABLE) as runtime:
            await answer(runtime, tools=[own])

    with pytest.raises(InvalidRequest, match=name):
        run(work)
