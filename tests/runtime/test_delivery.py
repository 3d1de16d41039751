"""Usage reaches every recorder, in order, again and again until it lands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import attrs
import msgspec
import pytest

from hookline.config import UsageConfig
from hookline.delivery import UsageDelivery
from hookline.errors import (
    AdmissionRefused,
    PartUnavailable,
    RecordRejected,
    StoreUnavailable,
)
from hookline.meter import BudgetSpent, Meter
from hookline.moments import now
from hookline.outbox import OutboxRun
from hookline.parts import Part
from hookline.quotas import Quota, RateLimit
from hookline.testing import RecorderDown, RecordingRecorder
from hookline.usage import Admission, Closing, Price, TokenCounts, UsageEntry
from hookline_memory.outbox import MemoryOutbox
from support.runtimes import HELPER, run, scope

QUICK = UsageConfig(interval=0.01, lease=1.0, park_after=0.2)
PATIENT = UsageConfig(interval=0.01, lease=1.0)
SILENT = UsageConfig(interval=0.01, lease=60.0)
"""That of a server which does not renew its lease before the test is over."""


END = Closing(run="run_1", agent="helper", user="alice", outcome="failed")


def entry(step: int, run: str = "run_1") -> UsageEntry:
    """What some model call consumed."""
    return UsageEntry(
        run=run,
        step=step,
        agent="helper",
        provider="local",
        model="m",
        user="alice",
        tokens=TokenCounts(input=step),
    )


def admission(step: int = 0, run: str = "run_1") -> Admission:
    """What some model call may need."""
    return Admission(
        scope=scope(run), agent=HELPER, step=step, estimated_input=3, expected_output=10
    )


def part(recorder: object, name: str = "acme", deadline: float = 5.0) -> Part[object]:
    """The recorder as a part."""
    return Part(name, "usage_recorder", recorder, deadline)


class Prices:
    """A price list with one price for everything."""

    def price(self, entry: UsageEntry) -> Price:
        return Price(amount=entry.tokens.input + entry.tokens.output, version="v")


class BrokenPrices:
    """A price list that fails."""

    def price(self, entry: UsageEntry) -> Price:
        raise RuntimeError


class Hanging(RecordingRecorder):
    """A recorder that does not come back from ``record``."""

    async def record(self, entry: UsageEntry) -> None:
        await asyncio.Event().wait()


class Picky(RecordingRecorder):
    """A recorder that rejects the first step for good."""

    async def record(self, entry: UsageEntry) -> None:
        if entry.step == 0:
            message = "it is not mine"
            raise RecordRejected(message)
        await super().record(entry)


class Clock:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


class Thrifty(RecordingRecorder):
    """A recorder that lets no run go on after its first call."""

    async def extend(self, admission: Admission) -> None:
        message = "no money left"
        raise AdmissionRefused(message)


class Ordered(RecordingRecorder):
    """A recorder that notes all it is told in one list."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    async def record(self, entry: UsageEntry) -> None:
        await super().record(entry)
        self.told.append(entry.step)

    async def close(self, closing: Closing) -> None:
        await super().close(closing)
        self.told.append(closing.outcome)


class Failing(MemoryOutbox):
    """An outbox that does not answer as long as it is told not to."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> frozenset[str]:
        self._answer()
        return frozenset(await super().put(runs, durable=durable))

    async def lease(self, server: str, until: datetime) -> None:
        self._answer()
        await super().lease(server, until)

    def _answer(self) -> None:
        if self.down:
            message = "down"
            raise StoreUnavailable(message)


class Watched(MemoryOutbox):
    """An outbox that says how many entries were put, and whether they had to last."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[tuple[int, bool]] = []

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> frozenset[str]:
        self.puts += [(len(one.entries), durable) for one in runs]
        return frozenset(await super().put(runs, durable=durable))


