"""The beginning of a run: what it works with is put together, from a request or from a pause."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import attrs

from hookline.access import Access
from hookline.agents import Agent
from hookline.assembly import Assembly, Order
from hookline.attached import resolve
from hookline.attachments import Attachments
from hookline.branches import Appending
from hookline.continuations import Restored, restore
from hookline.effects import EffectIds, root_of_key, root_of_messages
from hookline.events import Event, UsageReported
from hookline.files import FileRecord
from hookline.flow import RecursionLimitReached, begin, last_words
from hookline.graph import Loop
from hookline.log import EventLog
from hookline.meter import Unmetered
from hookline.parameters import caller_tools
from hookline.permissions import NOTHING, Principal
from hookline.registry import Registry
from hookline.run_context import RunContext
from hookline.runs import new_run_id
from hookline.scope import CallScope, RunScope
from hookline.subagents import Ask
from hookline.team import Team
from hookline.tool_search import TOOL_SEARCH, discovered
from hookline.waiting import WaitingRun, as_before
from hookline.waiting import restore as as_it_was
from hookline.wire.chat import ChatCompletionRequest, FilePart, Message, UserMessage


@attrs.frozen(kw_only=True)
class Manner:
    """How a run is answered.

    Args:
        patience: seconds that its end waits for attachments; ``None`` for as long as it takes.
        idempotency_key: that the request came with: one that is sent again with the same key has
            the effects of its tools once.
    """

    patience: float | None = None
    idempotency_key: str | None = None


WHOLE = Manner()
"""An answer in one piece: every attachment is in it."""


@dataclass
class Began:
    """A run that can be launched.

    ``waiting`` is how it is written down once it waits.
    """

    context: RunContext
    log: EventLog
    request: ChatCompletionRequest
    ids: EffectIds
    patience: float | None
    waiting: WaitingRun | None = None


class Beginning:
    """Puts together what runs work with.

    Args:
        registry: the parts of the server.
        access: who may call which agent, and read which file.
        loop: runs the agents that are called as tools.
    """

    def __init__(self, registry: Registry, access: Access, loop: Loop):
        self._registry = registry
        self._access = access
        self._loop = loop
        self._limits = registry.config.runs
        self._assembly = Assembly(registry, access, registry.plugins.clock)

    async def begin(
        self, principal: Principal, agent: Agent, request: ChatCompletionRequest, manner: Manner
    ) -> Began:
        """What a new run works with.

        Raises:
            InvalidRequest: a field of the request cannot be honoured.
            ToolUnavailable, ProviderBroken, ProviderForbidden: what the agent needs is not there.
            StoreUnavailable: the store does not answer.
        """
        history = await restore(
            self._registry.store.continuations,
            request.messages,
            user=principal.user,
            agent=agent.id,
        )
        attached = await resolve(
            history.messages,
            self._registry.files,
            await self._readable(principal, history.messages),
            tools=agent.tools,
        )
        scope = self._scope(principal, agent, request, new_run_id(), attached.resources)
        ids = EffectIds(_root(scope, request, history, manner))
        asking = _Asking(self._loop, self._assembly, self._limits.subagent_depth)
        order = self._order(scope, request, ids, asking, speaker=history.speaker)
        team = await self._assembly.team(agent, order)
        began = await self._began(scope, request, team, attached.messages, ids, manner)
        asking.context = began.context
        _remember(team, attached.messages)
        begin(began.context)
        return began

    async def go_on(
        self, principal: Principal, agent: Agent, waiting: WaitingRun, manner: Manner
    ) -> Began:
        """What a run works with that waited and goes on.

        Raises:
            NotFound: an agent may not take part any more.
            ToolUnavailable, ProviderBroken, ProviderForbidden, StoreUnavailable: as above.
        """
        request = waiting.request
        scope = self._scope(principal, agent, request, waiting.run, waiting.resources)
        ids = EffectIds(waiting.root, waiting.seen)
        asking = _Asking(self._loop, self._assembly, self._limits.subagent_depth)
        order = self._order(scope, request, ids, asking, versions=waiting.versions)
        team = as_before(await self._assembly.team(agent, order), waiting)
        began = await self._began(scope, request, team, waiting.conversation, ids, manner)
        asking.context = began.context
        for event in waiting.events:
            began.log.append(event)
        as_it_was(began.context, waiting)
        return began

    def _scope(
        self,
        principal: Principal,
        agent: Agent,
        request: ChatCompletionRequest,
        run: str,
        resources: Mapping[str, Sequence[str]],
    ) -> RunScope:
        return RunScope(
            run=run,
            agent=agent.id,
            principal=principal,
            deadline=asyncio.get_running_loop().time() + self._limits.deadline,
            conversation=request.conversation_id or None,
            parent_message=request.parent_message_id or None,
            metadata=request.metadata or {},
            resources=resources,
        )

    def _order(
        self,
        scope: RunScope,
        request: ChatCompletionRequest,
        ids: EffectIds,
        asking: "_Asking",
        **more: Any,
    ) -> Order:
        return Order(
            principal=scope.principal,
            request=request,
            metadata=scope.metadata,
            ids=ids,
            ask=asking.ask if self._limits.subagent_depth else None,
            **more,
        )

    async def _began(
        self,
        scope: RunScope,
        request: ChatCompletionRequest,
        team: Team,
        conversation: Sequence[Message],
        ids: EffectIds,
        manner: Manner,
    ) -> Began:
        """The run with its log, which is made when nothing can be refused any more."""
        tools = caller_tools(request, _names(team))
        log = await self._registry.event_logs.create(scope.run)
        context = RunContext(
            scope=scope,
            log=log,
            team=team,
            conversation=conversation,
            caller_tools=tools,
            tool_choice=request.tool_choice or None,
            metered=bool(self._registry.delivery.parts),
            meter=Unmetered(),
            attachments=Attachments(self._registry.artifact_processors, scope, log.append),
        )
        return Began(context, log, request, ids, manner.patience)

    async def _readable(
        self, principal: Principal, messages: Sequence[Message]
    ) -> Callable[[FileRecord], bool]:
        """Whether the principal may read a file: its own, and what it was granted."""
        named = any(
            isinstance(part, FilePart) and part.file.file_id
            for message in messages
            if isinstance(message, UserMessage) and isinstance(message.content, list)
            for part in message.content
        )
        granted = await self._access.allowed(principal, "view", "file") if named else NOTHING
        return lambda file: file.owner == principal.user or file.id in granted


class _Asking:
    """Has agents work that others call as tools, each on its own.

    Args:
        loop: runs them.
        assembly: puts their teams together.
        depth: how many of them may call each other.
    """

    context: RunContext

    def __init__(self, loop: Loop, assembly: Assembly, depth: int):
        self._loop = loop
        self._assembly = assembly
        self._depth = depth

    def ask(self, agent: Agent) -> Ask:
        """Asking this agent."""

        async def ask(task: str, scope: CallScope) -> str:
            return await self._work(agent, task, scope)

        return ask

    async def _work(self, agent: Agent, task: str, scope: CallScope) -> str:
        parent = self.context
        deeper = _Asking(self._loop, self._assembly, self._depth - 1)
        order = Order(
            principal=scope.principal,
            request=None,
            metadata=scope.metadata,
            ids=EffectIds(scope.effect),
            ask=deeper.ask if self._depth > 1 else None,
        )
        team = await self._assembly.team(agent, order)
        context = deeper.context = RunContext(
            scope=attrs.evolve(parent.scope, agent=agent.id),
            log=_Aside(parent.log),
            team=team,
            conversation=[UserMessage(task)],
            caller_tools={},
            tool_choice=None,
            metered=parent.metered,
            meter=parent.meter,
            attachments=parent.attachments,
            steps=parent.steps,
            usage_type="subagent",
            part=parent.part,
            may_wait=False,
        )
        begin(context)
        try:
            await self._loop.run(context)
        except RecursionLimitReached:
            return f"{last_words(context)}\n[it took as many steps as it may]"
        finally:
            for member in team.members.values():
                await member.toolbox.close()
        return last_words(context)


class _Aside:
    """Where the events of an agent go that another one asked: what it consumes is the run's."""

    def __init__(self, log: Appending):
        self._log = log

    def append(self, event: Event) -> None:
        """Pass on what was consumed; the rest is between the two agents."""
        if isinstance(event, UsageReported):
            self._log.append(event)


def _root(
    scope: RunScope, request: ChatCompletionRequest, history: Restored, manner: Manner
) -> str:
    """What tells the effects of this run from those of others."""
    user, agent = scope.principal.user, scope.agent
    if manner.idempotency_key is not None:
        return root_of_key(user, agent, manner.idempotency_key, request.messages)
    if history.run is not None:
        return root_of_messages(user, agent, history.run, request.messages)
    return scope.run


def _remember(team: Team, messages: Sequence[Message]) -> None:
    """Show the agents the tools that searches in earlier turns of the conversation have found."""
    boxes = [member.toolbox for member in team.members.values()]
    searching = [box for box in boxes if TOOL_SEARCH in box.names]
    found = discovered(messages) if searching else ()
    for box in searching:
        box.go_on({}, found)


def _names(team: Team) -> Collection[str]:
    """All tools of the server's that a team may call."""
    boxes = (member.toolbox.names for member in team.members.values())
    handing = (team.handoff_names(id_) for id_ in team.members)
    return frozenset(chain.from_iterable((*boxes, *handing)))
