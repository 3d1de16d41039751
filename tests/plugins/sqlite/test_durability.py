"""What a SQLite store acknowledged is kept, whatever becomes of its process."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import attrs
import pytest

from hookline.agents import Agent
from hookline.archive import content_of
from hookline.errors import StoreUnavailable
from hookline.keys import new_key
from hookline.ledger import EntryQuery
from hookline.testing.file_contract import file
from hookline.testing.ledger_suite import account, entry
from hookline.testing.outbox_suite import under_way
from hookline.testing.record_suite import record
from hookline_sqlite import SqliteStore
from hookline_sqlite.database import Database
from hookline_sqlite.migrations import APPLICATION, MIGRATIONS

WRITER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from hookline.agents import Agent
from hookline.moments import now
from hookline.keys import new_key
from hookline.store import Continuation
from hookline.testing.ledger_suite import account, entry
from hookline.testing.outbox_suite import under_way
from hookline.testing.record_suite import record
from hookline_sqlite import SqliteStore

async def main():
    async with SqliteStore(Path(sys.argv[1])) as store:
        for i in range(1_000_000):
            key, _ = new_key("alice", text=f"secret {i}")
            await asyncio.gather(
                store.agents.put(Agent(id=f"agent-{i}", provider="p", model="m")),
                store.keys.add(key),
                store.continuations.put(Continuation(
                    id=f"run-{i}", user="alice", agent="a", calls={f"call-{i}": "x"},
                    messages=b"[]", expires_at=now() + timedelta(days=1),
                )),
                store.outbox.put([under_way(f"run-{i}")], durable=False),
                store.ledger.change(
                    account(version=i + 1, balance=i), [entry(f"entry-{i}")],
                    expected=i, durable=False,
                ),
                store.records.put(record(f"record-{i}"), expected=0),
            )
            print(i, flush=True)

asyncio.run(main())
"""
OPENER = """
import asyncio, sys
from pathlib import Path
from hookline.keys import new_key
from hookline_sqlite import SqliteStore

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with SqliteStore(Path(sys.argv[1])) as store:
        await store.keys.add(new_key("alice")[0])

asyncio.run(main())
"""
AGENT = Agent(id="helper", provider="p", model="m")


def start(program, path):
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path):
    """After SIGKILL in the middle of writing, everything that was acknowledged is there."""
    path = tmp_path / "hookline.db"
    with start(WRITER, path) as writer:
        acknowledged = [int(writer.stdout.readline()) for _ in range(40)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().splitlines()]

    async def check():
        async with SqliteStore(path) as store:
            agents = {agent.id for agent in await store.agents.list(limit=1_000_000)}
            keys = len(await store.keys.list())
            calls = [f"call-{i}" for i in acknowledged]
            waiting = await store.continuations.find(calls, user="alice", agent="a")
            runs = {one.id for one in await store.outbox.owned("one", limit=1_000_000)}
            kept = await store.ledger.account("user:alice")
            entries = await store.ledger.entries(EntryQuery(), limit=1_000_000)
            records = await store.records.list("tests.things", limit=1_000_000)
        assert {f"entry-{i}" for i in range(kept.version)} == {one.id for one in entries}
        assert {f"run-{i}" for i in acknowledged} <= runs
        assert acknowledged[-1] <= kept.balance
        assert {f"record-{i}" for i in acknowledged} <= {one.id for one in records}
        return agents, keys, {one.id for one in waiting}

    agents, keys, waiting = asyncio.run(check())
    assert {f"agent-{i}" for i in acknowledged} <= agents
    assert len(acknowledged) <= keys
    assert {f"run-{i}" for i in acknowledged} == waiting


def test_processes_that_start_together_migrate_once(tmp_path):
    """Three servers started at one moment on no file at all come up, and all can write."""
    path = tmp_path / "hookline.db"
    openers = [start(OPENER, path) for _ in range(3)]
    for opener in openers:
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    for opener in openers:
        opener.communicate(timeout=60)

    assert [0, 0, 0] == [opener.returncode for opener in openers]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (3,)


@pytest.mark.parametrize("round_", range(5))
def test_stores_opened_together_take_turns(tmp_path, round_):
    """Eight connections that find no schema at the same moment make it once."""

    async def main():
        stores = [SqliteStore(tmp_path / "hookline.db") for _ in range(8)]
        await asyncio.gather(*(store.__aenter__() for store in stores))
        kept = await asyncio.gather(
            *(store.agents.put(attrs.evolve(AGENT, name=str(i))) for i, store in enumerate(stores))
        )
        await asyncio.gather(*(store.__aexit__() for store in stores))
        return sorted(agent.version for agent in kept)

    assert list(range(1, 9)) == asyncio.run(main())