class Stuck(MemoryOutbox):
    """An outbox that says nothing when a run's end is written for the first time."""

    ends = 0

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> frozenset[str]:
        if any(one.ended for one in runs):
            self.ends += 1
            if self.ends == 1:
                await asyncio.Event().wait()
        return frozenset(await super().put(runs, durable=durable))


@asynccontextmanager
async def delivering(
    *recorders: object,
    outbox: MemoryOutbox | None = None,
    config: UsageConfig = PATIENT,
    grace: float = 10.0,
    **more,
) -> AsyncIterator[UsageDelivery]:
    """A delivery to these recorders, called ``part0``, ``part1`` and so on."""
    parts = [part(recorder, f"part{number}") for number, recorder in enumerate(recorders)]
    outbox = outbox or MemoryOutbox()
    config = msgspec.structs.replace(config, grace=grace)
    async with UsageDelivery(parts, outbox, config=config, **more) as delivery:
        yield delivery


async def consume(delivery: UsageDelivery, steps: int = 2, run: str = "run_1") -> None:
    """A run with so many model calls, from its admission to its end."""
    meter, _ = await delivery.admit(admission(run=run), entry(0, run))
    for step in range(steps):
        await meter.open(admission(step, run), entry(step, run), lambda: 0)
        meter.record(entry(step, run))
    await meter.close("finished")


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not condition():
        await asyncio.sleep(0.005)


def test_a_record_is_retried_until_it_lands_and_order_is_kept() -> None:
    """What failed comes first, and nothing of the run overtakes it."""
    recorder = Ordered()
    recorder.fail("record", times=3)
    recorder.fail("close", times=2)

    async def work() -> None:
        async with delivering(recorder) as delivery:
            await consume(delivery)
            await until(lambda: len(recorder.told) == 3)
            assert (3, 5, 0) == (
                delivery.recorders[0].recorded,
                delivery.recorders[0].retries,
                delivery.recorders[0].waiting,
            )

    run(work)
    assert [0, 1, "finished"] == recorder.told


def test_a_recorder_that_hangs_keeps_nobody_waiting() -> None:
    """Not the run, nor another recorder; what it has not taken stays in the outbox."""
    hanging, other, outbox = Hanging(), Ordered(), MemoryOutbox()

    async def work() -> int:
        async with delivering(hanging, other, outbox=outbox, grace=0.05) as delivery:
            await consume(delivery)
            await until(lambda: len(other.told) == 3)
        return (await outbox.counts()).runs

    assert 1 == run(work)
    assert [0, 1, "finished"] == other.told
    assert [] == hanging.closings


def test_what_was_left_is_told_after_a_restart() -> None:
    """To those who have not taken it, and to nobody else."""
    failing, other, outbox = RecordingRecorder(), Ordered(), MemoryOutbox()
    failing.fail("record", times=10_000)
    restored = Ordered()

    async def work() -> int:
        async with delivering(failing, other, outbox=outbox, grace=0.05) as delivery:
            await consume(delivery)
            await until(lambda: len(other.told) == 3)
        async with delivering(restored, other, outbox=outbox):
            await until(lambda: len(restored.told) == 3)
        return (await outbox.counts()).runs

    assert 0 == run(work)
    assert [0, 1, "finished"] == restored.told
    assert [0, 1, "finished"] == other.told


def test_a_dead_servers_run_is_settled_by_another() -> None:
    """The call under way is recorded as far as it was seen, and the run has failed."""
    recorder, outbox = Ordered(), MemoryOutbox()

    async def work() -> None:
        dead = UsageDelivery([part(RecordingRecorder(), "part0")], outbox, config=PATIENT)
        await dead._writer.__aenter__()  # a server that never comes to its end
        meter, _ = await dead.admit(admission(), entry(0))
        meter.record(entry(0))
        await meter.open(admission(1), entry(1), lambda: 123)
        for one in dead._meters.values():
            one.note()
        await asyncio.sleep(0.02)
        await outbox.leave(dead.server)

        async with delivering(recorder, outbox=outbox, prices=[part(Prices())]):
            await until(lambda: recorder.closings)
        dead._writer._task.cancel()

    run(work)
    assert [0, 1, "failed"] == recorder.told
    assert [(0, 0), (1, 123)] == [(e.tokens.input, e.tokens.output) for e in recorder.entries]
    assert 124 == recorder.entries[1].price.amount


