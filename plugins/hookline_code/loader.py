"""Offers ``execute_code`` where it is on, and says what to do where an agent names it in vain."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

from hookline import Agent, PluginContext, Principal, RunScope, Tool, ToolLoader, ToolSpec
from hookline.errors import ToolUnavailable
from hookline_code.probe import prove
from hookline_code.session import TOOL, Session
from hookline_code.settings import Settings
from hookline_code.tool import ExecuteCode, spec_of

OFF = (
    "execute_code is off; set enabled = true in [plugins.code], or put code into disabled_plugins "
    "of [runtime] if another plugin offers it"
)


class CodeOff(ToolLoader):
    """Offers nothing, and says what to do to those who ask for it."""

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        """None.

        Raises:
            ToolUnavailable: the agent names the tool.
        """
        if TOOL in agent.tools:
            raise ToolUnavailable(OFF)
        return ()

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        """None."""
        return {}


class CodeOn(ToolLoader):
    """Offers the tool, after it has proved that code is isolated."""

    def __init__(self, plugin: PluginContext, settings: Settings):
        self._plugin = plugin
        self._settings = settings
        self._places = asyncio.Semaphore(settings.concurrency)

    async def __aenter__(self) -> Self:
        """Prove it.

        Raises:
            PluginError: code would not be isolated; the server does not start.
        """
        await prove(self._settings)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Sessions end with their runs."""

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        """The tool, if the agent names it."""
        return [spec_of(self._settings)] if TOOL in agent.tools else []

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        """The tool, with a session for this run."""
        session = Session(self._settings, self._places, self._plugin)
        return {name: ExecuteCode(self._settings, session) for name in names}
