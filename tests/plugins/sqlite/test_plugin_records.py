"""Records in a SQLite file: on the disk when they are acknowledged, and of one file for several."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import attrs

from hookline.moments import now
from hookline.testing.record_suite import PLUGIN, one_putter_wins, record
from hookline_sqlite import SqliteStore


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


def test_a_record_waits_for_the_disk(tmp_path: Path) -> None:
    """One that is put or deleted does; those that are put at once wait together."""

    async def main() -> None:
        async with SqliteStore(tmp_path / "hookline.db") as store:
            group = store.users.database.group
            syncs = [group.syncs]
            await store.records.put(record())
            syncs.append(group.syncs)
            await store.records.delete(PLUGIN, "r_1")
            syncs.append(group.syncs)
            await asyncio.gather(*(store.records.put(record(f"r{i}")) for i in range(50)))
            syncs.append(group.syncs)

            assert [syncs[1] - syncs[0], syncs[2] - syncs[1]] == [1, 1]
            assert syncs[3] - syncs[2] <= 2
            assert len(await store.records.list(PLUGIN)) == 50

    asyncio.run(main())


def test_of_putters_in_one_file_one_wins(tmp_path: Path) -> None:
    """Each process has connections of its own."""

    async def main() -> None:
        async with AsyncExitStack() as stack:
            stores = [
                await stack.enter_async_context(SqliteStore(tmp_path / "hookline.db"))
                for _ in range(4)
            ]
            await one_putter_wins(stores)

    asyncio.run(main())


def test_a_record_ends_by_the_clock_of_the_store(tmp_path: Path) -> None:
    """To the microsecond, in every method, though the row is still there."""
    clock = Clock()
    end = clock.at + timedelta(minutes=1)

    async def main() -> None:
        async with SqliteStore(tmp_path / "hookline.db", clock) as store:
            records = store.records
            ends = attrs.evolve(record(), expires_at=end)
            await records.put(ends)
            clock.at = end - timedelta(microseconds=1)
            assert await records.get(PLUGIN, "r_1") is not None
            assert (await records.put(ends, expected=1)).version == 2
            clock.at = end
            assert await records.get(PLUGIN, "r_1") is None
            assert list(await records.list(PLUGIN)) == []
            assert await records.delete(PLUGIN, "r_1") is False
            assert await store.archive.count("records") == 1
            assert (await records.put(record(), expected=0)).version == 1

    asyncio.run(main())
