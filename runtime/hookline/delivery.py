"""Usage delivery: recorders admit runs, and are told of all that runs consume.

What a run consumes is written to the outbox before its last event goes out, and stays there until
every recorder has taken it. So it outlives this process, and no recorder keeps a stream or another
recorder waiting.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Self

import attrs
import structlog

from hookline.background import end
from hookline.config import UsageConfig
from hookline.couriers import Courier, Parcel
from hookline.errors import AdmissionRefused, PartUnavailable, StoreUnavailable
from hookline.lease import Lease
from hookline.meter import Desk, Meter, RunMeter, Unmetered, estimated
from hookline.moments import now
from hookline.outbox import OutboxRun, OutboxStore, Parked
from hookline.outbox_writer import OutboxWriter
from hookline.parts import Part
from hookline.quotas import Quota
from hookline.settlement import leftover, settled
from hookline.usage import (
    Admission,
    Closing,
    ExtendingRecorder,
    Price,
    PriceList,
    UsageEntry,
    UsageRecorder,
)

log = structlog.get_logger("hookline.usage")
CONFIG = UsageConfig()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Of that moment, runs can be claimed whose servers have given up their leases, and no others."""

AGAIN = 1.0
"""Seconds between two questions to a store that does not answer."""

SILENT = "the usage recorder does not answer; try again later"


