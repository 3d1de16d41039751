"""Runs: one execution of an agent for one request."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

import structlog

from hookline.agents import Agent
from hookline.errors import HooklineError, ProviderError
from hookline.events import RunCancelled, RunEnded, RunFailed, RunFinished, RunPaused
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


class Run:
    """One execution of an agent. It ends once: finished, failed or cancelled.

    Args:
        scope: whose run it is, and how long it may take.
        agent: the version of the agent that runs.
        log: where its events go.
        quota: the limits that it was admitted under.
        position: how many events there were when it went on after it had waited.
        started_at: when it began, if that was before now.
    """

    def __init__(
        self,
        scope: RunScope,
        agent: Agent,
        log: EventLog,
        quota: Quota | None = None,
        *,
        position: int = 0,
        started_at: datetime | None = None,
    ):
        self.scope = scope
        self.agent = agent
        self.log = log
        self.quota = quota
        self.position = position
        self.started_at = started_at or now()
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
