"""Couriers: each brings one usage recorder what it is to be told, until it has taken it."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime

import attrs
import structlog

from hookline.background import end
from hookline.errors import RecordRejected
from hookline.moments import now
from hookline.outbox import OutboxRun, Parked, Taken
from hookline.parts import Part
from hookline.usage import Closing, UsageEntry, UsageRecorder

log = structlog.get_logger("hookline.usage")
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
"""Seconds before something is offered again, doubled each time; a random part of it is left out."""
ERROR_LENGTH = 500
"""Characters of an error that are kept."""

Item = UsageEntry | Closing


@attrs.define
class _Trouble:
    """How often something was offered in vain, and since when, on the loop's clock."""

    since: float
    attempts: int = 0


@attrs.define(eq=False)
class Parcel:
    """A run on its way to the recorders. Its items are in the outbox already.

    Args:
        run: as it was written last.
        contested: whether it was claimed from a server that may live after all.
    """

    run: OutboxRun
    contested: bool = False
    taken: dict[str, set[str]] = attrs.field(init=False)
    parked: list[Parked] = attrs.field(init=False)
    troubles: dict[tuple[str, str], _Trouble] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Go on where another server ended."""
        self.parked = list(self.run.parked)
        self.taken = {name: set() for name in self.run.recorders}
        for taken in self.run.taken:
            self.taken[taken.recorder].add(taken.item)
        for parked in self.parked:
            self.taken[parked.recorder].add(parked.item)

    def next_for(self, recorder: str) -> Item | None:
        """The next item that a recorder has not taken."""
        done = self.taken[recorder]
        return next((item for item in self.run.items if item.id not in done), None)

    @property
    def delivered(self) -> bool:
        """Whether the run has ended and nobody is to be told anything."""
        if not self.run.ended:
            return False
        count = len(self.run.items)
        return all(len(self.taken[name]) >= count for name in self.run.recorders)

    def written(self) -> OutboxRun:
        """The run with what is known of its way."""
        parked = {(one.recorder, one.item) for one in self.parked}
        taken = [
            Taken(recorder=name, item=item)
            for name, items in self.taken.items()
            for item in sorted(items)
            if (name, item) not in parked
        ]
        return attrs.evolve(self.run, taken=taken, parked=list(self.parked))


class Courier:
    """Brings one recorder its items: those of one run in order, of several runs at once.

    Args:
        part: the recorder.
        done: called when a recorder has taken all that a parcel holds by now.
        park_after: seconds for which an item is offered again before it is given up.
        concurrency: runs that the recorder is told of at once.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        part: Part[UsageRecorder],
        done: Callable[[Parcel], None],
        *,
        park_after: float,
        concurrency: int,
        clock: Callable[[], datetime] = now,
    ):
        self.part = part
        self.name = part.plugin
        self.recorded = self.retries = self.parked = 0
        self._done = done
        self._park_after = park_after
        self._concurrency = concurrency
        self._clock = clock
        self._ready: deque[Parcel] = deque()
        self._carried: set[str] = set()
        self._workers: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """Runs that the recorder is still to be told of."""
        return len(self._carried)

    def add(self, parcel: Parcel) -> None:
        """There is something new in a parcel."""
        if parcel.run.id in self._carried or self.name not in parcel.taken:
            return
        self._carried.add(parcel.run.id)
        self._idle.clear()
        self._queue(parcel)

    async def drained(self) -> None:
        """Wait until the recorder has taken everything."""
        await self._idle.wait()

    async def stop(self) -> None:
        """Offer nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        await end(*self._workers)

    def _queue(self, parcel: Parcel) -> None:
        self._timers.pop(parcel.run.id, None)
        self._ready.append(parcel)
        if len(self._workers) < self._concurrency:
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        while self._ready:
            parcel = self._ready.popleft()
            if await self._deliver(parcel):
                self._carried.discard(parcel.run.id)
                self._done(parcel)
                if not self._carried:
                    self._idle.set()

    async def _deliver(self, parcel: Parcel) -> bool:
        """Offer what a parcel holds; false if that has to be gone on with later."""
        while (item := parcel.next_for(self.name)) is not None:
            key = (self.name, item.id)
            try:
                await self._offer(item)
            except RecordRejected as error:
                self._park(parcel, item, error)
            except Exception as error:  # noqa: BLE001  any recorder, any failure
                if self._tire(parcel, item, error):
                    continue
                return False
            else:
                self.recorded += 1
                parcel.taken[self.name].add(item.id)
            parcel.troubles.pop(key, None)
        return True

    async def _offer(self, item: Item) -> None:
        if isinstance(item, Closing):
            async with self.part.call("close") as recorder:
                await recorder.close(item)
        else:
            async with self.part.call("record") as recorder:
                await recorder.record(item)

    def _tire(self, parcel: Parcel, item: Item, error: Exception) -> bool:
        """Offer it again later; or park it, which is true."""
        loop = asyncio.get_running_loop()
        trouble = parcel.troubles.setdefault((self.name, item.id), _Trouble(loop.time()))
        trouble.attempts += 1
        if loop.time() - trouble.since >= self._park_after:
            self._park(parcel, item, error)
            return True
        self.retries += 1
        log.warning(
            "usage.record_retried",
            recorder=self.part.name,
            item=item.id,
            attempts=trouble.attempts,
            error=repr(error),
        )
        longest = min(FIRST_PAUSE * 2 ** min(trouble.attempts - 1, 20), LONGEST_PAUSE)
        pause = longest * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, hides nothing
        self._timers[parcel.run.id] = loop.call_later(pause, self._queue, parcel)
        return False

    def _park(self, parcel: Parcel, item: Item, error: Exception) -> None:
        trouble = parcel.troubles.pop((self.name, item.id), None)
        self.parked += 1
        parcel.taken[self.name].add(item.id)
        parcel.parked.append(
            Parked(
                recorder=self.name,
                item=item.id,
                error=repr(error)[:ERROR_LENGTH],
                attempts=trouble.attempts if trouble else 1,
                at=self._clock(),
            )
        )
        log.error("usage.parked", recorder=self.part.name, item=item.id, error=repr(error))
