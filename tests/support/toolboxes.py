"""Toolboxes of one agent, without a run around them."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from hookline import RunScope, StaticTools, Tool, ToolLoader
from hookline.agents import ToolOptions
from hookline.calls import Call
from hookline.parts import Part
from hookline.tool_calls import ToolLimits
from hookline.toolbox import Outcome, Toolbox, open_toolbox
from support.runtimes import ALICE, HELPER, scope

LIMITS = ToolLimits(deadline=5.0, result=1000, concurrency=16)
HIDDEN = ToolOptions(defer_loading=True)
"""Of a tool that the model has to find first."""

CODE_ALONE = ToolOptions(allowed_callers=("code_execution",))
"""Of a tool that the model may not call itself."""


class Loader(StaticTools):
    """A loader that counts what it loads, and can fail."""

    def __init__(self, *tools: Tool, error: Exception | None = None, deliver: bool = True):
        super().__init__(*tools)
        self.error = error
        self.deliver = deliver
        self.loaded: list[str] = []

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        self.loaded += names
        if self.error is not None:
            raise self.error
        return await super().load(names, scope) if self.deliver else {}


def part(loader: ToolLoader, deadline: float = 5.0) -> Part[ToolLoader]:
    """The loader as a part."""
    return Part("acme", "tool_loader", loader, deadline)


def call(name: str, arguments: str = "{}", index: int = 0) -> Call:
    """A call of a model."""
    made = Call(index=index, owner="server", name=name, id=f"up_{index}", public_id=f"call_{index}")
    made.arguments.append(arguments)
    return made


async def box(
    *loaders: ToolLoader,
    limits: ToolLimits = LIMITS,
    degrade: bool = False,
    names: str = "",
    options: Mapping[str, ToolOptions] | None = None,
    **fields: Any,
) -> Toolbox:
    """A toolbox for an agent with these tools; ``fields`` are the toolbox's own."""
    agent = attrs.evolve(
        HELPER,
        tools=tuple(names.split()),
        tool_options=options or {},
        on_tool_failure="degrade" if degrade else "fail",
    )
    parts = [part(loader) for loader in loaders]
    return await open_toolbox(parts, agent, ALICE, limits=limits, **fields)


async def outcomes(toolbox: Toolbox, *calls: Call) -> list[Outcome]:
    """What becomes of the calls."""
    return await toolbox.call_all(calls, scope(), lambda outcome: None)


async def outcome(toolbox: Toolbox, name: str, arguments: str = "{}") -> Outcome:
    """What becomes of one call."""
    (only,) = await outcomes(toolbox, call(name, arguments))
    return only