def test_a_server_taken_for_dead_adds_what_was_missed() -> None:
    """The sum of all entries is what the run consumed."""
    recorder, outbox, clock = Ordered(), MemoryOutbox(), Clock()

    async def work() -> None:
        prices = [part(Prices())]
        async with delivering(recorder, outbox=outbox, prices=prices, clock=clock) as first:
            meter, _ = await first.admit(admission(), entry(0))
            meter.record(entry(0))
            await meter.open(admission(1), entry(1), lambda: 0)
            await outbox.leave(first.server)
            clock.ahead += timedelta(hours=1)
            async with delivering(recorder, outbox=outbox):
                await until(lambda: recorder.closings)
            used = attrs.evolve(entry(1), tokens=TokenCounts(input=1, output=40))
            meter.record(used)
            await meter.close("finished")
            await until(lambda: len({one.id for one in recorder.entries}) == 3)

    run(work)
    assert {"failed"} == {closing.outcome for closing in recorder.closings}
    entries = {one.id: one for one in recorder.entries}
    assert ["run_1:0", "run_1:1", "run_1:1:more"] == sorted(entries)
    assert 41 == sum(one.tokens.input + one.tokens.output for one in entries.values())
    assert 40 == entries["run_1:1:more"].price.amount


def test_a_server_that_was_replaced_and_does_not_know_it_adds_what_was_missed() -> None:
    """Though the other one is done with the run, it is not told as if it were new."""
    recorder, outbox = Ordered(), MemoryOutbox()

    async def work() -> None:
        async with delivering(recorder, outbox=outbox, config=SILENT) as first:
            meter, _ = await first.admit(admission(), entry(0))
            outbox.leases[first.server] = now()
            async with delivering(recorder, outbox=outbox) as second:
                await until(lambda: recorder.closings and not second._parcels)
                await asyncio.sleep(0.3)  # longer than what is done otherwise stays
                meter.record(used(0, 40))
                await meter.close("finished")
                await until(lambda: len(recorder.entries) == 2)
                await until(lambda: not outbox.kept)

    run(work)
    entries = {one.id: one.tokens for one in recorder.entries}
    assert {"run_1:0", "run_1:0:more"} == entries.keys()
    assert (1, 40) == (
        sum(tokens.input for tokens in entries.values()),
        sum(tokens.output for tokens in entries.values()),
    )


def test_a_claim_that_was_under_way_is_found_with_the_next_lease() -> None:
    """A lease that came late was renewed between two steps of another server's claim."""
    recorder, outbox, clock = Ordered(), MemoryOutbox(), Clock()

    async def work() -> None:
        async with delivering(recorder, outbox=outbox, clock=clock) as first:
            meter, _ = await first.admit(admission(), entry(0))
            await first.sweep()  # what was noted before is not forgotten
            clock.ahead += timedelta(hours=1)
            await first.sweep()
            (claimed,) = await outbox.claim("other", clock() + timedelta(hours=1))
            await outbox.remove([claimed.id], server="other")
            await first.sweep()
            meter.record(used(0, 40))
            await meter.close("finished")
            await until(lambda: recorder.entries)

    run(work)
    assert ["run_1:0:more"] == [one.id for one in recorder.entries]


def test_a_write_is_given_up_when_the_lease_has_passed() -> None:
    """It is tried again with a new one."""
    recorder, outbox = Ordered(), Stuck()

    async def work() -> None:
        brief = UsageConfig(lease=0.3)
        async with delivering(recorder, outbox=outbox, config=brief) as delivery:
            await consume(delivery)

    run(work)
    assert 2 == outbox.ends
    assert ["run_1:0", "run_1:1"] == [one.id for one in recorder.entries]


