"""The runtime: answers requests with runs, and knows those that are under way."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from typing import Any, Self

import attrs
import structlog

from hookline import continuations
from hookline.access import Access
from hookline.administration import Administration
from hookline.agents import Agent
from hookline.beginning import WHOLE, Began, Beginning, Manner
from hookline.branches import Turn
from hookline.consumption import next_call
from hookline.directory import Directory
from hookline.errors import HooklineError, RunBusy, ShuttingDown, StoreUnavailable
from hookline.events import (
    PendingCall,
    RunEnded,
    RunFinished,
    RunPaused,
    RunStarted,
)
from hookline.flow import RecursionLimitReached
from hookline.graph import Loop, Paused
from hookline.history import History, RunRecord
from hookline.managed import bring_in
from hookline.moments import now
from hookline.offers import look_over
from hookline.parameters import check
from hookline.parts import Part
from hookline.permissions import Principal
from hookline.quotas import Quota
from hookline.records import Record
from hookline.registry import Registry
from hookline.revocation import RevocationWatch
from hookline.run_context import RunContext
from hookline.runs import CancelReason, Earlier, Run, billed_for
from hookline.sinks import EventSink
from hookline.toolbox import Decisions
from hookline.usage import Admission, Closing, TokenCounts, UsageEntry
from hookline.waiting import WaitingRun, answers, decide, keep, open_calls, undecided
from hookline.waiting_rooms import WaitingRooms
from hookline.whereabouts import FoundRun, Whereabouts, reason_of, record_of
from hookline.wire.chat import ChatCompletionRequest

Work = Callable[[], Awaitable[Turn | Paused]]
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
            registry.store,
            changed=self.forget,
            keys_per_user=permissions.keys_per_user,
            policy=registry.config.policy,
        )
        self._loop = Loop()
        self._beginning = Beginning(registry, self.access, self._loop)
        self._rooms = WaitingRooms(registry.store, registry.config.runs)
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
        self._whereabouts = Whereabouts(
            self._history,
            registry.store.runs,
            self._rooms,
            self._runs,
            timedelta(hours=self._limits.approval_hours),
            timedelta(seconds=self._limits.deadline),
        )
        registry.delivery.on_lost = self._lost
        self._revocations = RevocationWatch(
            registry.store.keys,
            running=lambda: self.running,
            forget=self.forget,
            interval=permissions.revocation_interval,
        )

    async def __aenter__(self) -> Self:
        """Start every part, and bring the agents of the config into the store."""
        await self._stack.enter_async_context(self.registry)
        try:
            registry = self.registry
            agents = await bring_in(registry.store, registry.config, registry.source)
            self.forget()
            await look_over(registry.tool_loaders, agents, STARTING)
            await self._stack.enter_async_context(registry.delivery)
            await self._stack.enter_async_context(registry.sweep)
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
        self,
        principal: Principal,
        agent: Agent,
        request: ChatCompletionRequest,
        manner: Manner = WHOLE,
    ) -> Run:
        """Check a request, have it admitted, and begin a run for it.

        Raises:
            ShuttingDown: the server is about to stop.
            InvalidRequest: a field of the request is wrong or cannot be honoured.
            AdmissionRefused: a usage recorder refused.
            ProviderForbidden: the provider of the agent is not allowed.
            ToolUnavailable, ProviderBroken: what the agent needs is not there.
            PartUnavailable, StoreUnavailable: a recorder or the store failed.
        """
        self._refuse_when_closing()
        check(request)
        began = await self._beginning.begin(principal, agent, request, manner)
        context = began.context
        quota = await self._admit(context)
        run = Run(context.scope, agent, began.log, quota, Earlier(started_at=context.created))
        self._launch(run, began, lambda: self._loop.run(context))
        return run

    async def approve(
        self, principal: Principal, run: str, decisions: Decisions | None, manner: Manner = WHOLE
    ) -> Run | Sequence[PendingCall]:
        """Decide on calls that a run waits for; it goes on once all of them are decided.

        Args:
            principal: who decides: the one whose run it is.
            run: its id.
            decisions: by the ids of calls, ``None`` to approve, or why not; ``None`` for all
                approves of all that are open.
            manner: how the rest is answered.

        Returns:
            The run that goes on, or the calls that have still to be decided.

        Raises:
            NotFound: there is no such run of this user's that waits.
            InvalidRequest: a decision is about another call, or was made otherwise before.
            RunBusy: somebody else decides at this moment.
            AgentNotFound, AccessDenied, AdmissionRefused, and others as above: it cannot go on
                now, and waits as before.
        """
        self._refuse_when_closing()
        waiting, record = await self._rooms.find(principal, run)
        decided = decide(waiting, decisions)
        if run in self._runs:
            raise RunBusy(run)  # it is about to end here
        if undecided(decided):
            await self._rooms.put(decided, record)
            return undecided(decided)
        claimed, record = await self._rooms.claim(waiting, record)
        try:
            return await self._resume(principal, decide(claimed, decisions), record, manner)
        except BaseException:
            await self._rooms.give_back(claimed, record)
            raise

    async def _resume(
        self, principal: Principal, waiting: WaitingRun, record: Record, manner: Manner
    ) -> Run:
        run = waiting.run
        agent = await self.access.find_agent(principal, f"{waiting.agent}@{waiting.version}")
        began = await self._beginning.go_on(principal, agent, waiting, manner)
        quota = await self._admit_again(began.context, waiting)
        try:
            self._refuse_when_closing()
            await self._rooms.leave(record)
        except BaseException:
            await began.context.meter.close("failed")
            await self.registry.event_logs.release(run)
            raise
        earlier = Earlier(
            position=len(waiting.events),
            started_at=waiting.created,
            open_calls=open_calls(waiting),
        )
        resumed = Run(began.context.scope, agent, began.log, quota, earlier)
        self._launch(
            resumed,
            began,
            lambda: self._loop.resume(began.context, waiting.checkpoint, answers(waiting)),
        )
        return resumed

    async def look_up(self, principal: Principal, run: str) -> FoundRun:
        """A run of this principal's.

        Raises:
            NotFound: there is none, or it is not remembered any more.
            StoreUnavailable: the store does not answer.
        """
        return await self._whereabouts.find(principal, run)

    def _refuse_when_closing(self) -> None:
        if self._closing:
            message = "the server is shutting down; try again in a moment"
            raise ShuttingDown(message)

    async def _admit(self, context: RunContext) -> Quota | None:
        """Have the run admitted; from here to its launch nothing is awaited, so it will close."""
        if not context.metered:
            return None
        branch = context.branches[0]
        voice = branch.member.voices[0]
        context.admitted = next_call(context, branch, voice, branch.messages)
        return await self._ask(context, *context.admitted)

    async def _admit_again(self, context: RunContext, waiting: WaitingRun) -> Quota | None:
        """Have a run admitted that goes on; with tools, so that no model call is noted yet."""
        if not context.metered:
            return None
        branch = context.branches[min(waiting.interrupts.values())]
        voice = branch.member.voices[0]
        admission, entry = next_call(context, branch, voice, branch.messages)
        context.steps = count(entry.step)
        quota = await self._ask(context, admission, attrs.evolve(entry, tokens=TokenCounts()))
        context.meter.drop(entry.id)
        return quota

    async def _ask(
        self, context: RunContext, admission: Admission, entry: UsageEntry
    ) -> Quota | None:
        try:
            context.meter, quota = await self.registry.delivery.admit(admission, entry)
        except BaseException:
            await self.registry.event_logs.release(context.scope.run)
            raise
        return quota

    def _launch(self, run: Run, began: Began, work: Work) -> None:
        self._runs[run.id] = run
        if not run.position:
            created = int(time.time())
            run.log.append(RunStarted(run.id, run.agent.id, run.agent.version, created))
        record = record_of(run, "running")
        self._history.note(record)
        self._spawn(self._execute(run, began, work, record))
        for sink in self.registry.event_sinks:
            self._spawn(_feed(sink, run))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lost(self, closing: Closing) -> None:
        self._history.lose(billed_for(closing.run), closing.at)

    async def _execute(self, run: Run, began: Began, work: Work, record: RunRecord) -> None:
        context = began.context

        async def whole() -> RunEnded:
            return await self._work(began, work)

        ended = await run.execute(whole)
        if not isinstance(ended, RunFinished | RunPaused):
            context.attachments.cancel()
        context.attachments.end()
        for member in context.team.members.values():
            await member.toolbox.close()
        try:
            await context.meter.close(run.outcome)
        except StoreUnavailable as error:
            log.warning("usage.late", run=run.id, error=str(error))
            ended = run.fail(error)
        if isinstance(ended, RunPaused):
            ended = await self._rest(run, began, ended)
        state = "waiting" if isinstance(ended, RunPaused) else run.outcome
        self._history.note(
            attrs.evolve(record, state=state, reason=reason_of(ended), ended_at=now())
        )
        if not isinstance(ended, RunPaused):
            self.ended[run.outcome] += 1
        del self._runs[run.id]
        run.close(ended)
        await self.registry.event_logs.release(run.id)
        if not isinstance(ended, RunPaused):
            await self._rooms.keep_attachments(run, context.attachments)

    async def _rest(self, run: Run, began: Began, paused: RunPaused) -> RunEnded:
        """Write down a run that waits, with its last event."""
        waiting = began.waiting
        if waiting is None:
            message = "a run that waits says what for"
            raise TypeError(message)
        await self._rooms.keep_attachments(run, began.context.attachments)
        events = [*(await run.log.read(0) or ()), paused]
        try:
            await self._rooms.enter(waiting, events)
        except HooklineError as error:
            return run.fail(error)
        return paused

    async def _work(self, began: Began, work: Work) -> RunEnded:
        context = began.context
        try:
            turn = await work()
        except RecursionLimitReached:
            await context.attachments.wait(began.patience)
            return RunFinished("length", "recursion_limit")
        if isinstance(turn, Paused):
            await context.attachments.wait()
            began.waiting = keep(context, began.request, began.ids, turn)
            return RunPaused(context.scope.run, began.waiting.calls)
        await context.attachments.wait(began.patience)
        if turn.stop_reason is not None:
            return RunFinished(turn.finish_reason, turn.stop_reason)
        if turn.caller_calls:
            await self._keep_continuation(context, turn)
        return RunFinished(turn.finish_reason)

    async def _keep_continuation(self, context: RunContext, turn: Turn) -> None:
        speaker = next(b for b in context.branches if b.turn is not None and b.turn.caller_calls)
        await continuations.keep(
            self.registry.store.continuations,
            context.scope,
            speaker.member.agent.id,
            speaker.messages[speaker.read :],
            turn.caller_calls,
            hours=self._limits.continuation_hours,
        )


async def _feed(part: Part[EventSink], run: Run) -> None:
    """Have a sink follow a run to its end."""
    position = run.position
    try:
        while events := await run.log.read(position):
            async with part.call("write") as sink:
                await sink.write(run.scope, position, events)
            position += len(events)
    except Exception:
        log.exception("sink.failed", part=part.name, run=run.id)
