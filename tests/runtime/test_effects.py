"""Effects: what a call gave back is kept before it is used, and nothing is done twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hookline.artifacts import Artifact
from hookline.documents import LIMIT
from hookline.effects import COLLECTION, LEASE, LOST, UNKNOWN, Done, EffectIds, Effects
from hookline.errors import StoreUnavailable
from hookline.moments import now
from hookline.records import Record, RecordStore
from hookline.store import Store
from hookline.tools import ToolResult
from hookline.wire.chat import ImagePart, ImageUrl, TextPart
from hookline_memory import MemoryStore
from hookline_mongo.ports import MongoStore
from hookline_sqlite import SqliteStore
from support.mongod import fresh_database, require_mongod

ResultT = TypeVar("ResultT")
SECONDS = 30
KEEP = timedelta(hours=1)
ID = "eff_1"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Call:
    """A call that counts how often it is made, and may be held up."""

    def __init__(self, gives: Done | None = None, *, held: bool = False):
        self.made = 0
        self.gives = gives or Done("success", ToolResult("done"))
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        if not held:
            self.may_end.set()

    async def __call__(self) -> Done:
        self.made += 1
        self.began.set()
        await self.may_end.wait()
        return self.gives


class Faulty:
    """Records that cannot be put when a test says so, before or after they have been."""

    def __init__(self, records: RecordStore):
        self._records = records
        self.refused = 0
        self.unacknowledged = 0
        self.late = False
        self.puts = 0

    async def get(self, collection: str, id_: str, /) -> Record | None:
        return await self._records.get(collection, id_)

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        self.puts += 1
        if self.late:
            await asyncio.Event().wait()
        if self.refused:
            self.refused -= 1
            raise StoreUnavailable("the disk is full")
        kept = await self._records.put(record, expected=expected)
        if self.unacknowledged:
            self.unacknowledged -= 1
            raise StoreUnavailable("the line is cut")
        return kept

    async def list(
        self, collection: str, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        return await self._records.list(collection, owner=owner, after=after, limit=limit)

    async def delete(self, collection: str, id_: str, /, *, expected: int | None = None) -> bool:
        return await self._records.delete(collection, id_, expected=expected)

    async def expire(self, at: datetime) -> int:
        return await self._records.expire(at)


@contextmanager
def stores(kind: str, folder: Path) -> Iterator[Callable[[], Store]]:
    """How to open a store; each time the same one, but for the one in memory."""
    if kind == "memory":
        yield MemoryStore
    elif kind == "sqlite":
        yield lambda: SqliteStore(folder / "hookline.db")
    else:
        require_mongod()
        with fresh_database() as url:
            yield lambda: MongoStore(url)


def run(work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """The result of a coroutine function."""

    async def bounded() -> ResultT:
        async with asyncio.timeout(SECONDS):
            return await work()

    return asyncio.run(bounded())


def journal(records: RecordStore, clock: Callable[[], datetime] = now) -> Effects:
    """A server's view of what calls gave back."""
    return Effects(records, KEEP, clock)


def in_memory() -> tuple[Faulty, Clock]:
    """Records in memory, and the clock of the servers that share them."""
    clock = Clock()
    return Faulty(MemoryStore(clock).records), clock


PARTS = [TextPart("Two\r\nlines\0"), ImagePart(ImageUrl("data:image/png;base64,AAEC"))]
ARTIFACTS = (
    Artifact(kind="image", data={"bytes": bytes(range(256)), "n": [1, 2.5, None]}, name="a.png"),
    Artifact(kind="when", data=datetime(2026, 1, 1, tzinfo=UTC)),
)


@pytest.mark.parametrize(
    "done",
    [
        Done("success", ToolResult("")),
        Done("success", ToolResult("\u2028 é 🦉\0", ARTIFACTS)),
        Done("success", ToolResult(PARTS, ARTIFACTS)),
        Done("error", ToolResult("Error: no", failed=True)),
        UNKNOWN,
    ],
    ids=["empty", "text", "parts", "error", "unknown"],
)
@pytest.mark.parametrize("kind", ["memory", "sqlite", "mongo"])
def test_what_a_call_gave_back_comes_back(kind: str, done: Done, tmp_path: Path) -> None:
    """All of it, to the byte; also what failed is kept, and not tried again."""

    async def work() -> None:
        with stores(kind, tmp_path) as opened:
            async with opened() as store:
                first = Call(done)
                again = Call()

                assert done == await journal(store.records).once(ID, "alice", first)
                assert done == await journal(store.records).once(ID, "alice", again)
                assert (1, 0) == (first.made, again.made)

    run(work)


