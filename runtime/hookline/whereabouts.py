"""Whereabouts: how a run is, whether it is at work here, waits, or has ended."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import attrs

from hookline.errors import NotFound
from hookline.events import (
    ArtifactAttached,
    PendingCall,
    RunCancelled,
    RunEnded,
    RunFailed,
    RunFinished,
    RunPaused,
)
from hookline.history import History, RunRecord, RunState, RunStore, cut_off
from hookline.moments import now
from hookline.permissions import Principal
from hookline.runs import Run
from hookline.waiting import WaitingRun, undecided
from hookline.waiting_rooms import WaitingRooms

LATE = timedelta(minutes=1)
"""How long after its deadline a run may have to say how it ended."""


@attrs.frozen
class FoundRun:
    """A run, the calls that it waits for, and what its tools made beside text."""

    record: RunRecord
    approvals: Sequence[PendingCall] = ()
    attachments: Sequence[ArtifactAttached] = ()


class Whereabouts:
    """Finds runs.

    Args:
        history: of this process; what it knows is written down before it is read.
        runs: where it writes.
        rooms: where runs wait.
        running: those that are at work here, by id.
        patience: how long a run waits at most.
        deadline: how long one works at most.
    """

    def __init__(
        self,
        history: History,
        runs: RunStore,
        rooms: WaitingRooms,
        running: Mapping[str, Run],
        patience: timedelta,
        deadline: timedelta,
    ):
        self._history = history
        self._runs = runs
        self._rooms = rooms
        self._running = running
        self._patience = patience
        self._deadline = deadline

    async def find(self, principal: Principal, run: str) -> FoundRun:
        """A run of this principal's.

        Raises:
            NotFound: there is none, or it is not remembered any more.
            StoreUnavailable: the store does not answer.
        """
        await self._history.flush()
        record = await self._runs.get(run)
        waiting: WaitingRun | None = None
        with suppress(NotFound):
            waiting, _ = await self._rooms.find(principal, run)
        if run in self._running:
            record = record_of(self._running[run], "running")
        elif waiting is not None:
            record = _at_rest(waiting)
        elif record is not None and record.state == "waiting":
            record = self._left(record)
        elif record is not None and record.state == "running":
            record = self._elsewhere(record)
        if record is None or record.user != principal.user:
            message = f"there is no run {run}"
            raise NotFound(message)
        approvals = undecided(waiting) if waiting is not None and record.state == "waiting" else ()
        return FoundRun(record, approvals, await self._rooms.attachments(principal, run))

    def _left(self, record: RunRecord) -> RunRecord:
        """A run that waited and does not any more: another server has it, or nobody came."""
        until = (record.ended_at or record.started_at) + self._patience
        if now() < until:
            return attrs.evolve(record, state="running", reason="", ended_at=None)
        return attrs.evolve(record, state="cancelled", reason="expired", ended_at=until)

    def _elsewhere(self, record: RunRecord) -> RunRecord:
        """A run that another server has; after its deadline that one would have said how it ended.

        A server that is killed right after a run has ended does not say it, and leaves nothing
        that could be taken over.
        """
        until = record.started_at + self._deadline
        return record if now() < until + LATE else cut_off(record, until)


def _at_rest(waiting: WaitingRun) -> RunRecord:
    return RunRecord(
        id=waiting.run,
        user=waiting.user,
        agent=waiting.agent,
        version=waiting.version,
        conversation=waiting.request.conversation_id or None,
        state="waiting",
        reason="approval",
        started_at=waiting.created,
    )


def record_of(run: Run, state: RunState) -> RunRecord:
    """What the history says of a run that is at work."""
    return RunRecord(
        id=run.id,
        user=run.scope.principal.user,
        key=run.scope.principal.key,
        agent=run.agent.id,
        version=run.agent.version,
        conversation=run.scope.conversation,
        state=state,
        started_at=run.started_at,
    )


def reason_of(ended: RunEnded) -> str:
    """What the history says of how a run ended."""
    match ended:
        case RunFinished():
            return ended.stop_reason or ended.finish_reason
        case RunFailed():
            return ended.code
        case RunCancelled():
            return ended.reason
        case RunPaused():
            return "approval"
