"""Offers: which of an agent's tools the plugins have, and which of them nobody has."""

from collections.abc import Iterable, Mapping, Sequence

import attrs
import structlog

from hookline.agents import Agent
from hookline.parts import Part
from hookline.permissions import Principal
from hookline.tool_search import TOOL_SEARCH
from hookline.tools import ToolLoader, ToolSpec

log = structlog.get_logger("hookline.tools")


@attrs.frozen
class Offers:
    """What tool loaders offer to an agent.

    Args:
        tools: by name, with the loader that is asked for it: the first that offers it.
        contested: names that several plugins offer, with the plugins; the first one is used.
        problems: what failed, and which of the agent's tools nobody offers.
        notes: what the loaders want the model to know of their tools.
    """

    tools: Mapping[str, tuple[ToolSpec, Part[ToolLoader]]]
    contested: Mapping[str, Sequence[str]]
    problems: Sequence[str]
    notes: Sequence[str] = ()


async def ask_loaders(
    loaders: Sequence[Part[ToolLoader]], agent: Agent, principal: Principal
) -> Offers:
    """Ask every loader for the definitions of the agent's tools; nothing is raised."""
    tools: dict[str, tuple[ToolSpec, Part[ToolLoader]]] = {}
    plugins = {TOOL_SEARCH: ["hookline"]}
    problems: list[str] = []
    notes: list[str] = []
    for part in loaders if agent.tools else ():
        try:
            async with part.call("definitions") as loader:
                specs = await loader.definitions(agent, principal)
                if specs and hasattr(loader, "notes"):  # some are no subclass, and older than it
                    notes += await loader.notes(agent, principal)
        except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
            problems.append(f"{part.name}: {type(error).__name__}: {error}")
            continue
        for spec in specs:
            if spec.name != TOOL_SEARCH:
                tools.setdefault(spec.name, (spec, part))
            plugins.setdefault(spec.name, []).append(part.plugin)
    offered = {*tools, TOOL_SEARCH, *(spec.part_of for spec, _ in tools.values())}
    missing = [name for name in agent.tools if name not in offered]
    if missing and not problems:
        problems.append(f"no plugin offers {', '.join(missing)}")
    contested = {name: offering for name, offering in plugins.items() if len(offering) > 1}
    return Offers(tools, contested, problems, notes)


async def look_over(
    loaders: Sequence[Part[ToolLoader]], agents: Iterable[Agent], principal: Principal
) -> None:
    """Say in the log, at start-up, which tools of the agents are missing or offered twice."""
    for agent in agents:
        offers = await ask_loaders(loaders, agent, principal)
        if offers.problems:
            log.warning("tool.unavailable", agent=agent.id, problems=offers.problems)
        for name, plugins in offers.contested.items():
            log.warning(
                "tool.offered_twice", agent=agent.id, tool=name, used=plugins[0], all=plugins
            )