@pytest.mark.parametrize("kind", ["sqlite", "mongo"])
def test_what_is_kept_is_there_for_the_next_server(kind: str, tmp_path: Path) -> None:
    """It is found in a store that is opened anew."""

    async def work() -> None:
        with stores(kind, tmp_path) as opened:
            first, again = Call(), Call()
            async with opened() as store:
                given = await journal(store.records).once(ID, "alice", first)
            async with opened() as store:
                assert given == await journal(store.records).once(ID, "alice", again)
            assert (1, 0) == (first.made, again.made)

    run(work)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "mongo"])
def test_of_many_at_once_one_calls(kind: str, tmp_path: Path) -> None:
    """Twenty requests on two servers get what the one call gave back, for which they wait."""

    async def work() -> None:
        with stores(kind, tmp_path) as opened:
            async with opened() as store:
                records = store.records
                servers = [journal(records), journal(records)]
                call = Call(Done("success", ToolResult("once", ARTIFACTS)), held=True)
                asking = [
                    asyncio.ensure_future(servers[n % 2].once(ID, "alice", call)) for n in range(20)
                ]
                await call.began.wait()
                await asyncio.sleep(0.1)  # the others look at it while it is under way
                assert not any(task.done() for task in asking)
                call.may_end.set()

                assert [call.gives] * 20 == await asyncio.gather(*asking)
                assert call.made == 1

    run(work)


def test_two_stores_of_one_file_agree(tmp_path: Path) -> None:
    """As two processes would: each has a connection of its own."""

    async def work() -> None:
        path = tmp_path / "hookline.db"
        async with SqliteStore(path) as one, SqliteStore(path) as other:
            servers = [journal(one.records), journal(other.records)]
            calls = [Call(Done("success", ToolResult(str(n)))) for n in range(20)]

            given = await asyncio.gather(
                *(servers[n % 2].once(ID, "alice", call) for n, call in enumerate(calls))
            )

            assert 1 == len({done.result.text for done in given})
            assert 1 == sum(call.made for call in calls)

    run(work)


