"""Runs: one execution of an agent for one request."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Literal

import attrs
import structlog

from hookline.agents import Agent
from hookline.errors import HooklineError, ProviderError
from hookline.events import Event, RunCancelled, RunEnded, RunFailed, RunFinished, RunPaused
from hookline.log import EventLog
from hookline.moments import now
from hookline.quotas import Quota
from hookline.scope import RunScope
from hookline.usage import Outcome

log = structlog.get_logger("hookline.runs")
CancelReason = Literal["client_gone", "operator", "shutdown", "key_revoked"]
INTERNAL = "The server had an error while processing your request."
"""All that a caller hears of an unexpected exception; the log has the rest."""


def new_run_id() -> str:
    """A new id: ``run_`` and 24 random characters."""
    return "run_" + secrets.token_hex(12)


def billed_as(run: str, part: int) -> str:
    """The id that a part of a run is billed under; parts are divided by waiting for approval."""
    return f"{run}.{part}" if part else run


def billed_for(id_: str) -> str:
    """The run that something is billed for under this id."""
    return id_.partition(".")[0]


@attrs.frozen(kw_only=True)
class Earlier:
    """What a run has behind it, if it has waited.

    Args:
        position: how many events there were when it went on.
        started_at: when it began.
        open_calls: the events of calls of the caller's that nobody could make, because the run
            waited; they belong to what it says from ``position`` on.
    """

    position: int = 0
    started_at: datetime = attrs.field(factory=now)
    open_calls: Sequence[Event] = ()


class Run:
    """One execution of an agent. It ends once: finished, failed or cancelled.

    Args:
        scope: whose run it is, and how long it may take.
        agent: the version of the agent that runs.
        log: where its events go.
        quota: the limits that it was admitted under.
        earlier: what it did before it waited.

    Attributes:
        position: how many events there were before; those who are answered now read on from there.
        started_at: when it began.
        open_calls: what such an answer begins with, besides.
    """

    def __init__(
        self,
        scope: RunScope,
        agent: Agent,
        log: EventLog,
        quota: Quota | None = None,
        earlier: Earlier | None = None,
    ):
        earlier = earlier or Earlier()
        self.scope = scope
        self.agent = agent
        self.log = log
        self.quota = quota
        self.position = earlier.position
        self.started_at = earlier.started_at
        self.open_calls = earlier.open_calls
        self.ended: RunEnded | None = None
        self._done = asyncio.Event()
        self._working: asyncio.Task[RunEnded] | None = None
        self._reason: CancelReason | None = None

    @property
    def id(self) -> str:
        """The run's id."""
        return self.scope.run

    @property
    def outcome(self) -> Outcome:
        """How it ended, for usage recorders."""
        match self.ended:
            case RunFinished() | RunPaused():
                return "finished"
            case RunCancelled():
                return "cancelled"
            case _:
                return "failed"

    def cancel(self, reason: CancelReason) -> None:
        """End the run early: the upstream request is closed, tools are cancelled."""
        self._reason = self._reason or reason
        if self._working is not None:
            self._working.cancel()

    async def wait(self) -> None:
        """Wait until the run has ended and its last event is in the log."""
        await self._done.wait()

    async def execute(self, work: Callable[[], Awaitable[RunEnded]]) -> RunEnded:
        """Do the work; however it ends, say how, and never raise."""
        task = asyncio.current_task()
        try:
            if self._reason is not None:
                raise asyncio.CancelledError  # noqa: TRY301  cancelled before it began
            self._working = task
            self.ended = await self._limited(work)
        except asyncio.CancelledError:
            self.ended = RunCancelled(self._reason or "operator")
        except HooklineError as error:
            self.ended = _failed(error)
            log.info("run.failed", run=self.id, code=error.code, error=str(error))
        except Exception:
            self.ended = RunFailed("internal_error", INTERNAL)
            log.exception("run.crashed", run=self.id, agent=self.agent.id)
        self._working = None
        return self.ended

    def fail(self, error: HooklineError) -> RunEnded:
        """What the run did came to nothing after all, unless it had failed already."""
        if isinstance(self.ended, RunFinished | RunPaused):
            self.ended = _failed(error)
        return self.ended or _failed(error)

    def close(self, ended: RunEnded) -> None:
        """Write the last event and wake everybody who waits."""
        self.log.append(ended)
        self.log.close()
        self._done.set()

    async def _limited(self, work: Callable[[], Awaitable[RunEnded]]) -> RunEnded:
        limit = asyncio.timeout_at(self.scope.deadline)
        try:
            async with limit:
                return await work()
        except TimeoutError:
            if not limit.expired():
                raise
            message = "the run took longer than it may; [runs] deadline sets how long that is"
            return RunFailed("deadline_exceeded", message)


def _failed(error: HooklineError) -> RunFailed:
    if isinstance(error, ProviderError):
        return RunFailed(error.code, str(error), error.status, error.reason, error.retry_after)
    return RunFailed(error.code, str(error))
