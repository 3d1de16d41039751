"""The lease of a server process: what makes the runs in the outbox its own, and when it may not be.

A store that is killed may forget the latest of what was not durable, and while it is away the
leases of all servers end. So a lease also knows what is sure.
"""

from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

import structlog

from hookline.outbox import OutboxStore

log = structlog.get_logger("hookline.usage")


class Lease:
    """A server's right to its runs, which is renewed as long as it lives.

    Args:
        outbox: where it stands.
        server: the id of this process.
        seconds: for which the server is taken to live after it said so.
        live: the runs that this server has written and not ended.
        clock: this moment, in UTC.

    Attributes:
        lost: runs that other servers have taken over.
        outages: how often the store did not answer.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        server: str,
        seconds: float,
        live: Callable[[], Iterable[str]],
        clock: Callable[[], datetime],
    ):
        self.lost: set[str] = set()
        self.outages = 0
        self.seconds = seconds
        self._outbox = outbox
        self._server = server
        self._length = timedelta(seconds=seconds)
        self._live = live
        self._clock = clock
        self._until: datetime | None = None
        self._since: datetime | None = None
        self._lapsed = False
        # Runs that the store has and may forget; and of those, the ones since whose writing it
        # was away.
        self._unsure: set[str] = set()
        self._doubtful: set[str] = set()

    @property
    def left(self) -> float:
        """Seconds for which the runs are certainly this server's."""
        at = self._clock()
        return ((self._until or at) - at).total_seconds()

    @property
    def tells_the_dead(self) -> bool:
        """Whether this server has had the store for a whole lease.

        Only then has one that let its lease end surely died. After an outage of the store all
        leases have ended, and those that live have yet to say so.
        """
        return self._since is not None and self._since + self._length <= self._clock()

    async def renew(self) -> None:
        """Say that this server lives; find out which of its runs were claimed if that came late.

        That is done once more with the next lease: a claim may have been under way.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        at, until, unsure = self._clock(), self._until, set(self._unsure)
        try:
            await self._outbox.lease(self._server, at + self._length)
        except BaseException:
            self.doubt()
            raise
        lapsed = until is not None and until < self._clock()
        if lapsed:
            self.doubt()
        if lapsed or self._lapsed:
            await self._reconcile()
        self._since = self._since or self._clock()
        self._unsure -= unsure
        self._lapsed = lapsed
        self._until = at + self._length

    async def give_up(self) -> None:
        """The server ends: what runs it has can be claimed at once."""
        await self._outbox.leave(self._server)

    def unsure(self) -> AbstractSet[str]:
        """The runs that the store may forget."""
        return frozenset(self._unsure)

    def written(self, runs: Collection[str], unsure: AbstractSet[str], *, durable: bool) -> None:
        """The outbox has taken runs.

        Args:
            runs: their ids.
            unsure: those that it might have forgotten before.
            durable: whether it can no more forget these, nor what it had before.
        """
        self._doubtful.difference_update(runs)
        if durable:
            self._unsure.difference_update(unsure, runs)
        else:
            self._unsure.update(runs)

    def doubt(self) -> None:
        """The store did not answer: it may have crashed, and have forgotten what it could."""
        self.outages += 1
        self._since = None
        self._doubtful |= self._unsure
        self._unsure.clear()

    async def _reconcile(self) -> None:
        """After a lapse: what is not this server's in the store any more was claimed.

        What the store may have forgotten is left out: the next write of such a run finds out.
        """
        mine: set[str] = set()
        after = ""
        while page := await self._outbox.owned(self._server, after=after):
            mine.update(run.id for run in page)
            after = page[-1].id
        lost = set(self._live()) - mine - self._doubtful
        if lost:
            log.error("usage.runs_lost", runs=sorted(lost))
        self.lost |= lost