def test_other_ids_are_other_calls() -> None:
    """Each is made."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call()
        for number in range(3):
            await journal(records, clock).once(f"eff_{number}", "alice", call)

        assert 3 == call.made

    run(work)


async def dead_holder(records: RecordStore, clock: Clock) -> None:
    """Leave behind what a server does that is killed amid a call."""
    dies = Faulty(records)
    call = Call(held=True)
    task = asyncio.ensure_future(journal(dies, clock).once(ID, "alice", call))
    await call.began.wait()
    dies.late = True  # nothing that it does from here on reaches the store
    task.cancel()
    await asyncio.wait([task])


def test_nobody_knows_what_a_dead_server_did() -> None:
    """Once its lease has ended, its call is not made again; the run is told that nobody knows."""

    async def work() -> None:
        records, clock = in_memory()
        await dead_holder(records, clock)
        call = Call()
        asking = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await asyncio.sleep(0.1)
        assert not asking.done()
        clock.later(LEASE)

        assert await asking == UNKNOWN
        assert await journal(records, clock).once(ID, "alice", call) == UNKNOWN
        assert 0 == call.made

    run(work)


def test_many_find_a_dead_server_at_once() -> None:
    """All of them are told the same, and none calls."""

    async def work() -> None:
        records, clock = in_memory()
        await dead_holder(records, clock)
        clock.later(LEASE + 1)
        call = Call()

        given = await asyncio.gather(
            *(journal(records, clock).once(ID, "alice", call) for _ in range(10))
        )

        assert [UNKNOWN] * 10 == list(given)
        assert 0 == call.made

    run(work)


def test_who_is_slow_is_waited_for() -> None:
    """A call that takes longer than a lease renews it, also when a renewal is not acknowledged."""

    async def work() -> None:
        records, clock = in_memory()
        call, other = Call(held=True), Call()
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await call.began.wait()
        second = asyncio.ensure_future(journal(records, clock).once(ID, "alice", other))
        records.unacknowledged = 1
        for renewal in range(2, 5):  # the second of them finds what the first one did
            clock.later(LEASE / 3)
            while records.puts <= renewal:
                await asyncio.sleep(0.01)
        clock.later(LEASE - 1)
        await asyncio.sleep(0.1)
        assert not second.done()
        call.may_end.set()

        assert [call.gives] * 2 == await asyncio.gather(first, second)
        assert (1, 0) == (call.made, other.made)

    run(work)


def test_the_truth_comes_late() -> None:
    """A server that was taken for dead and was not keeps what came of its call after all."""

    async def work() -> None:
        records, clock = in_memory()
        slow = Call(held=True)
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", slow))
        await slow.began.wait()
        clock.later(LEASE)
        other = Call()
        assert await journal(records, clock).once(ID, "alice", other) == UNKNOWN
        slow.may_end.set()

        assert await first == slow.gives
        assert await journal(records, clock).once(ID, "alice", other) == slow.gives
        assert (1, 0) == (slow.made, other.made)

    run(work)


def test_what_cannot_begin_is_not_called() -> None:
    """If the store does not take note of the call, the tool hears nothing of it."""

    async def work() -> None:
        records, clock = in_memory()
        records.refused = 1
        call = Call()
        with pytest.raises(StoreUnavailable):
            await journal(records, clock).once(ID, "alice", call)
        assert 0 == call.made

        assert await journal(records, clock).once(ID, "alice", call) == call.gives

    run(work)


def test_a_beginning_that_was_not_acknowledged_stays_unknown() -> None:
    """Whether it was kept or not, the tool is not called, and nobody calls it later."""

    async def work() -> None:
        records, clock = in_memory()
        records.unacknowledged = 1
        call = Call()
        with pytest.raises(StoreUnavailable):
            await journal(records, clock).once(ID, "alice", call)
        clock.later(LEASE)

        assert await journal(records, clock).once(ID, "alice", call) == UNKNOWN
        assert 0 == call.made

    run(work)


@pytest.mark.parametrize("fault", ["refused", "unacknowledged"])
def test_a_result_that_cannot_be_kept_is_not_used(fault: str) -> None:
    """The run ends with the store's error; what was done is tried to be kept once more."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call(held=True)
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await call.began.wait()
        setattr(records, fault, 1)
        call.may_end.set()
        with pytest.raises(StoreUnavailable):
            await first

        assert await journal(records, clock).once(ID, "alice", call) == call.gives
        assert 1 == call.made

    run(work)


def test_a_result_that_could_never_be_kept_is_unknown() -> None:
    """The tool did something, and the store was gone: it is not done again."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call(held=True)
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await call.began.wait()
        records.refused = 2
        call.may_end.set()
        with pytest.raises(StoreUnavailable):
            await first
        clock.later(LEASE)

        assert await journal(records, clock).once(ID, "alice", call) == UNKNOWN
        assert 1 == call.made

    run(work)


def test_a_call_that_is_cancelled_is_unknown_at_once() -> None:
    """Nobody has to wait for its lease to end."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call(held=True)
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await call.began.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

        assert await journal(records, clock).once(ID, "alice", call) == UNKNOWN
        assert 1 == call.made

    run(work)


class Slow(Faulty):
    """Records that are put a little later."""

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        if self.puts:
            await asyncio.sleep(0.05)
        return await super().put(record, expected=expected)


def test_a_result_is_kept_though_its_run_is_cancelled() -> None:
    """The tool has answered: what it said is kept before the cancellation goes on."""

    async def work() -> None:
        clock = Clock()
        records = Slow(MemoryStore(clock).records)
        call = Call()
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await call.began.wait()
        await asyncio.sleep(0.01)  # it is being kept
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

        assert await journal(records, clock).once(ID, "alice", call) == call.gives
        assert 1 == call.made

    run(work)


