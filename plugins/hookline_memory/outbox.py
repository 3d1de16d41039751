"""The outbox: runs by their ids, and the leases of servers."""

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

import attrs

from hookline.moments import all_in_utc, now, utc
from hookline.outbox import OutboxCounts, OutboxRun
from hookline_memory.documents import Kept, copy


class MemoryOutbox:
    """Runs in a dictionary, and until when each server has its own."""

    def __init__(self) -> None:
        self.kept = Kept[str, OutboxRun]()
        self.leases: dict[str, datetime] = {}

    async def find(self, run: str) -> OutboxRun | None:
        """The run of this id."""
        kept = self.kept.get(run)
        return None if kept is None else copy(kept)

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> AbstractSet[str]:
        """Keep those that are new or their server's; the ids of the others."""
        del durable  # memory outlives nothing
        given = [copy(all_in_utc(run)) for run in runs]
        lost = {run.id for run in given if not self._owns(run.server, run.id)}
        self.kept.update((run.id, run) for run in given if run.id not in lost)
        return lost

    async def remove(self, runs: Collection[str], *, server: str) -> None:
        """Forget those of these runs that are the server's."""
        for id_ in runs:
            if id_ in self.kept and self._owns(server, id_):
                del self.kept[id_]

    async def lease(self, server: str, until: datetime) -> None:
        """The server owns its runs until this moment at least."""
        moment = utc(until)
        self.leases[server] = max(moment, self.leases.get(server, moment))

    async def leave(self, server: str) -> None:
        """The server's runs can be claimed at once."""
        self.leases.pop(server, None)

    async def claim(self, server: str, at: datetime, *, limit: int = 1000) -> Sequence[OutboxRun]:
        """Take over runs of others whose lease has ended, ordered by id; not those at rest."""
        moment = utc(at)
        found = [
            run
            for run in self._above("")
            if run.server != server and not self._lives(run.server, moment) and not run.at_rest
        ]
        for run in found[:limit]:
            self.kept[run.id] = attrs.evolve(run, server=server)
        return [copy(self.kept[run.id]) for run in found[:limit]]

    async def owned(
        self, server: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutboxRun]:
        """The server's runs ordered by id."""
        return _page((run for run in self._above(after) if run.server == server), limit)

    async def parked(self, *, after: str = "", limit: int = 1000) -> Sequence[OutboxRun]:
        """Runs that have something parked, ordered by id."""
        return _page((run for run in self._above(after) if run.parked), limit)

    async def retry(self, run: str) -> bool:
        """Make what is parked of a run nobody's, and not parked; false if nothing is."""
        kept = self.kept.get(run)
        if kept is None or not kept.parked:
            return False
        self.kept[run] = attrs.evolve(kept, parked=(), server="", updated_at=now())
        return True

    async def counts(self) -> OutboxCounts:
        """How much there is."""
        parked = sum(len(run.parked) for run in self.kept.values())
        return OutboxCounts(runs=len(self.kept), parked=parked)

    def _owns(self, server: str, id_: str) -> bool:
        kept = self.kept.get(id_)
        return kept is None or kept.server == server

    def _lives(self, server: str, at: datetime) -> bool:
        until = self.leases.get(server)
        return server != "" and until is not None and at < until

    def _above(self, after: str) -> Sequence[OutboxRun]:
        return [self.kept[id_] for id_ in sorted(self.kept) if id_ > after]


def _page(runs: Iterable[OutboxRun], limit: int) -> Sequence[OutboxRun]:
    return [copy(run) for run in list(runs)[:limit]]
