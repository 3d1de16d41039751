"""Waiting rooms: where runs wait for approval, and what came of a run after its last event."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import structlog

from hookline.attachments import Attachments
from hookline.config import RunsConfig
from hookline.errors import HooklineError, NotFound, RunBusy, VersionConflict
from hookline.events import ArtifactAttached, Event
from hookline.moments import now
from hookline.permissions import Principal
from hookline.records import Record
from hookline.runs import Run
from hookline.store import Store
from hookline.waiting import COLLECTION, WaitingRun, claim, record_of, waiting_of

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

    async def put(self, waiting: WaitingRun, record: Record) -> Record:
        """Keep the run with more decisions.

        Raises:
            RunBusy: somebody else decided in the meantime.
        """
        expires_at = record.expires_at or now() + self._waiting
        changed = record_of(waiting, expires_at)
        try:
            return await self._records.put(changed, expected=record.version)
        except VersionConflict as error:
            raise RunBusy(record.id) from error

    async def claim(self, waiting: WaitingRun, record: Record) -> tuple[WaitingRun, Record]:
        """Take the run, so that nobody else makes it go on; it goes on waiting meanwhile.

        Raises:
            RunBusy: somebody else has taken it.
        """
        claimed = claim(waiting, now())
        return claimed, await self.put(claimed, record)

    async def give_back(self, claimed: WaitingRun, record: Record) -> None:
        """The run could not go on, and waits as it did before."""
        try:
            await self.put(msgspec.structs.replace(claimed, claimed=None), record)
        except HooklineError as error:  # in a minute it can be taken all the same
            log.warning("run.not_given_back", run=claimed.run, error=str(error))

    async def leave(self, record: Record) -> None:
        """The run goes on, here and nowhere else.

        Raises:
            RunBusy: it was claimed for so long that somebody else has taken it.
        """
        try:
            left = await self._records.delete(COLLECTION, record.id, expected=record.version)
        except VersionConflict as error:
            raise RunBusy(record.id) from error
        if not left:
            raise RunBusy(record.id)

    async def keep_attachments(self, run: Run, attachments: Attachments) -> None:
        """Keep what tools made beside text, once all of it is ready."""
        await attachments.wait()
        if not attachments.made or not self._history:
            return
        try:
            waited = run.position > 0
            earlier = await self.attachments(run.scope.principal, run.id) if waited else ()
            record = Record(
                collection=ATTACHMENTS,
                id=run.id,
                owner=run.scope.principal.user,
                data=_encode([*earlier, *attachments.made]),
                expires_at=now() + self._history,
            )
            await self._records.put(record)
        except Exception as error:  # noqa: BLE001  plugins made them: they may be no data at all
            log.warning("artifact.not_kept", run=run.id, error=str(error))

    async def attachments(self, principal: Principal, run: str) -> Sequence[ArtifactAttached]:
        """What tools made beside text in a run of this principal's."""
        record = await self._records.get(ATTACHMENTS, run)
        if record is None or record.owner != principal.user:
            return []
        return _decode(record.data)
