"""Instances: the tools that a run has called, from the first call of each to the run's end."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import structlog

from hookline.parts import Part
from hookline.scope import RunScope
from hookline.tools import Tool, ToolLoader, ToolSpec

log = structlog.get_logger("hookline.tools")
LEAVING = 5.0
"""Seconds that a tool may take to be left."""

Offered = Mapping[str, tuple[ToolSpec, Part[ToolLoader]]]


class Instances:
    """Tools by name: loaded when they are first called, entered once, left at the end.

    Args:
        offers: the tools of plugins, with the part that loads them.
        own: tools that are there from the start.
    """

    def __init__(self, offers: Offered, own: Sequence[Tool]):
        self._offers = offers
        self._tools = {tool.spec.name: tool for tool in own}
        self._stack = AsyncExitStack()
        self._loading = asyncio.Lock()

    def __getitem__(self, name: str) -> Tool:
        """A tool that was loaded."""
        return self._tools[name]

    async def load(self, names: set[str], scope: RunScope) -> Mapping[str, str]:
        """Load what is not loaded yet; what could not be, with the reason."""
        failures: dict[str, str] = {}
        async with self._loading:
            wanted: dict[Part[ToolLoader], list[str]] = {}
            for name in sorted(names):
                if name in self._offers and name not in self._tools:
                    wanted.setdefault(self._offers[name][1], []).append(name)
            for part, missing in wanted.items():
                failures |= await self._load_from(part, missing, scope)
        return failures

    async def close(self) -> None:
        """Leave the tools that were entered, in reverse order. A failing one is logged."""
        await self._stack.aclose()

    async def _load_from(
        self, part: Part[ToolLoader], names: Sequence[str], scope: RunScope
    ) -> Mapping[str, str]:
        why = f"{part.plugin} did not deliver it"
        try:
            async with part.call("load") as loader:
                loaded = await loader.load(names, scope)
                for name in names:
                    if name in loaded:
                        await self._enter(loaded[name])
                        self._tools[name] = loaded[name]
        except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
            why = f"{type(error).__name__}: {error}"
        return {name: why for name in names if name not in self._tools}

    async def _enter(self, tool: Tool) -> None:
        entered = any(tool is other for other in self._tools.values())
        if isinstance(tool, AbstractAsyncContextManager) and not entered:
            await tool.__aenter__()
            self._stack.push_async_callback(_leave, tool, tool.spec.name)


async def _leave(tool: AbstractAsyncContextManager[Any], name: str) -> None:
    """Leave a tool; however that goes, the others are left, and the run ends."""
    before = cancellations()
    try:
        async with asyncio.timeout(LEAVING):
            await tool.__aexit__(None, None, None)
    except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
        log.warning("tool.close_failed", tool=name, error=repr(error))
    except asyncio.CancelledError as error:
        if cancellations() > before:
            raise
        log.warning("tool.close_failed", tool=name, error=repr(error))


def cancellations() -> int:
    """How often the current task was asked to end: a tool may raise ``CancelledError`` unasked."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
