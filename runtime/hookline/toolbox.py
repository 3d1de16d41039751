"""The tools of one run: defined at its start, loaded when a model first calls them."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec
import structlog

from hookline.agents import Agent
from hookline.calls import Call
from hookline.errors import DeadlineExceeded, ToolUnavailable
from hookline.parts import Part
from hookline.permissions import Principal
from hookline.schemas import InvalidArguments, InvalidSchema, check_arguments
from hookline.scope import RunScope
from hookline.tools import Tool, ToolLoader, ToolResult, ToolSpec

log = structlog.get_logger("hookline.tools")
FIX_HINT = "\nPlease fix your mistakes."
"""What follows an error that the model can mend. Source: seed 9.4."""

TRUNCATED = "\n[truncated: the result had {size} characters]"


@attrs.frozen(kw_only=True)
class ToolLimits:
    """Seconds that a call may take, characters of a result, calls of one turn at a time."""

    deadline: float
    result: int
    concurrency: int


@attrs.frozen
class Outcome:
    """What became of a call: the text that the model reads, and the artifacts."""

    call: Call
    result: ToolResult
    failed: bool = False


class Toolbox:
    """The tools of the server that one run may call."""

    def __init__(
        self,
        agent: Agent,
        offers: Mapping[str, tuple[ToolSpec, Part[ToolLoader]]],
        limits: ToolLimits,
    ):
        self._agent = agent
        self._offers = offers
        self._limits = limits
        self._loaded: dict[str, Tool] = {}
        self._places = asyncio.Semaphore(limits.concurrency)

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The definitions, in the order in which the agent names them."""
        return [spec for spec, _ in self._offers.values()]

    @property
    def names(self) -> Collection[str]:
        """The names of the tools that the server offers to this run."""
        return self._offers.keys()

    async def call_all(
        self, calls: Sequence[Call], scope: RunScope, tell: Callable[[Outcome], None]
    ) -> list[Outcome]:
        """Call tools concurrently; the outcomes are in the order of the calls.

        ``tell`` hears of each one as soon as it is there.

        Raises:
            ToolUnavailable: a tool could not be loaded, and the agent does not say "degrade".
        """
        failures = await self._load({call.name for call in calls}, scope)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._outcome(c, failures, scope, tell)) for c in calls]
        return [task.result() for task in tasks]

    async def _load(self, names: set[str], scope: RunScope) -> Mapping[str, str]:
        """Load what is not loaded yet; what could not be, with the reason."""
        wanted: dict[Part[ToolLoader], list[str]] = {}
        for name in sorted(names):
            if name in self._offers and name not in self._loaded:
                wanted.setdefault(self._offers[name][1], []).append(name)
        failures: dict[str, str] = {}
        for part, missing in wanted.items():
            try:
                async with part.call("load") as loader:
                    self._loaded.update(await loader.load(missing, scope))
            except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
                log.warning("tool.load_failed", part=part.name, tools=missing, error=str(error))
                failures |= dict.fromkeys(missing, f"{type(error).__name__}: {error}")
            for name in missing:
                if name not in self._loaded:
                    failures.setdefault(name, f"{part.plugin} did not deliver it")
        if failures and self._agent.on_tool_failure == "fail":
            name, why = next(iter(failures.items()))
            message = f"tool {name} could not be loaded: {why}"
            raise ToolUnavailable(message)
        return failures

    async def _outcome(
        self,
        call: Call,
        failures: Mapping[str, str],
        scope: RunScope,
        tell: Callable[[Outcome], None],
    ) -> Outcome:
        outcome = await self._try(call, failures, scope)
        tell(outcome)
        return outcome

    async def _try(self, call: Call, failures: Mapping[str, str], scope: RunScope) -> Outcome:
        if call.name not in self._offers:
            return _failure(call, f"Tool {call.name} not found")
        if call.name in failures:
            return _failure(call, f"Tool {call.name} is not available: {failures[call.name]}")
        try:
            arguments = _arguments(call, self._offers[call.name][0])
        except (InvalidArguments, InvalidSchema) as error:
            return _failure(call, str(error))
        async with self._places:
            return await self._call(call, arguments, scope)

    async def _call(self, call: Call, arguments: Mapping[str, Any], scope: RunScope) -> Outcome:
        part = self._offers[call.name][1]
        limited = attrs.evolve(part, deadline=self._limits.deadline)
        try:
            async with limited.call(f"tool {call.name}"):
                result = await self._loaded[call.name].call(arguments, scope)
        except DeadlineExceeded:
            return _failure(call, f"Tool {call.name} took longer than {limited.deadline:g} s")
        except Exception as error:  # noqa: BLE001  a tool may raise anything; the model is told
            log.info("tool.failed", tool=call.name, run=scope.run, error=repr(error))
            return _failure(call, str(error) or type(error).__name__)
        if isinstance(result, str):
            result = ToolResult(result)
        return Outcome(call, attrs.evolve(result, content=self._cut(result.content)))

    def _cut(self, text: str) -> str:
        if len(text) <= self._limits.result:
            return text
        return text[: self._limits.result] + TRUNCATED.format(size=len(text))