def test_a_cancelled_caller_leaves_a_whole_write(tmp_path):
    """Who is cancelled while writing leaves; the write is done and the next one works."""

    async def main():
        async with SqliteStore(tmp_path / "hookline.db") as store:
            writes = [
                asyncio.create_task(store.agents.put(attrs.evolve(AGENT, id=f"a{i}")))
                for i in range(10)
            ]
            await asyncio.sleep(0)
            for write in writes:
                write.cancel()
            await asyncio.wait(writes)
            await store.keys.add(new_key("alice")[0])
        async with SqliteStore(tmp_path / "hookline.db") as store:
            return len(await store.agents.list()), len(await store.keys.list())

    assert (10, 1) == asyncio.run(main())


def test_leaving_the_store_waits_for_what_is_being_written(tmp_path):
    """A write under way when the store is closed is finished first."""

    async def main():
        async with SqliteStore(tmp_path / "hookline.db") as store:
            write = asyncio.create_task(store.agents.put(AGENT))
            await asyncio.sleep(0)
        return await write

    assert AGENT == asyncio.run(main())


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    """A transaction that raises half way is undone, and the connection goes on."""

    async def main():
        async with SqliteStore(tmp_path / "hookline.db") as store:
            database = store.agents.database

            async def half(connection):
                await connection.execute_fetchall("UPDATE agents SET version = 99")
                await connection.execute_fetchall("SELECT * FROM no_such_table")

            await store.agents.put(AGENT)
            with pytest.raises(StoreUnavailable, match="no such table"):
                await database.write(half)
            return await store.agents.get("helper")

    assert AGENT == asyncio.run(main())


def test_a_store_waits_for_whoever_is_making_the_file(tmp_path):
    """While another process writes the very first page, opening waits, and then goes on."""
    path = tmp_path / "hookline.db"

    async def main(other):
        database = Database(path, busy_seconds=0.05)
        with pytest.raises(StoreUnavailable, match="another process holds it locked"):
            await database.open()
        patient = SqliteStore(path)
        opening = asyncio.create_task(patient.__aenter__())
        await asyncio.sleep(0.1)
        waited = not opening.done()
        other.execute("ROLLBACK")
        await opening
        kept = await patient.agents.put(AGENT)
        await patient.__aexit__(None, None, None)
        return waited, kept

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert (True, AGENT) == asyncio.run(main(other))


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_an_older_hookline_is_brought_up_to_date(tmp_path, version):
    """One version after the other; what was in it stays, and all of the store can be used."""
    path = tmp_path / "hookline.db"
    with closing(sqlite3.connect(path)) as connection:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                connection.execute(statement)
        row = ("helper", json.dumps({"id": "helper", "provider": "p", "model": "m"}))
        connection.execute("INSERT INTO agents VALUES (?, 1, 0, 0, ?)", row)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()

    async def main():
        done = await SqliteStore(path).migrate()
        async with SqliteStore(path) as store:
            await store.outbox.put([under_way("run_1")], durable=True)
            await store.ledger.change(account(), [entry("e")], expected=0)
            await store.records.put(record(), expected=0)
            await store.files.put(file())
            agent = await store.agents.get("helper")
            return list(done), agent.model, await store.ledger.known(["e"])

    steps = range(version, len(MIGRATIONS))
    done = [f"brought the schema from version {n} to {n + 1}" for n in steps]
    assert (done, "m", {"e"}) == asyncio.run(main())


def test_files_of_an_older_hookline_are_found_and_summed(tmp_path):
    """What is asked for in columns now is taken out of the documents that are there."""
    path = tmp_path / "hookline.db"
    older = attrs.evolve(file(), conversation=None, metadata={})
    content = content_of(older)
    del content["conversation"], content["metadata"]
    with closing(sqlite3.connect(path)) as connection:
        for statements in MIGRATIONS[:3]:
            for statement in statements:
                connection.execute(statement)
        row = (older.id, older.owner, json.dumps(content))
        connection.execute("INSERT INTO files VALUES (?, ?, NULL, ?)", row)
        connection.execute("PRAGMA user_version = 3")
        connection.commit()

    async def main():
        async with SqliteStore(path) as store:
            assert older == await store.files.get(older.id)
            assert older.size == await store.files.total(older.owner)
            assert await store.files.holds(older.digest)
            [archived] = await store.archive.read("files")
            assert content_of(older) == archived.content
            talk = attrs.evolve(older, conversation="talk")
            await store.files.put(talk)
            assert talk == await store.files.named(older.owner, "talk", older.name)

    asyncio.run(main())


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path):
    """The database is as it was, so that the next start can try again."""
    path = tmp_path / "hookline.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("CREATE TABLE continuations (x)")
        connection.commit()

    with pytest.raises(StoreUnavailable, match="already exists"):
        asyncio.run(SqliteStore(path).__aenter__())

    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        [version] = connection.execute("PRAGMA user_version").fetchone()
    assert ([("continuations",)], 0) == (tables, version)
