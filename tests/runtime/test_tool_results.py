"""What tools give back, and what models read of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from hookline import ToolLoader, ToolResult, hookimpl, tool
from hookline.effects import Effects
from hookline.errors import StoreUnavailable
from hookline.events import RunFinished, ToolCallFinished
from hookline.providers import ToolCallPiece
from hookline.records import Record
from hookline.toolbox import Toolbox
from hookline.tools import ContentPart
from hookline.wire.chat import (
    FunctionDefinition,
    FunctionTool,
    ImagePart,
    ImageUrl,
    Message,
    TextPart,
    ToolMessage,
    UserMessage,
)
from support.runtimes import STOP, ListedModel, answer, opened, run
from support.toolboxes import LIMITS, Loader, box, call, outcome, outcomes

RED = ImagePart(ImageUrl("data:image/png;base64,cmVk"))
BLUE = ImagePart(ImageUrl("data:image/png;base64,Ymx1ZQ=="))


def giving(*parts: ContentPart, name: str = "draw") -> Any:
    """A tool that gives back these parts."""

    @tool(name=name)
    async def made() -> ToolResult:
        """Draw."""
        return ToolResult(list(parts))

    return made


@tool
async def refuse() -> ToolResult:
    """Say no."""
    return ToolResult("no", failed=True)


@tool
async def add() -> int:
    """Add."""
    return 3


def read_of(*parts: ContentPart, limit: int = 10) -> ToolResult:
    """What is left of a result where this many characters may be."""

    async def work() -> ToolResult:
        limits = attrs.evolve(LIMITS, result=limit)
        toolbox = await box(Loader(giving(*parts)), names="draw", limits=limits)
        return (await outcome(toolbox, "draw")).result

    return run(work)


def test_parts_are_kept_and_read_as_text() -> None:
    """A model that reads text alone is told where an image was."""
    result = read_of(TextPart("a"), RED, TextPart("b"))

    assert [TextPart("a"), RED, TextPart("b")] == list(result.content)
    assert "a\n\n[image]\n\nb" == result.text


def test_a_result_of_images_alone_has_a_text() -> None:
    """Nobody takes it for nothing."""
    assert "[image]\n\n[image]" == read_of(RED, BLUE).text


def test_the_texts_of_all_parts_are_cut_together() -> None:
    """The limit is that of the whole result; images do not count, and the mark says what was."""
    result = read_of(TextPart("123456"), RED, TextPart("78901234"), TextPart("x"))

    mark = TextPart("\n[truncated: the result had 15 characters]")
    assert [TextPart("123456"), RED, TextPart("7890"), mark] == list(result.content)


def test_parts_that_fit_are_left_alone() -> None:
    """To the last character."""
    parts = [TextPart("12345"), TextPart("67890")]

    assert parts == list(read_of(*parts).content)


def test_a_result_that_says_it_failed_is_an_error() -> None:
    """Its text is the tool's own."""

    async def work() -> None:
        made = await outcome(await box(Loader(refuse), names="refuse"), "refuse")

        assert ("error", "no") == (made.status, made.result.text)

    run(work)


class Plugin:
    """A plugin with these tools."""

    def __init__(self, *tools: Any):
        self._tools = tools

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return Loader(*self._tools)


class Seeing(ListedModel):
    """A model that can look at images."""

    images = True


BOTH = [
    ToolCallPiece(0, "up_1", "draw", "{}"),
    ToolCallPiece(1, "up_2", "paint", "{}"),
    STOP,
]


def read_by(model: ListedModel, **request: Any) -> Sequence[Message]:
    """What a model reads in its last turn, after the question."""

    async def work() -> None:
        plugin = Plugin(giving(TextPart("a"), RED), giving(BLUE, name="paint"))
        async with opened(model, plugin, tools=["draw", "paint"]) as runtime:
            await answer(runtime, **request)

    run(work)
    return model.requests[-1].messages[1:]


def test_a_model_that_sees_is_shown_images_after_all_results() -> None:
    """A tool message holds text alone, so they come in messages of the user's."""
    _, *read = read_by(Seeing(BOTH, [STOP]))

    assert [
        ToolMessage("up_1", "a\n\n[image]"),
        ToolMessage("up_2", "[image]"),
        UserMessage([TextPart("Images that draw gave back:"), RED]),
        UserMessage([TextPart("Images that paint gave back:"), BLUE]),
    ] == read


def test_a_model_that_does_not_say_that_it_sees_is_shown_none() -> None:
    """Many would refuse the request."""
    _, *read = read_by(ListedModel(BOTH, [STOP]))

    assert ["tool", "tool"] == [message.__struct_config__.tag for message in read]


def test_images_wait_for_no_results_of_the_callers() -> None:
    """What the caller's tools give back has to follow the calls, so no image comes between."""
    own = FunctionTool(function=FunctionDefinition("look"))
    model = Seeing([*BOTH[:2], ToolCallPiece(2, "up_3", "look", "{}"), STOP])
    kept: list[Any] = []

    async def work() -> None:
        plugin = Plugin(giving(TextPart("a"), RED), giving(BLUE, name="paint"))
        async with opened(model, plugin, tools=["draw", "paint"]) as runtime:
            events = await answer(runtime, tools=[own])
            assert events[-1] == RunFinished("tool_calls")
            ids = [event.id for event in events if getattr(event, "name", "") == "look"]
            kept.extend(
                await runtime.registry.store.continuations.find(ids, user="alice", agent="helper")
            )

    run(work)
    assert b"image_url" not in kept[0].messages


def test_a_failed_result_is_told_to_readers_of_the_run() -> None:
    """Its event has the status ``error``."""
    model = ListedModel([ToolCallPiece(0, "up_1", "refuse", "{}"), STOP], [STOP])

    async def work() -> Sequence[Any]:
        async with opened(model, Plugin(refuse), tools=["refuse"]) as runtime:
            return await answer(runtime)

    (told,) = [event for event in run(work) if isinstance(event, ToolCallFinished)]
    assert ("error", "no") == (told.status, told.content)


class NoRecords:
    """Records of a store that does not answer."""

    async def put(self, record: Record, *, expected: int | None = None) -> Record:
        raise StoreUnavailable("the store does not answer")


def test_a_result_that_cannot_be_kept_ends_the_run() -> None:
    """With the error of the store itself, however many calls there are."""
    effects = Effects(NoRecords(), timedelta(hours=1))  # type: ignore[arg-type]

    async def work() -> None:
        toolbox: Toolbox = await box(Loader(add), names="add", effects=effects)
        await outcomes(toolbox, *(call("add", index=number) for number in range(3)))

    with pytest.raises(StoreUnavailable, match="the store does not answer"):
        run(work)
