"""When keys were last used is written down behind the requests."""

import asyncio
from datetime import timedelta

from hookline_memory import MemoryStore
from support.callers import NOON, Callers, bounded


async def written(callers, times):
    """Wait until the store was told that often."""
    while callers.calls.count("keys.touch") < times:
        await asyncio.sleep(0.001)


def test_the_last_use_is_written_when_the_server_stops():
    """Requests write nothing; leaving the backend writes the latest use of each key at once."""

    async def main():
        callers = Callers(MemoryStore())
        one = await callers.add_key("one")
        two = await callers.add_key("two", expires_at=NOON)
        async with callers.backend:
            for _ in range(3):
                callers.at += timedelta(seconds=1)
                await callers.ask("one")
                await callers.ask("two")
            during = callers.calls.count("keys.touch")
        keys = callers.store.real.keys
        used = [(await keys.get(key.id)).last_used_at for key in (one, two)]
        return during, callers.calls.count("keys.touch"), used

    assert (0, 1, [NOON + timedelta(seconds=3), None]) == bounded(main)


def test_the_last_use_is_written_in_the_background():
    """After an interval what was used since is written, once."""

    async def main():
        callers = Callers(MemoryStore(), touch_interval=0.001)
        key = await callers.add_key("one")
        async with callers.backend:
            await callers.ask("one")
            await written(callers, 1)
            await asyncio.sleep(0.02)
        kept = await callers.store.real.keys.get(key.id)
        return callers.calls.count("keys.touch"), kept.last_used_at

    assert (1, NOON) == bounded(main)


def test_a_failing_write_of_the_last_use_is_tried_again():
    """It is logged, requests go on, and the next write brings what is still missing."""

    async def main():
        callers = Callers(MemoryStore(), touch_interval=0.001)
        key = await callers.add_key("one")
        callers.store.failing = {"keys.touch"}
        async with callers.backend:
            await callers.ask("one")
            await written(callers, 2)
            assert await callers.ask("one") is not None
            callers.store.failing = set()
        kept = await callers.store.real.keys.get(key.id)
        return kept.last_used_at, callers.log.calls[0].method_name

    assert (NOON, "warning") == bounded(main)
