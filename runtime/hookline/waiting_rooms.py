"""Waiting rooms: where runs wait for approval, and what came of a run after its last event."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from hookline.attachments import Attachments
from hookline.config import RunsConfig
from hookline.errors import HooklineError, NotFound
from hookline.events import ArtifactAttached, Event
from hookline.moments import now
from hookline.permissions import Principal
from hookline.records import Record
from hookline.runs import Run
from hookline.store import Store
from hookline.waiting import COLLECTION, WaitingRun, record_of, waiting_of

log = structlog.get_logger("hookline.runs")
ATTACHMENTS = "runs.attachments"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[ArtifactAttached]).decode


class WaitingRooms:
    """Keeps what outlives the task of a run.

    Args:
        store: where.
        config: for how long.
    """

    def __init__(self, store: Store, config: RunsConfig):
        self._records = store.records
        self._waiting = timedelta(hours=config.approval_hours)
        self._history = timedelta(days=config.history_days)

    async def enter(self, waiting: WaitingRun, events: Sequence[Event]) -> None:
        """Keep a run that begins to wait, with its events.

        Raises:
            InvalidRequest: it is larger than a document may be.
            StoreUnavailable: it could not be kept.
        """
        whole = msgspec.structs.replace(waiting, events=list(events))
        await self._records.put(record_of(whole, now() + self._waiting), expected=0)

    async def find(self, principal: Principal, run: str) -> tuple[WaitingRun, Record]:
        """A run of this principal's that waits.

        Raises:
            NotFound: there is none.
        """
        record = await self._records.get(COLLECTION, run)
        if record is None or record.owner != principal.user:
            message = f"no run {run} waits for approval"
            raise NotFound(message)
        return waiting_of(record), record

    async def put(self, waiting: WaitingRun, record: Record) -> None:
        """Keep the run with more decisions.

        Raises:
            VersionConflict: somebody else decided in the meantime.
        """
        expires_at = record.expires_at or self._until()
        await self._records.put(record_of(waiting, expires_at), expected=record.version)

    async def leave(self, record: Record) -> None:
        """The run goes on, here and nowhere else.

        Raises:
            VersionConflict, NotFound: somebody else was faster.
        """
        if not await self._records.delete(COLLECTION, record.id, expected=record.version):
            message = f"no run {record.id} waits for approval"
            raise NotFound(message)

    async def keep_attachments(self, run: Run, attachments: Attachments) -> None:
        """Keep what tools made beside text, once all of it is ready."""
        await attachments.wait()
        if not attachments.made or not self._history:
            return
        earlier = await self.attachments(run.scope.principal, run.id)
        record = Record(
            collection=ATTACHMENTS,
            id=run.id,
            owner=run.scope.principal.user,
            data=_encode([*earlier, *attachments.made]),
            expires_at=now() + self._history,
        )
        try:
            await self._records.put(record)
        except HooklineError as error:
            log.warning("artifact.not_kept", run=run.id, error=str(error))

    async def attachments(self, principal: Principal, run: str) -> Sequence[ArtifactAttached]:
        """What tools made beside text in a run of this principal's."""
        record = await self._records.get(ATTACHMENTS, run)
        if record is None or record.owner != principal.user:
            return []
        return _decode(record.data)

    def _until(self) -> datetime:
        return now() + self._waiting