def used(step: int, output: int) -> UsageEntry:
    """What some model call consumed, with output."""
    return attrs.evolve(entry(step), tokens=TokenCounts(input=1, output=output))


def test_what_was_missed_is_counted_from_what_the_other_one_had() -> None:
    """It had seen a part of a call, and another call that consumed nothing in the end."""
    recorder, outbox = Ordered(), MemoryOutbox()

    async def work() -> None:
        prices = [part(Prices())]
        async with delivering(recorder, outbox=outbox, prices=prices, config=SILENT) as first:
            meter, _ = await first.admit(admission(), entry(0))
            await meter.open(admission(0), entry(0), lambda: 60)
            await meter.open(admission(1), entry(1), lambda: 0)
            meter.note()
            await asyncio.sleep(0.02)
            outbox.leases[first.server] = now()
            async with delivering(recorder, outbox=outbox, prices=prices):
                await until(lambda: recorder.closings)
                meter.record(used(0, 100))
                meter.drop("run_1:1")
                await meter.close("finished")
                await until(lambda: "run_1:1:more" in {one.id for one in recorder.entries})

    run(work)
    entries = {one.id: one for one in recorder.entries}
    found = {
        id_: (one.tokens.input, one.tokens.output, one.price.amount) for id_, one in entries.items()
    }
    assert found == {
        "run_1:0": (0, 60, 60),
        "run_1:0:more": (1, 40, 41),
        "run_1:1": (1, 0, 1),
        "run_1:1:more": (-1, 0, -1),
    }


def test_a_run_that_was_claimed_to_and_fro_is_told_of() -> None:
    """The server that took it over is dead, and has told nobody yet."""
    recorder, outbox = Ordered(), MemoryOutbox()

    async def work() -> None:
        async with delivering(recorder, outbox=outbox) as first:
            meter, _ = await first.admit(admission(), entry(0))
            await outbox.leave(first.server)
            await outbox.claim("other", now())
            meter.record(used(0, 40))
            with pytest.raises(StoreUnavailable, match="taken over"):
                await meter.open(admission(1), entry(1), lambda: 0)
            await first.sweep()
            assert ["run_1"] == [one.id for one in await outbox.owned(first.server)]
            await meter.close("finished")
            await until(lambda: recorder.closings and len(recorder.entries) == 2)
            await until(lambda: not outbox.kept)

    run(work)
    assert 40 == sum(one.tokens.output for one in recorder.entries)
    assert ["failed"] == [one.outcome for one in recorder.closings]


def test_nobody_is_taken_for_dead_after_an_outage_of_the_store() -> None:
    """All leases have ended, and those that live have yet to say so."""
    outbox, clock = Failing(), Clock()

    async def work() -> None:
        left = OutboxRun(id="run_1", server="other", recorders=["part0"], closing=END)
        await outbox.put([left], durable=True)
        await outbox.lease("other", clock())
        async with delivering(RecordingRecorder(), outbox=outbox, clock=clock) as delivery:
            for _ in range(2):
                await delivery.sweep()
                assert [] == list(await outbox.owned(delivery.server))
                clock.ahead += timedelta(seconds=0.4)
            outbox.down = True
            with pytest.raises(StoreUnavailable):
                await delivery.sweep()
            outbox.down = False
            clock.ahead += timedelta(seconds=0.4)
            for _ in range(3):
                await delivery.sweep()
                assert [] == list(await outbox.owned(delivery.server))
                clock.ahead += timedelta(seconds=0.4)
            await delivery.sweep()
            assert ["run_1"] == [one.id for one in await outbox.owned(delivery.server)]

    run(work)


def test_recorders_are_told_of_what_the_store_cannot_forget() -> None:
    """Runs are noted lightly until there is something to tell."""
    outbox = Watched()

    async def work() -> None:
        async with delivering(RecordingRecorder(), outbox=outbox) as delivery:
            await consume(delivery)

    run(work)
    assert [(0, False), (1, True), (2, True)] == outbox.puts


