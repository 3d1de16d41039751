"""Writes that wait are done together, and none of them suffers from another."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hookline.errors import StoreUnavailable
from hookline_sqlite.database import Database
from hookline_sqlite.groups_of_writes import CHECKPOINT, LARGEST, SyncWork
from support.runtimes import run

TABLE = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY)"
ANSWERS = """
CREATE TABLE answers (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)
"""
UPDATE = "INSERT OR REPLACE INTO notes (id) VALUES (1)"


def add(number: int) -> SyncWork[int]:
    """A work that adds a row."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO notes (id) VALUES (?)", [number])
        return number

    return work


def opened(path: Path, check: Callable[[Database], Awaitable[None]], **options: float) -> None:
    """Check a database with an empty table ``notes``."""

    async def work() -> None:
        database = Database(path / "store.db", **options)
        await database.open()
        try:
            await database.together(lambda c: c.execute(TABLE), durable=True)
            await check(database)
        finally:
            await database.close()

    run(work)


async def notes(database: Database) -> list[int]:
    """What the table holds."""
    return [id_ for (id_,) in await database.read("SELECT id FROM notes ORDER BY id")]


def test_a_hundred_works_cost_a_few_commits(tmp_path: Path) -> None:
    """What comes while a transaction is under way goes into the next one."""

    async def check(database: Database) -> None:
        before = database.group.commits
        works = (database.together(add(n), durable=n % 2 == 0) for n in range(100))

        assert list(range(100)) == list(await asyncio.gather(*works))
        assert list(range(100)) == await notes(database)
        assert database.group.commits - before <= 2
        assert 101 == database.group.works

    opened(tmp_path, check)


def test_a_transaction_does_so_many_works_at_most(tmp_path: Path) -> None:
    """The others go into the next ones, in the order in which they came."""

    async def check(database: Database) -> None:
        before = database.group.commits
        works = (database.together(add(n), durable=False) for n in range(2 * LARGEST + 1))
        await asyncio.gather(*works)

        assert 3 == database.group.commits - before
        assert list(range(2 * LARGEST + 1)) == await notes(database)

    opened(tmp_path, check)


def test_a_transaction_waits_for_the_disk_if_one_of_its_works_is_durable(tmp_path: Path) -> None:
    """Of those that are done together one is enough; without any, it does not wait."""

    async def syncs(database: Database, *durable: bool) -> int:
        before = database.group.syncs
        await asyncio.gather(
            *(database.together(lambda c: c.execute(TABLE), durable=one) for one in durable)
        )
        return database.group.syncs - before

    async def check(database: Database) -> None:
        assert 0 == await syncs(database, False)
        assert 1 == await syncs(database, True)
        assert 0 == await syncs(database, False, False)
        assert 1 == await syncs(database, False, True, False, True)
        assert 0 == await syncs(database, False)

    opened(tmp_path, check)


def test_a_durable_work_that_changes_nothing_waits_for_the_disk_too(tmp_path: Path) -> None:
    """What it found may have been written by one that did not wait."""

    async def check(database: Database) -> None:
        await database.together(add(1), durable=False)
        before = database.group.syncs
        await database.together(lambda c: c.execute("SELECT 1").fetchall(), durable=True)
        assert 1 == database.group.syncs - before

    opened(tmp_path, check)


def test_the_log_is_written_back_now_and_then(tmp_path: Path) -> None:
    """So it does not grow for ever, though nobody writes in another way."""

    async def check(database: Database) -> None:
        log = database.path.with_name(f"{database.path.name}-wal")
        sizes = []
        for _ in range(4 * CHECKPOINT):
            await database.together(lambda c: c.execute(UPDATE), durable=False)
            sizes.append(log.stat().st_size)
        assert sizes[-1] < sizes[0] + 2 * CHECKPOINT * 4200

    opened(tmp_path, check)


def test_a_commit_that_fails_fails_all_that_it_was_for(tmp_path: Path) -> None:
    """None of it is kept, and it is not counted; the next one works."""

    async def check(database: Database) -> None:
        await database.together(lambda c: c.execute(ANSWERS), durable=True)
        before = database.group.commits, database.group.works
        works = [add(1), lambda c: c.execute("INSERT INTO answers VALUES (7)"), add(2)]
        found = await asyncio.gather(
            *(database.together(work, durable=True) for work in works), return_exceptions=True
        )

        assert [StoreUnavailable] * 3 == [type(one) for one in found]
        assert before == (database.group.commits, database.group.works)
        assert [] == await notes(database)
        assert [1, 2] == [await database.together(add(n), durable=True) for n in (1, 2)]

    opened(tmp_path, check)


