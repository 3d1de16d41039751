"""The loader: which actions an agent has."""

from collections.abc import Mapping, Sequence
from typing import Self

import attrs

from hookline import Agent, PluginContext, Principal, RunScope, Tool, ToolLoader, ToolSpec
from hookline.errors import ToolUnavailable
from hookline_actions.catalogue import Catalogue
from hookline_actions.naming import ALL


class ActionTools(ToolLoader):
    """Offers the operations of OpenAPI documents, one by one or all of a document."""

    def __init__(self, plugin: PluginContext):
        self._catalogue = Catalogue(plugin)

    @property
    def names(self) -> Sequence[str]:
        """The names of all tools there are."""
        return list(self._catalogue.tools)

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        """The definitions of those that the agent names, in its order.

        Raises:
            ToolUnavailable: a document of which it wants everything is not there, and it does not
                say ``on_tool_failure = "degrade"``.
        """
        found: dict[str, ToolSpec] = {}
        tools = self._catalogue.tools
        for name in agent.tools:
            if name.startswith(ALL):
                found |= self._all_of(name.removeprefix(ALL), agent)
            elif name in tools:
                found.setdefault(name, tools[name].spec)
        return list(found.values())

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        """The tools with these names.

        Raises:
            ToolUnavailable: one of them was removed since.
        """
        tools = self._catalogue.tools
        gone = [name for name in names if name not in tools]
        if gone:
            message = f"the actions {', '.join(gone)} are no longer there"
            raise ToolUnavailable(message)
        return {name: tools[name] for name in names}

    async def __aenter__(self) -> Self:
        """Load the documents."""
        await self._catalogue.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the connections."""
        await self._catalogue.__aexit__(*exc)

    def _all_of(self, name: str, agent: Agent) -> dict[str, ToolSpec]:
        document = self._catalogue.document(name)
        if document is not None:
            tools = self._catalogue.tools
            return {
                tool: attrs.evolve(one.spec, part_of=f"{ALL}{name}")
                for tool, one in document.tools.items()
                if tools.get(tool) is one
            }
        if agent.on_tool_failure == "degrade":
            return {}
        message = (
            f"the actions of {name} are not available: there is no such document, or it failed"
        )
        raise ToolUnavailable(message)
