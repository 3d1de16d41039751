"""Runs that wait: tools that need approval, who decides, and logs that can be compared."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import msgspec

from hookline import (
    CallScope,
    PluginContext,
    RunScope,
    StaticTools,
    ToolLoader,
    ToolResult,
    hookimpl,
    tool,
)
from hookline.artifacts import Artifact, ArtifactProcessor, Attachment
from hookline.events import Event, RunPaused, RunStarted, ToolCallFinished
from hookline.runs import Run
from hookline.runtime import Runtime
from support.runtimes import ALICE, ListedModel, finished, opened, start

ASK_FIRST: Mapping[str, Any] = {"pay": {"require_approval": True}}
"""Tool options of an agent whose payments have to be approved."""

TOOLS: Mapping[str, Any] = {"tools": ["pay", "look"]}
ASKING: Mapping[str, Any] = {**TOOLS, "tool_options": ASK_FIRST}
"""Fields of an agent that has both tools, and has to ask before it pays."""

PAY = ("pay", '{"amount": 5}')
LOOK = ("look", '{"what": "it"}')
"""Calls, for ``support.teams.calls``."""


class Notes:
    """A plugin that makes an attachment of what was looked up."""

    @hookimpl
    def artifact_processor(self) -> ArtifactProcessor:
        return self

    def accepts(self, artifact: Artifact) -> bool:
        return True

    async def process(self, artifact: Artifact, scope: RunScope) -> Attachment:
        return Attachment(kind="note", name=artifact.data["what"], data=artifact.data)


@attrs.define
class Place:
    """Where runs wait, and which plugin opens it."""

    url: str
    plugin: object

    @asynccontextmanager
    async def runtime(
        self, model: ListedModel, *plugins: object, tables: Any = None, **agent: Any
    ) -> AsyncIterator[Runtime]:
        """A runtime on this store, as after a start."""
        store = {"store": {"url": self.url}, **(tables or {})}
        async with opened(model, self.plugin, *plugins, tables=store, **agent) as runtime:
            yield runtime


class Bank:
    """A plugin with the tools ``pay`` and ``look``, which remembers what it was asked to do."""

    def __init__(self) -> None:
        self.paid: list[int] = []
        self.looked: list[str] = []
        self.effects: list[str] = []

    @hookimpl
    def tool_loader(self, plugin: PluginContext) -> ToolLoader:
        @tool
        async def pay(amount: int, scope: CallScope) -> str:
            """Pay somebody."""
            self.paid.append(amount)
            self.effects.append(scope.effect)
            return f"paid {amount}"

        @tool
        async def look(what: str) -> ToolResult:
            """Look something up."""
            self.looked.append(what)
            return ToolResult(f"saw {what}", [Artifact(kind="note", data={"what": what})])

        return StaticTools(pay, look)


async def paused(runtime: Runtime, content: str = "Hi", **fields: Any) -> tuple[Run, RunPaused]:
    """A new run of ``helper`` that waits."""
    run = await start(runtime, content, **fields)
    return run, waits(await finished(run))


def waits(events: Sequence[Event]) -> RunPaused:
    """The end of a log of a run that waits."""
    ended = events[-1]
    assert isinstance(ended, RunPaused), ended
    return ended


async def approved(
    runtime: Runtime, run: str, decisions: Mapping[str, str | None] | None = None
) -> Run:
    """Decide on all that a run waits for; the run, once it has ended or waits again."""
    resumed = await runtime.approve(ALICE, run, decisions)
    assert isinstance(resumed, Run), resumed
    await resumed.wait()
    return resumed


def plain(events: Sequence[Event]) -> list[Mapping[str, Any]]:
    """A log without its pauses, with ids by the order in which they came.

    Tools of one turn may answer in any order; here they do so in the order of their calls.
    """
    names: dict[str, str] = {}
    rows = []
    for event in _settled(events):
        row = msgspec.to_builtins(event)
        if isinstance(event, RunStarted):
            row.pop("created")
        for key in ("id", "run", "tool_call"):
            if key in row:
                row[key] = names.setdefault(row[key], f"id{len(names)}")
        rows.append(row)
    return rows


def _settled(events: Sequence[Event]) -> list[Event]:
    settled: list[Event] = []
    for event in events:
        if isinstance(event, RunPaused):
            continue
        settled.append(event)
        place = len(settled) - 1
        while isinstance(event, ToolCallFinished) and place:
            before = settled[place - 1]
            if not isinstance(before, ToolCallFinished) or before.index < event.index:
                break
            settled[place - 1 : place + 1] = [event, before]
            place -= 1
    return settled


async def refusal(work: Awaitable[object]) -> Exception:
    """What an attempt fails with."""
    try:
        result = await work
    except Exception as error:
        return error
    message = f"it did not fail: {result}"
    raise AssertionError(message)
