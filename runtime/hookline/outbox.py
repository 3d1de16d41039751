"""The outbox: what runs consumed, kept in the store until every usage recorder has taken it."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

import attrs

from hookline.moments import now
from hookline.usage import Closing, UsageEntry


@attrs.frozen(kw_only=True)
class Parked:
    """Something that a recorder could not take for good.

    Args:
        recorder: which one.
        item: the id of the entry or closing.
        error: what it said last.
        attempts: how often it was asked.
        at: when it was given up.
    """

    recorder: str
    item: str
    error: str
    attempts: int
    at: datetime


@attrs.frozen(kw_only=True)
class Taken:
    """Something that a recorder has taken."""

    recorder: str
    item: str


@attrs.frozen(kw_only=True)
class OutboxRun:
    """One run, as far as recorders have not been told of it.

    Args:
        id: the run's.
        server: whose it is: the id of a server process, or empty.
        recorders: the names of those that are to be told.
        closing: what is said at the end; until ``ended``, what is said if the server dies.
        entries: of calls that have ended, in order.
        open: calls under way, with what has been counted of them.
        ended: whether the run has ended, so that ``closing`` holds.
        taken: ids of what each recorder has taken, as far as is known; the rest is told again.
        parked: what a recorder could not take.
        updated_at: when this was written.
    """

    id: str
    server: str
    recorders: Sequence[str]
    closing: Closing
    entries: Sequence[UsageEntry] = ()
    open: Sequence[UsageEntry] = ()
    ended: bool = False
    taken: Sequence[Taken] = ()
    parked: Sequence[Parked] = ()
    updated_at: datetime = attrs.field(factory=now)

    @property
    def items(self) -> Sequence[UsageEntry | Closing]:
        """What there is to tell, in order."""
        return (*self.entries, self.closing) if self.ended else self.entries

    def waiting(self, recorder: str) -> Sequence[UsageEntry | Closing]:
        """What a recorder has neither taken nor given up."""
        done = {taken.item for taken in self.taken if taken.recorder == recorder}
        done |= {parked.item for parked in self.parked if parked.recorder == recorder}
        return [item for item in self.items if item.id not in done]

    @property
    def at_rest(self) -> bool:
        """Whether it has ended, and nobody is to be told anything but what is parked."""
        return self.ended and not any(self.waiting(recorder) for recorder in self.recorders)


@attrs.frozen(kw_only=True)
class OutboxCounts:
    """What is in an outbox: runs that are not done, and of those, items that are parked."""

    runs: int
    parked: int


class OutboxStore(Protocol):
    """Where the outbox is kept. Every method may raise ``StoreUnavailable``.

    A server process owns the runs that it has put, as long as its lease lasts; another one may
    claim them after that. No run is owned by two.
    """

    async def find(self, run: str) -> OutboxRun | None:
        """The run of this id, whoever has it."""

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> AbstractSet[str]:
        """Keep each in the place of the one with its id; the ids of those that were not kept.

        A run is kept if there is none with its id, or one of the same ``server``. The other ones
        were claimed by somebody else, and stay as they are; the rest is kept all the same.

        Args:
            runs: as they are now.
            durable: whether this, and all that was put before it, must survive the end of the
                store and of the machine; else it only has to survive the end of this process,
                which is cheaper.
        """

    async def remove(self, runs: Collection[str], *, server: str) -> None:
        """Forget runs that are done, as far as they are this server's. It need not be durable."""

    async def lease(self, server: str, until: datetime) -> None:
        """The server lives, and owns its runs until this moment at least: no lease gets shorter.

        At that moment it ends, if it was not renewed.
        """

    async def leave(self, server: str) -> None:
        """The server ends: what runs it has can be claimed at once."""

    async def claim(self, server: str, at: datetime, *, limit: int = 1000) -> Sequence[OutboxRun]:
        """Take over runs of servers whose lease has ended by then, and of none, ordered by id.

        They are this server's from now on, and given back so. A server that never had a lease has
        none. Those ``at_rest`` stay where they are, and so do this server's own, lease or not. Of
        two that claim at once, one gets a run.
        """

    async def owned(
        self, server: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutboxRun]:
        """The server's runs ordered by id: those with an id above ``after``."""

    async def parked(self, *, after: str = "", limit: int = 1000) -> Sequence[OutboxRun]:
        """Runs that have something parked, ordered by id: those with an id above ``after``."""

    async def retry(self, run: str) -> bool:
        """Have what is parked of a run told again; false if nothing is.

        ``parked`` is emptied and the run is nobody's, so that a server claims it.
        """

    async def counts(self) -> OutboxCounts:
        """How much there is."""