class UsageDelivery:
    """All usage recorders as one. An async context manager; leaving it waits for the recorders.

    Args:
        parts: the recorders.
        outbox: where what they are to be told is kept until they have taken it.
        prices: what says what calls cost.
        config: how long and how much.
        clock: this moment, in UTC. Servers that share a store must agree on it within a third of
            ``[usage] lease``.

    Attributes:
        on_lost: is told how each run ended whose server died, when its lease is over.
    """

    def __init__(
        self,
        parts: Sequence[Part[UsageRecorder]],
        outbox: OutboxStore,
        *,
        prices: Sequence[Part[PriceList]] = (),
        config: UsageConfig = CONFIG,
        clock: Callable[[], datetime] = now,
    ):
        self.parts = parts
        self.config = config
        self.server = "server_" + secrets.token_hex(12)
        self.on_lost: Callable[[Closing], None] | None = None
        self._outbox = outbox
        self._prices = prices
        self._clock = clock
        self._behind = False
        self._outages = 0
        self._meters: dict[str, RunMeter] = {}
        self._parcels: dict[str, Parcel] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._called_off: set[asyncio.Task[None]] = set()
        self._lease = Lease(outbox, self.server, config.lease, self._noted, clock)
        self._writer = OutboxWriter(outbox, self.server, self._lease)
        self.recorders: Sequence[Courier] = [
            Courier(
                part,
                self._delivered,
                park_after=config.park_after,
                concurrency=config.concurrency,
            )
            for part in parts
        ]
        self._extending = [part for part in parts if isinstance(part.part, ExtendingRecorder)]
        self._desk = Desk(
            writer=self._writer,
            ask=self._ask_to_extend,
            price=self.price,
            wrote=self._wrote,
            lost=self._lost,
            patience=config.write_patience,
            extends=bool(self._extending),
        )

    async def admit(self, admission: Admission, entry: UsageEntry) -> tuple[Meter, Quota | None]:
        """Ask every recorder whether the run may begin, and note its first call.

        If one says no, those that had said yes are told that the run has ended.

        Args:
            admission: what the first call may need.
            entry: what will be recorded if nothing more is ever heard of that call.

        Raises:
            AdmissionRefused: one of them says no.
            PartUnavailable: one of them failed, which means no.
            StoreUnavailable: the outbox does not take it.
        """
        if not self.parts:
            return Unmetered(), None
        admission = estimated(admission, entry, self.price)
        run = _begun(entry, self.server, [part.plugin for part in self.parts])
        quota: Quota | None = None
        meter = RunMeter(self._desk, run)
        asked: list[str] = []
        try:
            for part in self.parts:
                said = await _admit(part, admission)
                asked.append(part.plugin)
                quota = said if quota is None else quota | (said or quota)
            self._meters[run.id] = meter
            await meter.begin(entry)
        except BaseException:
            self._meters.pop(run.id, None)
            self._call_off(run, asked)
            raise
        return meter, quota

    def price(self, entry: UsageEntry) -> Price | None:
        """What the entry cost, as the first list says that has a price for it."""
        for part in self._prices:
            part.calls.count += 1
            try:
                found = part.part.price(entry)
            except Exception:
                part.calls.failures += 1
                log.exception("usage.price_failed", part=part.name, model=entry.model)
                continue
            if found is not None:
                return found
        return None

    async def sweep(self) -> None:
        """Keep the lease, and go on with what dead servers and a full memory have left.

        Raises:
            StoreUnavailable: the outbox does not answer.
        """
        await self._lease.renew()
        for run in await self._outbox.claim(self.server, LONG_AGO, limit=self._room):
            await self._adopt(run, contested=False)
        if self._lease.tells_the_dead:
            for run in await self._outbox.claim(self.server, self._clock(), limit=self._room):
                await self._adopt(run, contested=True)
        if self._outages != self._lease.outages:
            # The store may have forgotten that runs were removed.
            self._outages, self._behind = self._lease.outages, True
        if self._behind and self._room > self.config.waiting // 2:
            await self._catch_up()

    async def __aenter__(self) -> Self:
        """Begin to deliver, with what was left the last time."""
        if self.parts:
            await self._writer.__aenter__()
            try:
                await self.sweep()
            except BaseException:
                await self._writer.__aexit__()
                raise
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._sweep_on()), loop.create_task(self._note_on())]
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Wait for the recorders, for a time; what they have not taken stays in the outbox."""
        if not self.parts:
            return
        await end(*self._tasks)
        waits = [asyncio.ensure_future(courier.drained()) for courier in self.recorders]
        await asyncio.wait(waits, timeout=self.config.grace)
        for courier, wait in zip(self.recorders, waits, strict=True):
            wait.cancel()
            if courier.waiting:
                log.warning("usage.left_in_outbox", recorder=courier.name, runs=courier.waiting)
            await courier.stop()
        for parcel in self._parcels.values():
            self._writer.note(parcel.written())
        await self._writer.__aexit__()

    @property
    def _room(self) -> int:
        return max(1, self.config.waiting - len(self._parcels))

    def _noted(self) -> Iterable[str]:
        """The runs under way that the outbox has."""
        return [run for run, meter in self._meters.items() if meter.noted]

    def _wrote(self, run: OutboxRun) -> None:
        """The outbox has taken a state of a run of this server's: let the recorders know."""
        if run.ended:
            self._meters.pop(run.id, None)
        parcel = self._parcels.get(run.id)
        if parcel is not None:
            parcel.run = run
        elif not run.items:
            return
        elif len(self._parcels) >= self.config.waiting:
            self._behind = True
            return
        else:
            parcel = self._parcels[run.id] = Parcel(run)
        self._send(parcel)

    def _send(self, parcel: Parcel) -> None:
        for courier in self.recorders:
            courier.add(parcel)
        self._delivered(parcel)

    def _delivered(self, parcel: Parcel) -> None:
        """A recorder has taken what there was: keep no longer what all have taken."""
        run = parcel.run
        if not parcel.delivered or self._parcels.pop(run.id, None) is None:
            return
        if parcel.parked:
            self._writer.note(parcel.written())
        elif parcel.contested:
            self._writer.forget_later(run.id)
        else:
            self._writer.forget(run.id)

    async def _lost(self, ended: OutboxRun, kept: OutboxRun) -> None:
        """A run went on here after another server had taken it over: add what that one missed."""
        found = await self._found(ended.id)
        rest = leftover(ended, settled(found or kept, self.price))
        log.error("usage.run_taken_over", run=ended.id, supplements=len(rest.entries))
        if rest.entries and await self._writer.write(rest, durable=True, must=True):
            self._wrote(rest)
        self._meters.pop(ended.id, None)
        self._parcels.pop(ended.id, None)
        if found is not None and found.server == self.server:  # by now the other one is gone
            await self._adopt(found, contested=False)

    async def _found(self, run: str) -> OutboxRun | None:
        """What the outbox has of a run; asked for until it answers."""
        while True:
            try:
                return await self._outbox.find(run)
            except StoreUnavailable as error:
                log.warning("usage.not_found_yet", run=run, error=str(error))
                await asyncio.sleep(AGAIN)

    def _call_off(self, run: OutboxRun, asked: Sequence[str]) -> None:
        """A run that was refused after all: those that had admitted it are told of its end."""
        if not asked:
            return
        ended = attrs.evolve(run, recorders=asked, ended=True)

        async def tell() -> None:
            if await self._writer.write(ended, durable=True, must=True):
                self._wrote(ended)

        task = asyncio.get_running_loop().create_task(tell())
        self._called_off.add(task)
        task.add_done_callback(self._called_off.discard)

    async def _adopt(self, run: OutboxRun, *, contested: bool) -> None:
        """Go on with a run of a server that is gone."""
        if run.id in self._parcels or run.id in self._meters:
            return
        self._lease.lost.discard(run.id)
        cut_off = not run.ended
        known = {part.plugin for part in self.parts}
        run = settled(attrs.evolve(run, server=self.server), self.price)
        missing = [
            Parked(
                recorder=name,
                item=item.id,
                error=f"no plugin {name} is installed that records usage",
                attempts=0,
                at=self._clock(),
            )
            for name in run.recorders
            if name not in known
            for item in run.waiting(name)
        ]
        run = attrs.evolve(run, parked=[*run.parked, *missing])
        if cut_off and self.on_lost is not None:
            self.on_lost(run.closing)
        if await self._writer.write(run, durable=True, must=True):
            parcel = self._parcels[run.id] = Parcel(run, contested)
            self._send(parcel)

    async def _catch_up(self) -> None:
        """Read again what there was no room for."""
        self._behind = False
        after = ""
        while page := await self._outbox.owned(self.server, after=after):
            for run in page:
                if run.ended and not run.at_rest and not self._knows(run.id):
                    if len(self._parcels) >= self.config.waiting:
                        self._behind = True
                        return
                    parcel = self._parcels[run.id] = Parcel(run)
                    self._send(parcel)
            after = page[-1].id

    def _knows(self, run: str) -> bool:
        return run in self._parcels or self._writer.forgets(run)

    async def _ask_to_extend(self, admission: Admission) -> None:
        for part in self._extending:
            try:
                async with part.call("extend") as recorder:
                    if isinstance(recorder, ExtendingRecorder):
                        await recorder.extend(admission)
            except AdmissionRefused:
                raise
            except Exception as error:
                log.exception("usage.extension_failed", recorder=part.name)
                raise PartUnavailable(SILENT) from error

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(self.config.lease / 3)
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001  any store, any failure: the next may succeed
                log.warning("usage.not_swept", error=repr(error))

    async def _note_on(self) -> None:
        while True:
            await asyncio.sleep(self.config.interval)
            for meter in list(self._meters.values()):
                meter.note()


def _begun(entry: UsageEntry, server: str, recorders: Sequence[str]) -> OutboxRun:
    closing = Closing(
        run=entry.run,
        agent=entry.agent,
        user=entry.user,
        groups=entry.groups,
        key=entry.key,
        conversation=entry.conversation,
        outcome="failed",
    )
    return OutboxRun(id=entry.run, server=server, recorders=recorders, closing=closing)


async def _admit(part: Part[UsageRecorder], admission: Admission) -> Quota | None:
    try:
        async with part.call("admit") as recorder:
            return await recorder.admit(admission)
    except AdmissionRefused:
        raise
    except Exception as error:
        log.exception("usage.admission_failed", recorder=part.name)
        raise PartUnavailable(SILENT) from error