def test_a_work_that_fails_takes_nothing_with_it(tmp_path: Path) -> None:
    """What it did itself is undone, and its caller alone hears of it."""

    async def check(database: Database) -> None:
        def half(connection: sqlite3.Connection) -> None:
            add(7)(connection)
            message = "enough"
            raise RuntimeError(message)

        works = [add(1), half, add(1), add(2)]
        found = await asyncio.gather(
            *(database.together(work, durable=True) for work in works), return_exceptions=True
        )

        assert (1, 2) == (found[0], found[3])
        assert isinstance(found[1], RuntimeError)
        assert isinstance(found[2], StoreUnavailable)  # the row is there already
        assert [1, 2] == await notes(database)
        with pytest.raises(RuntimeError, match="enough"):
            await database.together(half, durable=False)
        assert [1, 2] == await notes(database)

    opened(tmp_path, check)


def test_a_caller_that_is_cancelled_leaves(tmp_path: Path) -> None:
    """Its work is done without it."""

    async def check(database: Database) -> None:
        task = asyncio.create_task(database.together(add(1), durable=True))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await database.together(add(2), durable=True)

        assert [1, 2] == await notes(database)

    opened(tmp_path, check)


def test_what_waits_is_done_before_the_file_is_closed(tmp_path: Path) -> None:
    """And afterwards nothing can be added."""
    database = Database(tmp_path / "store.db")

    async def work() -> list[object]:
        await database.open()
        await database.together(lambda c: c.execute(TABLE), durable=True)
        tasks = [asyncio.create_task(database.together(add(n), durable=True)) for n in range(9)]
        await asyncio.sleep(0)
        await database.close()
        with pytest.raises(StoreUnavailable, match="not open"):
            await database.together(add(10), durable=True)
        return await asyncio.gather(*tasks)

    assert list(range(9)) == run(work)


def test_what_waits_is_done_though_the_loop_ends(tmp_path: Path) -> None:
    """All tasks are cancelled then, before some of them began; closing does not wait for ever."""

    async def check(database: Database) -> None:
        caller = asyncio.create_task(database.together(add(1), durable=True))
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.wait([caller])
        await database.close()
        await database.open()

        assert caller.cancelled()
        assert [1] == await notes(database)

    opened(tmp_path, check)


def test_a_locked_file_fails_all_that_wait(tmp_path: Path) -> None:
    """None of it is kept; once the lock is gone it works again."""

    async def check(database: Database) -> None:
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        found = await asyncio.gather(
            *(database.together(add(n), durable=True) for n in range(3)), return_exceptions=True
        )
        other.execute("ROLLBACK")
        other.close()

        assert all(isinstance(one, StoreUnavailable) for one in found)
        assert "another process holds it locked" in str(found[0])
        assert [] == await notes(database)
        assert 5 == await database.together(add(5), durable=True)

    opened(tmp_path, check, busy_seconds=0.1)


def test_two_that_write_take_turns(tmp_path: Path) -> None:
    """Two processes would, as these two stores do, and neither loses anything."""

    async def check(database: Database) -> None:
        other = Database(database.path)
        await other.open()
        works = (
            (database if n % 2 else other).together(add(n), durable=n % 3 == 0) for n in range(200)
        )
        await asyncio.gather(*works)
        await other.close()

        assert list(range(200)) == await notes(database)

    opened(tmp_path, check)


def test_single_writes_and_groups_take_turns(tmp_path: Path) -> None:
    """Both ways lead into the same file."""

    async def check(database: Database) -> None:
        async def single(number: int) -> None:
            async def work(connection: object) -> None:
                await connection.execute_fetchall("INSERT INTO notes VALUES (?)", [number])

            await database.write(work)

        grouped = (database.together(add(n), durable=False) for n in range(50))
        await asyncio.gather(*(single(n) for n in range(50, 100)), *grouped)

        assert list(range(100)) == await notes(database)

    opened(tmp_path, check)
