"""The runtime: answers requests with runs, and knows those that are under way."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Self

import attrs
import structlog

from hookline.access import Access
from hookline.administration import Administration
from hookline.agents import Agent
from hookline.attachments import Attachments
from hookline.continuations import keep, restore
from hookline.directory import Directory
from hookline.errors import ShuttingDown, StoreUnavailable
from hookline.events import RunCancelled, RunEnded, RunFailed, RunFinished, RunStarted
from hookline.graph import Graphs, RecursionLimitReached
from hookline.history import History, RunRecord
from hookline.managed import bring_in
from hookline.meter import Unmetered
from hookline.moments import now
from hookline.parameters import TOKEN_LIMITS, caller_tools, check, merge
from hookline.parts import Part
from hookline.permissions import Principal
from hookline.quotas import Quota
from hookline.registry import Registry
from hookline.revocation import RevocationWatch
from hookline.runs import CancelReason, Run, new_run_id
from hookline.scope import RunScope
from hookline.sinks import EventSink
from hookline.toolbox import ToolLimits, look_over, open_toolbox
from hookline.turns import RunContext, next_call
from hookline.wire.chat import ChatCompletionRequest, Message, SystemMessage

log = structlog.get_logger("hookline.runtime")
STARTING = Principal(user="hookline")
"""For whom tools are looked over when the server starts."""


class Runtime:
    """Answers requests with runs. An async context manager: entering it starts every part.

    Attributes:
        ended: how many runs have ended, by outcome.
    """

    def __init__(self, registry: Registry):
        self.registry = registry
        self.agents = Directory(registry.store.agents, registry.config.store.cache_seconds)
        permissions = registry.config.permissions
        self.access = Access(
            registry.permission_backends,
            self.agents,
            hide_forbidden=permissions.hide_forbidden,
        )
        self.administration = Administration(
            registry.store, changed=self.forget, keys_per_user=permissions.keys_per_user
        )
        self._graphs = Graphs()
        self.ended = Counter[str]()
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._stack = AsyncExitStack()
        self._limits = registry.config.runs
        self._history = History(
            registry.store.runs,
            registry.store.conversations,
            timedelta(days=self._limits.history_days),
        )
        self._revocations = RevocationWatch(
            registry.store.keys,
            running=lambda: self.running,
            forget=self.forget,
            interval=permissions.revocation_interval,
        )
        self._tool_limits = ToolLimits(
            deadline=self._limits.tool_deadline,
            result=self._limits.tool_result_limit,
            concurrency=self._limits.tool_concurrency,
        )

    async def __aenter__(self) -> Self:
        """Start every part, and bring the agents of the config into the store."""
        await self._stack.enter_async_context(self.registry)
        try:
            registry = self.registry
            agents = await bring_in(registry.store, registry.config, registry.source)
            self.forget()
            await look_over(registry.tool_loaders, agents, STARTING)
            await registry.store.continuations.expire(now())
            await self._stack.enter_async_context(registry.delivery)
            await self._stack.enter_async_context(self._history)
            await self._stack.enter_async_context(self._revocations)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End what still runs, then stop every part, in reverse order."""
        self.drain()
        self.cancel_all("shutdown")
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._stack.aclose()

    @property
    def running(self) -> Sequence[Run]:
        """The runs that have not ended."""
        return list(self._runs.values())

    @property
    def closing(self) -> bool:
        """Whether no new runs are taken."""
        return self._closing

    def forget(self) -> None:
        """The store was changed in this process: nothing that was remembered of it holds."""
        self.agents.forget()
        self.access.forget()

    def drain(self) -> None:
        """Take no new runs."""
        self._closing = True

    def cancel_all(self, reason: CancelReason) -> None:
        """End every run."""
        for run in self.running:
            run.cancel(reason)

    async def start(
        self, principal: Principal, agent: Agent, request: ChatCompletionRequest
    ) -> Run:
        """Check a request, have it admitted, and begin a run for it.

        Raises:
            ShuttingDown: the server is about to stop.
            InvalidRequest: a field of the request is wrong or cannot be honoured.
            AdmissionRefused: a usage recorder refused.
            ToolUnavailable, ProviderBroken: what the agent needs is not there.
            PartUnavailable, StoreUnavailable: a recorder or the store failed.
        """
        if self._closing:
            message = "the server is shutting down; try again in a moment"
            raise ShuttingDown(message)
        check(request)
        registry = self.registry
        provider = registry.provider(agent)
        parameters = merge(agent, request, provider.part.parameters)
        toolbox = await open_toolbox(registry.tool_loaders, agent, principal, self._tool_limits)
        callers = caller_tools(request, toolbox.names)
        scope = self._scope(principal, agent, request)
        messages = await self._messages(scope, agent, request)
        limits = [parameters[name] for name in TOKEN_LIMITS if parameters.get(name)]
        log = await registry.event_logs.create(scope.run)
        context = RunContext(
            scope=scope,
            agent=agent,
            log=log,
            provider=provider,
            toolbox=toolbox,
            caller_tools=callers,
            tool_choice=request.tool_choice or None,
            parameters=parameters,
            metered=bool(registry.delivery.parts),
            meter=Unmetered(),
            expected_output=min(limits, default=registry.config.usage.default_output),
            limited=bool(limits),
            attachments=Attachments(registry.artifact_processors, scope, log.append),
        )
        run = Run(scope, agent, log, await self._admit(context, messages))
        self._launch(run, context, messages)
        return run

    def _scope(
        self, principal: Principal, agent: Agent, request: ChatCompletionRequest
    ) -> RunScope:
        return RunScope(
            run=new_run_id(),
            agent=agent.id,
            principal=principal,
            deadline=asyncio.get_running_loop().time() + self._limits.deadline,
            conversation=request.conversation_id or None,
            parent_message=request.parent_message_id or None,
            metadata=request.metadata or {},
        )

    async def _messages(
        self, scope: RunScope, agent: Agent, request: ChatCompletionRequest
    ) -> Sequence[Message]:
        history = await restore(
            self.registry.store.continuations,
            request.messages,
            user=scope.principal.user,
            agent=agent.id,
        )
        if not agent.instructions:
            return history
        return [SystemMessage(agent.instructions), *history]

    async def _admit(self, context: RunContext, messages: Sequence[Message]) -> Quota | None:
        """Have the run admitted; from here to its launch nothing is awaited, so it will close."""
        if not context.metered:
            return None
        context.admitted = next_call(context, messages)
        try:
            context.meter, quota = await self.registry.delivery.admit(*context.admitted)
        except BaseException:
            await self.registry.event_logs.release(context.scope.run)
            raise
        return quota

    def _launch(self, run: Run, context: RunContext, messages: Sequence[Message]) -> None:
        self._runs[run.id] = run
        created = int(time.time())
        run.log.append(RunStarted(run.id, run.agent.id, run.agent.version, created))
        record = _record(run)
        self._history.note(record)
        self._spawn(self._execute(run, context, messages, record))
        for sink in self.registry.event_sinks:
            self._spawn(_feed(sink, run))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _execute(
        self, run: Run, context: RunContext, messages: Sequence[Message], record: RunRecord
    ) -> None:
        async def work() -> RunFinished:
            return await self._work(context, messages)

        ended = await run.execute(work)
        context.attachments.cancel()
        try:
            await context.meter.close(run.outcome)
        except StoreUnavailable as error:
            log.warning("usage.late", run=run.id, error=str(error))
            ended = run.fail(error)
        self._history.note(
            attrs.evolve(record, state=run.outcome, reason=_reason(ended), ended_at=now())
        )
        self.ended[run.outcome] += 1
        del self._runs[run.id]
        run.close(ended)
        await self.registry.event_logs.release(run.id)

    async def _work(self, context: RunContext, messages: Sequence[Message]) -> RunFinished:
        try:
            turn = await self._graphs.run(context, messages)
        except RecursionLimitReached:
            await context.attachments.wait()
            return RunFinished("length", "recursion_limit")
        await context.attachments.wait()
        if turn.stop_reason is not None:
            return RunFinished(turn.finish_reason, turn.stop_reason)
        if turn.caller_calls:
            continuations = self.registry.store.continuations
            await keep(
                continuations,
                context.scope,
                context.produced,
                turn.caller_calls,
                self._limits.continuation_hours,
            )
        return RunFinished(turn.finish_reason)


def _record(run: Run) -> RunRecord:
    """What the history says of a run that begins."""
    return RunRecord(
        id=run.id,
        user=run.scope.principal.user,
        key=run.scope.principal.key,
        agent=run.agent.id,
        version=run.agent.version,
        conversation=run.scope.conversation,
        state="running",
        started_at=now(),
    )


def _reason(ended: RunEnded) -> str:
    match ended:
        case RunFinished():
            return ended.stop_reason or ended.finish_reason
        case RunFailed():
            return ended.code
        case RunCancelled():
            return ended.reason


async def _feed(part: Part[EventSink], run: Run) -> None:
    """Have a sink follow a run to its end."""
    position = 0
    try:
        while events := await run.log.read(position):
            async with part.call("write") as sink:
                await sink.write(run.scope, position, events)
            position += len(events)
    except Exception:
        log.exception("sink.failed", part=part.name, run=run.id)