def test_a_run_that_another_server_has_goes_no_further() -> None:
    """It is not let make another model call that nobody would record."""

    async def work() -> None:
        outbox = MemoryOutbox()
        async with delivering(RecordingRecorder(), outbox=outbox) as first:
            meter, _ = await first.admit(admission(), entry(0))
            await outbox.leave(first.server)
            async with delivering(RecordingRecorder(), outbox=outbox):
                meter.record(entry(0))
                with pytest.raises(StoreUnavailable, match="taken over"):
                    await meter.open(admission(1), entry(1), lambda: 0)

    run(work)


def test_what_can_never_be_taken_is_parked() -> None:
    """The rest goes on; it can be told again later."""
    recorder, outbox = Picky(), MemoryOutbox()
    mended = Ordered()

    async def work() -> Sequence[OutboxRun]:
        async with delivering(recorder, outbox=outbox) as delivery:
            await consume(delivery)
            await until(lambda: recorder.closings)
            assert 1 == delivery.recorders[0].parked
        parked = await outbox.parked()
        assert await outbox.retry("run_1")
        async with delivering(mended, outbox=outbox):
            await until(lambda: mended.told)
        assert 0 == (await outbox.counts()).runs
        return parked

    (parked,) = run(work)
    (one,) = parked.parked
    assert ("part0", "run_1:0", 1) == (one.recorder, one.item, one.attempts)
    assert "it is not mine" in one.error
    assert [1] == [entry.step for entry in recorder.entries]
    assert [0] == mended.told


def test_what_fails_for_too_long_is_parked() -> None:
    """After ``park_after`` seconds of attempts."""
    recorder, outbox = RecordingRecorder(), MemoryOutbox()
    recorder.fail("record", times=10_000)

    async def work() -> int:
        async with delivering(recorder, outbox=outbox, config=QUICK) as delivery:
            await consume(delivery, steps=1)
            await until(lambda: recorder.closings)
            assert delivery.recorders[0].retries > 0
        return (await outbox.counts()).parked

    assert 1 == run(work)


def test_a_recorder_that_is_gone_leaves_its_entries_parked() -> None:
    """An operator sees them, and the others have theirs."""
    outbox, other = MemoryOutbox(), Ordered()

    async def work() -> Sequence[OutboxRun]:
        async with delivering(other, Hanging(), outbox=outbox, grace=0.01) as delivery:
            await consume(delivery, steps=1)
        async with delivering(other, outbox=outbox):
            pass
        return await outbox.parked()

    (parked,) = run(work)
    assert ["run_1:0", "run_1:end"] == [one.item for one in parked.parked]
    assert "no plugin part1" in parked.parked[0].error


def test_the_end_of_a_run_waits_for_the_outbox() -> None:
    """An outbox that does not answer is asked again; after a time the run fails, and it is kept."""
    recorder, outbox = Ordered(), Failing()
    config = UsageConfig(lease=1.0, write_patience=0.1)

    async def work() -> None:
        async with delivering(recorder, outbox=outbox, config=config) as delivery:
            meter, _ = await delivery.admit(admission(), entry(0))
            meter.record(entry(0))
            outbox.down = True
            with pytest.raises(StoreUnavailable, match="tried again"):
                await meter.close("finished")
            assert [] == recorder.told
            outbox.down = False
            await until(lambda: len(recorder.told) == 2)

    run(work)
    assert [0, "finished"] == recorder.told


def test_no_run_begins_without_the_outbox() -> None:
    """What it would consume could be lost; recorders that had admitted it learn of its end."""
    recorder, outbox = Ordered(), Failing()

    async def work() -> None:
        async with delivering(recorder, outbox=outbox) as delivery:
            outbox.down = True
            with pytest.raises(StoreUnavailable):
                await delivery.admit(admission(), entry(0))
            outbox.down = False
            await until(lambda: recorder.told)

    run(work)
    assert ["failed"] == recorder.told