def _arguments(call: Call, spec: ToolSpec) -> Mapping[str, Any]:
    try:
        arguments = msgspec.json.decode(call.text())
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"arguments: not JSON: {error}"
        raise InvalidArguments(message) from error
    check_arguments(spec.parameters, arguments)
    if not isinstance(arguments, dict):
        message = "arguments: a JSON object is expected"
        raise InvalidArguments(message)
    return arguments


def _failure(call: Call, message: str) -> Outcome:
    return Outcome(call, ToolResult(f"Error: {message}{FIX_HINT}"), failed=True)


@attrs.frozen
class Offers:
    """What tool loaders offer to an agent.

    Args:
        tools: by name, with the loader that is asked for it: the first that offers it.
        contested: names that several plugins offer, with the plugins; the first one is used.
        problems: what failed, and which of the agent's tools nobody offers.
    """

    tools: Mapping[str, tuple[ToolSpec, Part[ToolLoader]]]
    contested: Mapping[str, Sequence[str]]
    problems: Sequence[str]


async def ask_loaders(
    loaders: Sequence[Part[ToolLoader]], agent: Agent, principal: Principal
) -> Offers:
    """Ask every loader for the definitions of the agent's tools; nothing is raised."""
    tools: dict[str, tuple[ToolSpec, Part[ToolLoader]]] = {}
    plugins: dict[str, list[str]] = {}
    problems: list[str] = []
    for part in loaders if agent.tools else ():
        try:
            async with part.call("definitions") as loader:
                specs = await loader.definitions(agent, principal)
        except Exception as error:  # noqa: BLE001  a plugin's part may raise anything
            problems.append(f"{part.name}: {type(error).__name__}: {error}")
            continue
        for spec in specs:
            tools.setdefault(spec.name, (spec, part))
            plugins.setdefault(spec.name, []).append(part.plugin)
    missing = [name for name in agent.tools if name not in tools]
    if missing and not problems:
        problems.append(f"no plugin offers {', '.join(missing)}")
    contested = {name: offering for name, offering in plugins.items() if len(offering) > 1}
    return Offers(tools, contested, problems)


async def open_toolbox(
    loaders: Sequence[Part[ToolLoader]], agent: Agent, principal: Principal, limits: ToolLimits
) -> Toolbox:
    """Ask the loaders for the definitions of the agent's tools.

    Raises:
        ToolUnavailable: a loader failed, or nobody offers a tool that the agent names; unless the
            agent says ``on_tool_failure = "degrade"``.
    """
    offers = await ask_loaders(loaders, agent, principal)
    if offers.problems:
        log.warning("tool.unavailable", agent=agent.id, problems=offers.problems)
    if offers.problems and agent.on_tool_failure == "fail":
        message = f"tools of agent {agent.id} are not available: {'; '.join(offers.problems)}"
        raise ToolUnavailable(message)
    return Toolbox(agent, offers.tools, limits)


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
