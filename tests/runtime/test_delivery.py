"""Usage reaches every recorder, in order, again and again until it lands."""

import asyncio
from collections.abc import Iterator

import pytest
import stamina

from hookline.delivery import UsageDelivery
from hookline.errors import AdmissionRefused, PartUnavailable
from hookline.parts import Part
from hookline.scope import RunScope
from hookline.testing import RecordingRecorder
from hookline.usage import Admission, Outcome, TokenCounts, UsageEntry
from support.runtimes import HELPER, run, scope

pytestmark = pytest.mark.usefixtures("at_once")
ADMISSION = Admission(scope=scope(), agent=HELPER, estimated_input=3, max_output=None)


@pytest.fixture
def at_once() -> Iterator[None]:
    """Retries do not wait."""
    with stamina.set_testing(True, attempts=50):
        yield


def entry(step: int) -> UsageEntry:
    """What some model call consumed."""
    return UsageEntry(
        run="run_1",
        step=step,
        agent="helper",
        provider="local",
        model="m",
        user="alice",
        tokens=TokenCounts(input=step),
    )


def part(recorder: object, deadline: float = 5.0) -> Part[object]:
    """The recorder as a part."""
    return Part("acme", "usage_recorder", recorder, deadline)


class Hanging(RecordingRecorder):
    """A recorder that does not come back from ``record``."""

    async def record(self, entry: UsageEntry) -> None:
        await asyncio.Event().wait()


class Ordered(RecordingRecorder):
    """A recorder that notes all it is told in one list."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    async def record(self, entry: UsageEntry) -> None:
        await super().record(entry)
        self.told.append(entry.step)

    async def close(self, scope: RunScope, outcome: Outcome) -> None:
        await super().close(scope, outcome)
        self.told.append(outcome)


def test_a_record_is_retried_until_it_lands_and_order_is_kept() -> None:
    """What failed comes first, and nothing overtakes it."""
    recorder = Ordered()
    recorder.fail("record", times=3)
    recorder.fail("close", times=2)

    async def work() -> None:
        async with UsageDelivery([part(recorder)]) as delivery:
            delivery.record(entry(0))
            delivery.record(entry(1))
            delivery.close(scope(), "finished")
            delivery.record(entry(2))

    run(work)
    assert [0, 1, "finished", 2] == recorder.told
    assert (3, 2) == (recorder.failures["record"], recorder.failures["close"])


def test_a_recorder_that_hangs_keeps_no_other_waiting() -> None:
    """Each recorder has a queue of its own; leaving waits for a time only."""
    hanging, other = Hanging(), Ordered()

    async def work() -> None:
        async with UsageDelivery([part(hanging), part(other)], grace=0.05) as delivery:
            delivery.record(entry(0))
            delivery.close(scope(), "cancelled")

    run(work)
    assert [0, "cancelled"] == other.told
    assert [] == hanging.closings


def test_a_recorder_that_takes_too_long_is_asked_again() -> None:
    """The deadline of the part holds for each attempt."""

    class Slow(Ordered):
        tries = 0

        async def record(self, entry: UsageEntry) -> None:
            self.tries += 1
            if self.tries < 3:
                await asyncio.Event().wait()
            await super().record(entry)

    slow = Slow()

    async def work() -> None:
        async with UsageDelivery([part(slow, 0.02)]) as delivery:
            delivery.record(entry(0))

    run(work)
    assert (3, [0]) == (slow.tries, slow.told)


def test_everybody_has_to_admit_a_run() -> None:
    """All are asked, and all are content."""
    one, other = RecordingRecorder(), RecordingRecorder()

    run(lambda: UsageDelivery([part(one), part(other)]).admit(ADMISSION))

    assert [ADMISSION] == one.admissions == other.admissions


def test_a_refusal_is_passed_on() -> None:
    """One recorder that refuses is enough, and later ones are not asked."""
    after = RecordingRecorder()
    delivery = UsageDelivery([part(RecordingRecorder(refusal="no money")), part(after)])

    with pytest.raises(AdmissionRefused, match="no money"):
        run(lambda: delivery.admit(ADMISSION))

    assert [] == after.admissions


def test_admission_fails_closed() -> None:
    """A recorder that fails has not admitted anything; callers hear nothing of why."""
    recorder = RecordingRecorder()
    recorder.fail("admit")

    with pytest.raises(PartUnavailable, match="does not answer"):
        run(lambda: UsageDelivery([part(recorder)]).admit(ADMISSION))


def test_nothing_to_deliver_to_is_nothing_to_do() -> None:
    """Without recorders everything is admitted, and entries go nowhere."""

    async def work() -> None:
        async with UsageDelivery([]) as delivery:
            await delivery.admit(ADMISSION)
            delivery.record(entry(0))
            delivery.close(scope(), "finished")

    run(work)
