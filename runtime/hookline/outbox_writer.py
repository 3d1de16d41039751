"""Writing to the outbox: all that waits at once, and again until it is written."""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Self

import attrs
import structlog

from hookline.background import end
from hookline.errors import StoreUnavailable
from hookline.lease import Lease
from hookline.outbox import OutboxRun, OutboxStore

log = structlog.get_logger("hookline.usage")
BATCH = 500
"""Runs that are written at once, at most."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
"""Seconds between two attempts."""
REMOVAL_PAUSE = 0.1
"""Seconds for which removals collect: nobody waits for them."""

TAKEN_OVER = "the run was taken over by another server, which took this one for dead"


@attrs.define(eq=False)
class _Write:
    """The latest state of a run that waits to be written, and who waits for that."""

    run: OutboxRun
    durable: bool
    must: bool
    waiters: list[asyncio.Future[bool]] = attrs.field(factory=list)


class OutboxWriter:
    """Writes the runs of one server process. An async context manager.

    While a write is under way the next ones collect, so many runs cost few writes.

    Args:
        outbox: where to.
        server: the id of this process.
        lease: what makes the runs this server's; it is taken on entry, and given up on leaving.
    """

    def __init__(self, outbox: OutboxStore, server: str, lease: Lease):
        self._outbox = outbox
        self._server = server
        self._lease = lease
        self._writes: dict[str, _Write] = {}
        self._gone: set[str] = set()
        self._fading: dict[str, asyncio.TimerHandle] = {}
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None

    async def write(self, run: OutboxRun, *, durable: bool, must: bool = False) -> bool:
        """Write a run; false if it is another server's now.

        Args:
            run: as it is now.
            durable: whether it must survive the end of the store.
            must: whether it is tried again until it is written, whether anybody waits or not.

        Raises:
            StoreUnavailable: it is not tried again, and the store does not answer.
        """
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        write = self._writes.get(run.id)
        if write is None:
            write = self._writes[run.id] = _Write(run, durable, must)
        write.run, write.durable = run, write.durable or durable
        write.must = write.must or must
        write.waiters.append(waiter)
        self._gone.discard(run.id)
        self._wake()
        return await waiter

    def note(self, run: OutboxRun) -> None:
        """Write a run some time soon; should that fail, it is not written."""
        write = self._writes.setdefault(run.id, _Write(run, durable=False, must=False))
        write.run = run
        self._wake()

    def forget(self, run: str) -> None:
        """Remove a run that is done, some time soon."""
        write = self._writes.get(run)
        if write is not None and not write.waiters:
            del self._writes[run]
        self._gone.add(run)
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(REMOVAL_PAUSE, self._wake)

    def forget_later(self, run: str) -> None:
        """Remove a run that is done, when a lease has passed.

        Its first server may live after all. It finds the run another server's until then; if the
        run were gone, it would write it again as its own, and all would be told a second time.
        """
        loop = asyncio.get_running_loop()
        self._fading[run] = loop.call_later(self._lease.seconds, self._fade, run)

    def forgets(self, run: str) -> bool:
        """Whether the run is done, and only waits to be removed."""
        return run in self._gone or run in self._fading

    async def __aenter__(self) -> Self:
        """Take the lease, and begin to write."""
        await self._lease.renew()
        self._task = asyncio.create_task(self._work(), name="outbox")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Write what waits, for as long as a lease lasts; then give up the lease."""
        for run, timer in list(self._fading.items()):
            timer.cancel()
            self._fade(run)
        if self._later is not None:
            self._later.cancel()
            self._wake()
        try:
            async with asyncio.timeout(self._lease.seconds):
                await self._idle.wait()
                await self._lease.give_up()
        except (TimeoutError, StoreUnavailable) as error:
            log.exception(
                "usage.not_written",
                runs=[write.run for write in self._writes.values() if write.must],
                error=str(error),
            )
        finally:
            await end(self._task)

    def _fade(self, run: str) -> None:
        del self._fading[run]
        self.forget(run)

    def _wake(self) -> None:
        self._later = None
        self._idle.clear()
        self._filled.set()

    async def _work(self) -> None:
        pause = FIRST_PAUSE
        while True:
            await self._filled.wait()
            writes, gone = self._take()
            try:
                await self._flush(writes, gone)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  any store, any failure: it is tried again
                self._lease.doubt()
                log.warning("usage.write_retried", runs=len(writes), error=repr(error))
                self._put_back(writes, gone)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            if not self._writes and not self._gone:
                self._filled.clear()
                self._idle.set()

    def _take(self) -> tuple[Sequence[_Write], Sequence[str]]:
        writes = [self._writes.pop(run) for run in list(self._writes)[:BATCH]]
        gone = list(self._gone)[:BATCH]
        self._gone.difference_update(gone)
        return writes, gone

    async def _flush(self, writes: Sequence[_Write], gone: Sequence[str]) -> None:
        lease = self._lease
        # Early enough that the write is over before another server may claim anything.
        if lease.left < lease.seconds / 3:
            await lease.renew()
        mine = [write.run for write in writes if write.run.id not in lease.lost]
        durable = any(write.durable for write in writes)
        unsure = lease.unsure()
        async with asyncio.timeout(lease.left):
            if gone:
                lost, _ = await asyncio.gather(self._put(mine, durable=durable), self._remove(gone))
            else:
                lost = await self._put(mine, durable=durable)
        lease.lost.update(lost)
        lease.written([run.id for run in mine], unsure, durable=durable)
        for write in writes:
            for waiter in write.waiters:
                if not waiter.done():
                    waiter.set_result(write.run.id not in lease.lost)
        lease.lost.difference_update(gone)

    async def _put(self, runs: Sequence[OutboxRun], *, durable: bool) -> AbstractSet[str]:
        return await self._outbox.put(runs, durable=durable) if runs else frozenset()

    async def _remove(self, runs: Sequence[str]) -> None:
        if runs:
            await self._outbox.remove(runs, server=self._server)

    def _put_back(self, writes: Sequence[_Write], gone: Sequence[str]) -> None:
        """What must be written is tried again; the rest is told that the store does not answer."""
        message = "the store does not take down what runs consume; try again in a moment"
        for write in writes:
            if not write.must:
                for waiter in write.waiters:
                    if not waiter.done():
                        waiter.set_exception(StoreUnavailable(message))
                continue
            newer = self._writes.setdefault(write.run.id, write)
            if newer is not write:
                newer.must = newer.durable = True
                newer.waiters[:0] = write.waiters
        self._gone.update(gone)
