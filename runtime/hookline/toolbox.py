"""The tools of one agent in one run: defined at its start, loaded when a model first calls them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import attrs
import msgspec
import structlog

from hookline.agents import Agent, ToolOptions
from hookline.calls import Call
from hookline.effects import Done, EffectIds, Effects, Status
from hookline.errors import ToolUnavailable
from hookline.instances import Instances
from hookline.offers import ask_loaders
from hookline.parts import Part
from hookline.permissions import Principal
from hookline.schemas import InvalidArguments, InvalidSchema, check_arguments
from hookline.scope import CallScope, RunScope
from hookline.tool_calls import ToolLimits, failure, make
from hookline.tool_search import DISCOVER, TOOL_SEARCH, search
from hookline.tools import Tool, ToolLoader, ToolResult, ToolSpec
from hookline.wire.chat import ImagePart

log = structlog.get_logger("hookline.tools")
PLAIN = ToolOptions()
Decisions = Mapping[str, str | None]
"""What was decided of calls that need approval, by public id: ``None`` approves, a text refuses."""


@attrs.frozen
class Outcome:
    """What became of a call: what the model reads, and the artifacts."""

    call: Call
    result: ToolResult
    status: Status = "success"

    @property
    def failed(self) -> bool:
        """Whether it did not do what it was asked, as far as is known."""
        return self.status != "success"

    @property
    def images(self) -> Sequence[ImagePart]:
        """The pictures among what it gave back."""
        content = self.result.content
        return [] if isinstance(content, str) else [p for p in content if isinstance(p, ImagePart)]


class Toolbox:
    """The tools of the server that one agent of a run may call.

    Args:
        agent: whose they are.
        offers: the tools of plugins, with the part that loads them.
        own: tools of the runtime itself, such as agents that are called as tools.
        limits: for all of them.
        effects: keeps what calls gave back; ``None`` keeps nothing.
        ids: of the calls' effects; shared by the agents of a run.
        notes: what the model shall know of them, before its instructions.
    """

    def __init__(  # noqa: PLR0913  one place puts it together
        self,
        agent: Agent,
        offers: Mapping[str, tuple[ToolSpec, Part[ToolLoader]]],
        limits: ToolLimits,
        *,
        own: Sequence[Tool] = (),
        effects: Effects | None = None,
        ids: EffectIds | None = None,
        notes: Sequence[str] = (),
    ):
        self.notes = notes
        self._agent = agent
        names = {tool.spec.name for tool in own}
        self._offers = {name: offer for name, offer in offers.items() if name not in names}
        self._limits = limits
        self._effects = effects
        self._ids = ids or EffectIds("")
        self._instances = Instances(self._offers, own)
        self._specs = {tool.spec.name: tool.spec for tool in own}
        self._specs |= {name: spec for name, (spec, _) in self._offers.items()}
        self._places = asyncio.Semaphore(limits.concurrency)
        self._turns = Counter[str]()
        self._found: set[str] = set()
        self._hidden = {name: spec for name, spec in self._specs.items() if self._deferred(spec)}
        self._visible = [spec for spec in self._specs.values() if self._shown(spec)]
        self._deferring = bool(self._hidden)
        if self._deferring:
            self._visible.append(DISCOVER)

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The definitions that the model is shown, in the order in which the agent names them."""
        return self._visible

    @property
    def names(self) -> Collection[str]:
        """The names of the tools that the server offers to this run, shown or not."""
        return {*self._specs, TOOL_SEARCH} if self._deferring else self._specs.keys()

    @property
    def turns(self) -> Mapping[str, int]:
        """How often each tool was called."""
        return self._turns

    @property
    def found(self) -> Collection[str]:
        """The names of the tools that a search has found."""
        return self._found

    def go_on(self, turns: Mapping[str, int], found: Collection[str]) -> None:
        """Take up where an earlier part of the run ended.

        Args:
            turns: how often each tool had been called.
            found: names that a search found.
        """
        self._turns.update(turns)
        self._show(found)

    def needs_approval(self, call: Call) -> bool:
        """Whether somebody has to approve this call before it is made."""
        return call.name in self._specs and self._options(call.name).require_approval

    async def call_all(
        self,
        calls: Sequence[Call],
        scope: RunScope,
        tell: Callable[[Outcome], None],
        decisions: Decisions | None = None,
    ) -> list[Outcome]:
        """Call tools concurrently; the outcomes are in the order of the calls.

        ``tell`` hears of each one as soon as it is there.

        Raises:
            ToolUnavailable: a tool could not be loaded, and the agent does not say "degrade".
            StoreUnavailable: what a call gave back could not be kept.
        """
        scope = self._scope(scope)
        read = [(call, self._read(call, decisions or {})) for call in calls]
        called = {call.name for call, said in read if not isinstance(said, Outcome)}
        failures = await self._load(called, scope)
        made = [self._prepare(call, said, failures, scope) for call, said in read]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._told(one, tell)) for one in made]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return [task.result() for task in tasks]

    async def close(self) -> None:
        """Leave the tools that were entered. Never fails."""
        await self._instances.close()

    def _scope(self, scope: RunScope) -> RunScope:
        """The scope of this agent's calls: its own files, and those of the caller."""
        resources = {name: list(files) for name, files in scope.resources.items()}
        for name, resource in self._agent.tool_resources.items():
            resources[name] = [*resource.file_ids, *resources.get(name, ())]
        return attrs.evolve(scope, agent=self._agent.id, resources=resources)

    def _options(self, name: str) -> ToolOptions:
        options = self._agent.tool_options
        part_of = self._specs[name].part_of
        return options.get(name) or options.get(part_of or "") or PLAIN

    def _deferred(self, spec: ToolSpec) -> bool:
        options = self._options(spec.name)
        return options.defer_loading and "direct" in options.allowed_callers

    def _shown(self, spec: ToolSpec) -> bool:
        callers = self._options(spec.name).allowed_callers
        return spec.name not in self._hidden and "direct" in callers

    def _show(self, names: Collection[str]) -> None:
        """Let the model see tools that it has found."""
        for name in names:
            spec = self._hidden.pop(name, None)
            if spec is not None:
                self._found.add(name)
                self._visible.append(spec)

    async def _load(self, names: set[str], scope: RunScope) -> Mapping[str, str]:
        """Load what is not loaded yet; what could not be, with the reason."""
        failures = await self._instances.load(names, scope)
        if failures and self._agent.on_tool_failure == "fail":
            name, why = next(iter(failures.items()))
            message = f"tool {name} could not be loaded: {why}"
            raise ToolUnavailable(message)
        return failures

    def _read(self, call: Call, decisions: Decisions) -> Mapping[str, Any] | Outcome:
        """The arguments of a call, or why it is not made."""
        searching = call.name == TOOL_SEARCH and self._deferring
        spec = DISCOVER if searching else self._specs.get(call.name)
        if spec is None:
            return _failure(call, f"Tool {call.name} not found")
        if not searching and "direct" not in self._options(call.name).allowed_callers:
            return _failure(call, f"Tool {call.name} may not be called directly")
        refusal = decisions.get(call.public_id)
        if refusal is not None:
            text = f"Error: this call was not approved: {refusal}"
            return Outcome(call, ToolResult(text, failed=True), "error")
        try:
            return _decoded(call, spec)
        except (InvalidArguments, InvalidSchema) as error:
            return _failure(call, str(error))

    def _prepare(
        self,
        call: Call,
        arguments: Mapping[str, Any] | Outcome,
        failures: Mapping[str, str],
        scope: RunScope,
    ) -> "Outcome | _Make":
        """What makes the call; or what became of it, if that is known without."""
        if isinstance(arguments, Outcome):
            return arguments
        if call.name in failures:
            return _failure(call, f"Tool {call.name} is not available: {failures[call.name]}")
        if call.name == TOOL_SEARCH and self._deferring:
            return self._search(call, arguments)
        turn = self._turns[call.name]
        self._turns[call.name] += 1
        effect = self._ids.next(self._agent.id, call.name, arguments)
        fields = {name: getattr(scope, name) for name in _SCOPE_FIELDS}
        made = CallScope(**fields, call=call.public_id, effect=effect, turn=turn)
        return lambda: self._call(call, arguments, made)

    def _search(self, call: Call, arguments: Mapping[str, Any]) -> Outcome:
        found = search(list(self._hidden.values()), **arguments)
        self._show([hit.name for hit in found.hits])
        return Outcome(call, ToolResult(found.text))

    async def _told(self, one: "Outcome | _Make", tell: Callable[[Outcome], None]) -> Outcome:
        if isinstance(one, Outcome):
            outcome = one
        else:
            async with self._places:
                outcome = await one()
        tell(outcome)
        return outcome

    async def _call(self, call: Call, arguments: Mapping[str, Any], scope: CallScope) -> Outcome:
        """Call a tool of a plugin's, or one of the runtime's own, which has no deadline."""
        tool, offer = self._instances[call.name], self._offers.get(call.name)

        async def do() -> Done:
            if offer is None:
                return await make(tool, arguments, scope, self._limits)
            part = attrs.evolve(offer[1], deadline=None)
            async with part.call(f"tool {call.name}"):
                return await make(tool, arguments, scope, self._limits, limited=True)

        if self._effects is None or self._specs[call.name].repeatable:
            done = await do()
        else:
            done = await self._effects.once(scope.effect, scope.principal.user, do)
        return Outcome(call, done.result, done.status)


_SCOPE_FIELDS = [field.name for field in attrs.fields(RunScope)]
_Make = Callable[[], Awaitable[Outcome]]


def _decoded(call: Call, spec: ToolSpec) -> dict[str, Any]:
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
    return Outcome(call, failure(message).result, "error")


async def open_toolbox(
    loaders: Sequence[Part[ToolLoader]], agent: Agent, principal: Principal, **fields: Any
) -> Toolbox:
    """Ask the loaders for the definitions of the agent's tools; ``fields`` are a toolbox's own.

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
    return Toolbox(agent, offers.tools, notes=offers.notes, **fields)
