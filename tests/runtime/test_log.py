"""The event log in memory: one writer, any number of readers."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from hookline.events import Text
from hookline.log import MemoryLog, MemoryLogs


def events(count, start=0):
    return [Text(str(number)) for number in range(start, start + count)]


async def follow(log, pieces=None):
    """Everything a reader gets from the beginning to the end of a log."""
    got = []
    async with asyncio.timeout(10):
        while piece := await log.read(len(got)):
            got += piece
            if pieces is not None:
                pieces.append(len(piece))
    return got


def test_a_late_reader_gets_all_in_one_piece():
    """What came while nobody read is drained at once, and nothing follows the end."""

    async def main():
        log, pieces = MemoryLog(), []
        for event in events(100):
            log.append(event)
        log.close()
        return await follow(log, pieces), pieces, list(await log.read(100))

    assert (events(100), [100], []) == asyncio.run(main())


def test_a_reader_waits_until_there_is_something():
    """A reader of an empty log is woken by the next event."""

    async def main():
        log = MemoryLog()
        reader = asyncio.create_task(log.read(0))
        await asyncio.sleep(0)
        assert not reader.done()
        log.append(Text("a"))
        async with asyncio.timeout(10):
            return list(await reader)

    assert [Text("a")] == asyncio.run(main())


@given(st.lists(st.integers(0, 5), max_size=20), st.integers(1, 5))
def test_all_readers_get_all_events_in_order(bursts, readers):
    """However the events come, and whenever a reader begins, none is lost or repeated."""
    total = sum(bursts)

    async def main():
        log = MemoryLog()
        following = []
        for number, burst in enumerate(bursts):
            if number < readers:
                following.append(asyncio.create_task(follow(log)))
            for event in events(burst, log_length(log)):
                log.append(event)
            await asyncio.sleep(0)
        following.append(asyncio.create_task(follow(log)))
        log.close()
        return await asyncio.gather(*following)

    assert all(events(total) == got for got in asyncio.run(main()))


def log_length(log):
    return len(log._events)


def test_a_slow_reader_keeps_nobody_waiting():
    """Each reader has a position of its own."""

    async def main():
        log = MemoryLog()
        log.append(Text("a"))
        first = list(await log.read(0))
        log.append(Text("b"))
        return first, list(await log.read(1)), list(await log.read(0))

    assert ([Text("a")], [Text("b")], [Text("a"), Text("b")]) == asyncio.run(main())


def test_closing_wakes_those_who_wait():
    """Readers that have everything learn at once that nothing follows."""

    async def main():
        log = MemoryLog()
        log.append(Text("a"))
        waiting = [asyncio.create_task(log.read(1)) for _ in range(3)]
        await asyncio.sleep(0)
        log.close()
        log.close()
        async with asyncio.timeout(10):
            return [list(await reader) for reader in waiting]

    assert [[], [], []] == asyncio.run(main())


def test_a_reader_may_stop_waiting():
    """``None`` is the answer when its time is over, and the next read goes on."""

    async def main():
        log = MemoryLog()
        nothing = await log.read(0, wait=0.001)
        log.append(Text("a"))
        async with asyncio.timeout(10):
            return nothing, list(await log.read(0, wait=60)), len(log._waiters)

    assert (None, [Text("a")], 0) == asyncio.run(main())


def test_a_reader_may_ask_for_what_is_far_off():
    """It sleeps through the events before, and gets the one that it asked for."""

    async def main():
        log = MemoryLog()
        reader = asyncio.create_task(log.read(2))
        for event in events(3):
            await asyncio.sleep(0)
            log.append(event)
        async with asyncio.timeout(10):
            return list(await reader)

    assert [Text("2")] == asyncio.run(main())


def test_readers_that_leave_leave_nothing():
    """Neither a cancelled nor an impatient reader is remembered by the log."""

    async def main():
        log = MemoryLog()
        waiting = [asyncio.create_task(log.read(0)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[2].cancel()
        await asyncio.wait(waiting, timeout=0)
        await asyncio.gather(waiting[0], waiting[2], return_exceptions=True)
        left = len(log._waiters)
        for _ in range(5):
            await log.read(0, wait=0.0001)
        still = len(log._waiters)
        log.append(Text("a"))
        async with asyncio.timeout(10):
            return left, still, list(await waiting[1]), len(log._waiters)

    assert (1, 1, [Text("a")], 0) == asyncio.run(main())


def test_a_reader_cancelled_as_it_is_woken_loses_nothing_for_others():
    """An event and a cancellation in the same moment leave the log whole."""

    async def main():
        log = MemoryLog()
        leaving, staying = (asyncio.create_task(log.read(0)) for _ in range(2))
        await asyncio.sleep(0)
        log.append(Text("a"))
        leaving.cancel()
        async with asyncio.timeout(10):
            await asyncio.wait([leaving])
            return leaving.cancelled(), list(await staying), len(log._waiters)

    assert (True, [Text("a")], 0) == asyncio.run(main())


def test_logs_are_found_until_they_are_released():
    """A run's log is there from its creation on; releasing what is gone is harmless."""

    async def main():
        logs = MemoryLogs()
        log = await logs.create("run_1")
        found = await logs.find("run_1"), await logs.find("run_2")
        await logs.release("run_1")
        await logs.release("run_1")
        return log, found, await logs.find("run_1"), logs.scheme

    log, found, after, scheme = asyncio.run(main())
    assert (log, None) == found
    assert (None, "memory") == (after, scheme)


def test_readers_give_up_each_in_its_own_time():
    """One alarm serves readers of different patience, whoever came first."""

    async def main():
        log = MemoryLog()
        left: list[str] = []

        async def reader(name: str, patience: float) -> None:
            assert await log.read(0, wait=patience) is None
            left.append(name)

        tasks = [asyncio.create_task(reader(*who)) for who in (("slow", 0.2), ("quick", 0.01))]
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
        return left, len(log._waiters)

    assert (["quick", "slow"], 0) == asyncio.run(main())