def test_more_runs_than_fit_into_memory_are_delivered() -> None:
    """They wait in the outbox alone."""
    recorder, outbox = RecordingRecorder(), MemoryOutbox()
    recorder.fail("record", times=9)
    config = UsageConfig(lease=1.0, waiting=3)

    async def work() -> None:
        async with delivering(recorder, outbox=outbox, config=config) as delivery:
            for number in range(20):
                await consume(delivery, steps=1, run=f"run_{number}")
            while len({closing.run for closing in recorder.closings}) < 20:
                await delivery.sweep()
                await asyncio.sleep(0.01)
            await until(lambda: not delivery.recorders[0].waiting)

    run(work)
    assert 20 == len({one.id for one in recorder.entries})


def test_all_recorders_must_admit() -> None:
    """If one refuses, those before it are told of the end, and those after are not asked."""
    first, after = Ordered(), RecordingRecorder()

    async def work() -> None:
        refusing = RecordingRecorder(refusal="no money")
        async with delivering(first, refusing, after) as delivery:
            with pytest.raises(AdmissionRefused, match="no money"):
                await delivery.admit(admission(), entry(0))
            await until(lambda: first.told)

    run(work)
    assert ["failed"] == first.told
    assert [] == after.admissions


def test_a_recorder_that_fails_admits_nobody() -> None:
    """It fails closed, and its exception is not shown."""
    recorder = RecordingRecorder()
    recorder.fail("admit")

    async def work() -> None:
        async with delivering(recorder) as delivery:
            with pytest.raises(PartUnavailable) as caught:
                await delivery.admit(admission(), entry(0))
            assert isinstance(caught.value.__cause__, RecorderDown)
            assert "told to fail" not in str(caught.value)

    run(work)


def test_a_recorder_can_end_a_run_before_its_next_call() -> None:
    """Those that want to be asked are."""

    async def work() -> None:
        async with delivering(Thrifty(), RecordingRecorder()) as delivery:
            meter, _ = await delivery.admit(admission(), entry(0))
            meter.record(entry(0))
            assert meter.extends
            with pytest.raises(BudgetSpent, match="no money left"):
                await meter.open(admission(1), entry(1), lambda: 0)
            await meter.close("finished")

    run(work)


def test_the_tightest_limits_are_told() -> None:
    """Of all recorders that know some."""

    class Limiting(RecordingRecorder):
        def __init__(self, left: int) -> None:
            super().__init__()
            self.left = left

        async def admit(self, admission: Admission) -> Quota:
            return Quota(requests=RateLimit(limit=9, remaining=self.left, reset=1.0))

    async def work() -> Quota | None:
        async with delivering(Limiting(5), RecordingRecorder(), Limiting(2)) as delivery:
            meter, quota = await delivery.admit(admission(), entry(0))
            await meter.close("finished")
            return quota

    quota = run(work)
    assert quota == Quota(requests=RateLimit(limit=9, remaining=2, reset=1.0))


def test_entries_carry_what_they_cost() -> None:
    """As the first list says that has a price; one that fails has none."""
    recorder = RecordingRecorder()

    async def work() -> None:
        prices = [part(BrokenPrices()), part(Prices())]
        async with delivering(recorder, prices=prices) as delivery:
            await consume(delivery)
            await until(lambda: recorder.closings)

    run(work)
    assert [0, 1] == [one.price.amount for one in recorder.entries]
    assert 2 * 3 + 10 == recorder.admissions[0].estimate


def test_without_recorders_nothing_is_written() -> None:
    """And everybody is admitted."""
    outbox = MemoryOutbox()

    async def work() -> Meter:
        async with delivering(outbox=outbox) as delivery:
            await consume(delivery)
            meter, _ = await delivery.admit(admission(), entry(0))
            assert 0 == (await outbox.counts()).runs
            return meter

    assert not run(work).extends
