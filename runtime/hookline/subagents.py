"""Agents as tools: one agent asks another, which works on its own and gives back what it said."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hookline.agents import Agent
from hookline.handoffs import tool_name
from hookline.scope import CallScope
from hookline.tools import Tool, ToolResult, ToolSpec

PREFIX = "ask_"
Ask = Callable[[str, CallScope], Awaitable[str]]
"""Has an agent work on a task, and gives what it said in the end."""

PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "task": {
            "type": "string",
            "minLength": 1,
            "description": "What it shall do, with everything it has to know: it reads only this.",
        }
    },
    "required": ["task"],
    "additionalProperties": False,
}


class SubAgent(Tool):
    """Another agent, as a tool. What it does has effects of its own, which are done once.

    Args:
        agent: that is asked.
        ask: has it work.
    """

    def __init__(self, agent: Agent, ask: Ask):
        name = agent.name or agent.id
        about = f" {agent.description}" if agent.description else ""
        self.spec = ToolSpec(
            tool_name(PREFIX, agent.id),
            f"Have the agent {name} work on a task of its own.{about}",
            PARAMETERS,
            repeatable=True,
        )
        self._ask = ask

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult | str:
        """Have it work; its last words are the result."""
        said = await self._ask(arguments["task"], scope)
        return said or "(it said nothing)"
