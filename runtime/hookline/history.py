"""The history of runs: who ran what, when, and how it ended. Not what was said."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, Protocol, Self

import attrs
import structlog

from hookline.background import end
from hookline.conversations import Conversation, ConversationStore
from hookline.moments import now

log = structlog.get_logger("hookline.history")
FLUSH_INTERVAL = 1.0
"""Seconds between writes: runs that began and ended in between are one record each."""
FLUSH_SECONDS = 10.0
"""How long one write may take."""
FORGET_INTERVAL = 3600.0
"""Seconds between two looks for runs that are old enough to be forgotten."""
WAITING = 100_000
"""Records that wait at most while the store does not answer; the oldest are lost first."""

LOST = 500
"""Runs of dead servers that are looked up with one write, which has to end in time."""

SERVER_LOST = "server_lost"
"""Why a run failed whose server died, or was taken for dead."""
_OPEN = ("running", "waiting")

RunState = Literal["running", "waiting", "finished", "failed", "cancelled"]


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run, as it is known after it began or ended.

    ``reason`` is the ``finish_reason``, the code of the failure, or why it was cancelled.
    """

    id: str
    user: str
    key: str | None = None
    agent: str
    version: int
    conversation: str | None = None
    state: RunState
    reason: str = ""
    started_at: datetime
    ended_at: datetime | None = None


def cut_off(record: RunRecord, at: datetime) -> RunRecord:
    """What is known of a run whose server died."""
    return attrs.evolve(record, state="failed", reason=SERVER_LOST, ended_at=at)


class RunStore(Protocol):
    """Where the history is kept. Every method may raise ``StoreUnavailable``."""

    async def keep(self, records: Sequence[RunRecord]) -> None:
        """Keep records, each in the place of the one with its id.

        One that says ``running`` never takes the place of one that says how the run ended.
        """

    async def get(self, run: str) -> RunRecord | None:
        """The run with this id."""

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[RunRecord]:
        """Runs ordered by id, all or a user's: those with an id above ``after``."""

    async def forget(self, before: datetime) -> int:
        """Forget the runs that ended before this moment; how many there were."""


class History:
    """Writes the history down in the background; no request waits for it.

    An async context manager: leaving it writes down what is left.

    Args:
        runs: where records are kept.
        conversations: where the conversations of runs are kept.
        keep: how long after its end a run is remembered; zero keeps no history at all.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        runs: RunStore,
        conversations: ConversationStore,
        keep: timedelta,
        clock: Callable[[], datetime] = now,
    ):
        self._runs = runs
        self._conversations = conversations
        self._keep = keep
        self._clock = clock
        self._records: dict[str, RunRecord] = {}
        self._talks: dict[tuple[str, str], Conversation] = {}
        self._lost: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, record: RunRecord) -> None:
        """A run began or ended."""
        if not self._keep:
            return
        self._records.pop(record.id, None)
        self._records[record.id] = record
        if len(self._records) > WAITING:
            del self._records[next(iter(self._records))]
        if record.conversation is not None:
            at = record.ended_at or record.started_at
            self._talks[record.user, record.conversation] = Conversation(
                id=record.conversation,
                owner=record.user,
                agent=record.agent,
                created_at=record.started_at,
                updated_at=at,
            )

    def lose(self, run: str, at: datetime) -> None:
        """The server of a run died, and was last seen at this moment."""
        if self._keep:
            self._lost[run] = at

    async def flush(self) -> None:
        """Write down what there is; what cannot be written stays for the next time."""
        records, talks = self._records, self._talks
        lost = dict(islice(self._lost.items(), LOST))
        if not records and not talks and not lost:
            return
        self._records, self._talks = {}, {}
        for run in lost:
            del self._lost[run]
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                for run, at in lost.items():
                    known = await self._runs.get(run)
                    if known is not None and known.state in _OPEN:
                        records[run] = cut_off(known, at)
                if records:
                    await self._runs.keep(list(records.values()))
                if talks:
                    await self._conversations.keep(list(talks.values()))
        except Exception as error:  # noqa: BLE001  any store, any failure: requests go on
            log.warning("history.not_written", runs=len(records), error=str(error))
            self._records = {**records, **self._records}
            self._talks = {**talks, **self._talks}
            self._lost = {**lost, **self._lost}

    async def __aenter__(self) -> Self:
        """Begin to write in the background."""
        if self._keep:
            self._task = asyncio.create_task(self._write_on(), name="history of runs")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop, and write down what is left."""
        if self._task is not None:
            await end(self._task)
            await self.flush()

    async def _write_on(self) -> None:
        loop = asyncio.get_running_loop()
        forget_at = loop.time()
        while True:
            if loop.time() >= forget_at:
                forget_at = loop.time() + FORGET_INTERVAL
                await self._forget()
            await asyncio.sleep(FLUSH_INTERVAL)
            await self.flush()

    async def _forget(self) -> None:
        try:
            await self._runs.forget(self._clock() - self._keep)
        except Exception as error:  # noqa: BLE001  as above
            log.warning("history.not_forgotten", error=str(error))