def test_who_waits_may_be_cancelled() -> None:
    """The call that it waited for goes on."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call(held=True)
        first = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await call.began.wait()
        second = asyncio.ensure_future(journal(records, clock).once(ID, "alice", call))
        await asyncio.sleep(0.01)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        call.may_end.set()

        assert await first == call.gives
        assert 1 == call.made

    run(work)


def test_a_failing_call_leaves_nothing_behind() -> None:
    """What it raises is raised; what it did is not known."""

    async def work() -> None:
        records, clock = in_memory()

        async def fails() -> Done:
            raise RuntimeError("a bug")

        before = asyncio.all_tasks()
        with pytest.raises(RuntimeError, match="a bug"):
            await journal(records, clock).once(ID, "alice", fails)

        await asyncio.sleep(0)
        assert before == asyncio.all_tasks()
        assert await journal(records, clock).once(ID, "alice", fails) == UNKNOWN

    run(work)


class Opaque:
    """What nobody can write down."""


def nested() -> Any:
    """A list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize(
    "data",
    [Opaque(), nested(), 2**70, "\ud800", {1: {"a", 2**70}}, bytes(LIMIT)],
    ids=["class", "cycle", "integer", "surrogate", "set", "large"],
)
def test_artifacts_that_cannot_be_kept_are_left_out(data: Any) -> None:
    """The call gives all of it; one that is tried again gives the text alone, and no error."""

    async def work() -> None:
        records, clock = in_memory()
        done = Done("success", ToolResult("made it", [Artifact(kind="thing", data=data)]))
        call = Call(done)

        assert done is await journal(records, clock).once(ID, "alice", call)
        again = await journal(records, clock).once(ID, "alice", call)
        assert Done("success", ToolResult("made it")) == again
        assert 1 == call.made

    run(work)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([TextPart("see"), ImagePart(ImageUrl("a" * LIMIT))], "see\n\n[image]"),
        ("half a \ud800 pair", "half a ? pair"),
        ("a" * LIMIT, LOST),
    ],
    ids=["large picture", "surrogate", "large text"],
)
def test_content_that_cannot_be_kept_is_kept_in_part(content: Any, expected: str) -> None:
    """Whatever it is, the call is not made again."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call(Done("error", ToolResult(content, failed=True)))

        assert call.gives is await journal(records, clock).once(ID, "alice", call)
        again = await journal(records, clock).once(ID, "alice", call)
        assert Done("error", ToolResult(expected, failed=True)) == again
        assert 1 == call.made

    run(work)


def test_what_is_kept_is_forgotten_in_time() -> None:
    """After that the same id is a new call."""

    async def work() -> None:
        records, clock = in_memory()
        call = Call()
        await journal(records, clock).once(ID, "alice", call)
        clock.later(KEEP.total_seconds() - 1)
        await journal(records, clock).once(ID, "alice", call)
        assert 1 == call.made
        clock.later(1)
        await journal(records, clock).once(ID, "alice", call)

        assert 2 == call.made
        record = await records.get(COLLECTION, ID)
        assert record is not None
        assert ("alice", clock() + KEEP) == (record.owner, record.expires_at)

    run(work)


def test_the_same_calls_have_the_same_ids() -> None:
    """Whoever counts them again gets the same ids, in whatever order arguments stand."""
    calls = [
        ("helper", "add", {"a": 1, "b": 2}),
        ("helper", "add", {"b": 2, "a": 1}),
        ("other", "add", {"a": 1, "b": 2}),
        ("helper", "sub", {"a": 1, "b": 2}),
        ("helper", "add", {"a": 1, "b": 3}),
        ("helper", "add", {"n": 2**100}),
    ]
    first, again, elsewhere = EffectIds("run_1"), EffectIds("run_1"), EffectIds("run_2")
    ids = [first.next(*call) for call in calls]

    assert ids == [again.next(*call) for call in calls]
    assert len(calls) == len(set(ids))
    assert set(ids).isdisjoint(elsewhere.next(*call) for call in calls)


def test_ids_go_on_after_a_pause() -> None:
    """What was counted before is counted on."""
    whole = EffectIds("run_1")
    ids = [whole.next("helper", "add", {}) for _ in range(4)]
    before = EffectIds("run_1")
    found = [before.next("helper", "add", {}) for _ in range(2)]
    after = EffectIds(before.root, dict(before.seen))
    found += [after.next("helper", "add", {}) for _ in range(2)]

    assert ids == found
