"""The file of a SQLite store: where it is, whose it is, and what it says when it is no good."""

import asyncio
import json
import resource
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from hookline.agents import Agent
from hookline.documents import LIMIT
from hookline.errors import ConfigError, InvalidRequest, StoreUnavailable
from hookline.moments import now
from hookline.store import Continuation
from hookline_sqlite import SqliteStore, SqliteStores
from hookline_sqlite.database import Database
from hookline_sqlite.migrations import MIGRATIONS

AGENT = Agent(id="helper", provider="p", model="m")


def opened(path, use):
    """What ``use`` makes of the store in this file."""

    async def main():
        async with SqliteStore(path) as store:
            return await use(store)

    return asyncio.run(main())


def failure(path):
    """What a store says that cannot be opened."""
    with pytest.raises(StoreUnavailable) as caught:
        opened(path, SqliteStore.ping)
    return str(caught.value)


def put(store):
    return store.agents.put(AGENT)


def altered(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_url_names_a_file_here_or_anywhere(tmp_path, monkeypatch):
    """Three slashes lead to a file beside the start directory, four to one by its whole path."""
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///./near.db", f"sqlite:///{tmp_path}/far.db", "sqlite:///plain.db"):
        store = SqliteStores().open(url)

        async def main(store=store):
            async with store:
                await store.ping()

        asyncio.run(main())

    assert ["far.db", "near.db", "plain.db"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "expected sqlite:///./relative.db"),
        ("sqlite:///", "expected sqlite:///./relative.db"),
        ("sqlite://host/x.db", "expected sqlite:///./relative.db"),
        ("sqlite:///dir/", "expected sqlite:///./relative.db"),
        ("sqlite:///:memory:", "use memory://"),
        ("sqlite:///x.db?mode=ro", "no options"),
    ],
)
def test_a_url_without_a_file_is_refused(url, said):
    """The message names the setting and what it should be."""
    with pytest.raises(ConfigError, match=r"store\.url") as caught:
        SqliteStores().open(url)

    assert said in str(caught.value)


def test_the_file_is_its_owners_alone(tmp_path):
    """Keys' hashes are in it: nobody else may read it or its companions."""
    path = tmp_path / "hookline.db"

    async def modes(store):
        await put(store)
        return {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    names = ("hookline.db", "hookline.db-wal", "hookline.db-shm")
    assert dict.fromkeys(names, 0o600) == opened(path, modes)


def test_a_missing_directory_is_named(tmp_path):
    """The store makes no directories: a typing error would scatter databases."""
    said = failure(tmp_path / "missing" / "hookline.db")

    assert f"directory {tmp_path / 'missing'}" in said
    assert "does not exist" in said


def test_what_is_not_a_database_is_left_alone(tmp_path):
    """A directory, a text file and another program's database are refused, and not changed."""
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_text("not a database " * 100)
    altered(other, "CREATE TABLE theirs (x)")
    before = other.read_bytes()

    assert "cannot be opened" in failure(tmp_path)
    assert "not a SQLite database" in failure(text)
    assert "another program's database" in failure(other)
    assert before == other.read_bytes()


def test_a_newer_database_is_refused(tmp_path):
    """Its schema is not understood: nothing is read, nothing is changed, the remedy is said."""
    path = tmp_path / "hookline.db"
    opened(path, put)
    altered(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

    assert "upgrade Hookline" in failure(path)


def test_fields_of_a_newer_hookline_survive(tmp_path):
    """What this version does not know of a document is still there after it changed the rest."""
    path = tmp_path / "hookline.db"
    opened(path, put)
    altered(path, "UPDATE agents SET document = json_set(document, '$.novelty', json('[1]'))")

    async def rename(store):
        kept = await store.agents.get("helper")
        return await store.agents.put(attrs.evolve(kept, name="new"))

    assert 2 == opened(path, rename).version
    with closing(sqlite3.connect(path)) as connection:
        [document] = connection.execute("SELECT document FROM agents").fetchone()
    document = json.loads(document)
    assert ([1], "new") == (document["novelty"], document["name"])


def test_a_document_that_cannot_be_read_is_named(tmp_path):
    """A value that only a newer Hookline knows fails with the agent's id."""
    path = tmp_path / "hookline.db"
    opened(path, put)
    altered(path, """UPDATE agents SET document = json_set(document, '$.dialect', 'smoke')""")

    with pytest.raises(StoreUnavailable, match="agent helper cannot be read"):
        opened(path, lambda store: store.agents.get("helper"))


def test_what_is_too_large_is_refused(tmp_path):
    """A document above the limit of all stores is the caller's fault, and says its size."""
    large = "x" * LIMIT
    path = tmp_path / "hookline.db"
    waiting = Continuation(
        id="r", user="u", agent="a", calls={}, messages=large.encode() + b"x", expires_at=now()
    )

    with pytest.raises(InvalidRequest, match=r"agent helper is too large: 16,0"):
        opened(path, lambda store: store.agents.put(attrs.evolve(AGENT, instructions=large)))
    with pytest.raises(InvalidRequest, match=r"run r is too large: 16,000,001 bytes"):
        opened(path, lambda store: store.continuations.put(waiting))


def test_a_store_that_is_not_open_says_so(tmp_path):
    """Before it is entered and after it is left, every call is refused."""
    store = SqliteStore(tmp_path / "hookline.db")

    async def main():
        with pytest.raises(StoreUnavailable, match="is not open"):
            await store.ping()
        async with store:
            await store.ping()
        with pytest.raises(StoreUnavailable, match="is not open"):
            await put(store)

    asyncio.run(main())


def test_a_lock_that_another_process_holds_is_not_waited_for_forever(tmp_path):
    """Reads go on; a write fails with a sentence, and works when the lock is gone."""
    path = tmp_path / "hookline.db"

    async def insert(connection):
        await connection.execute_fetchall(
            "INSERT INTO agents VALUES ('a', 1, 0, 0, NULL)",
        )

    async def main(other):
        database = Database(path, busy_seconds=0.05)
        await database.open()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process holds it locked"):
            await database.write(insert)
        during = await database.read("SELECT count(*) FROM agents")
        other.execute("ROLLBACK")
        await database.write(insert)
        after = await database.read("SELECT count(*) FROM agents")
        await database.close()
        return during, after

    opened(path, SqliteStore.ping)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert ([(0,)], [(1,)]) == asyncio.run(main(other))


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from hookline.agents import Agent
from hookline.errors import StoreUnavailable
from hookline_sqlite import SqliteStore

async def main():
    async with SqliteStore(Path(sys.argv[1])) as store:
        await store.agents.put(Agent(id="small", provider="p", model="m"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
        large = Agent(id="large", provider="p", model="m", instructions="x" * 3_000_000)
        try:
            await store.agents.put(large)
        except StoreUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        print([agent.id for agent in await store.agents.list()])
        await store.agents.put(large)
        print([agent.id for agent in await store.agents.list()])

asyncio.run(main())
"""


def test_a_full_disk_fails_the_write_and_nothing_else(tmp_path):
    """The write that found no room is refused; what was there is read, and later writes work."""
    path = tmp_path / "hookline.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), "1000000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    said, during, after = done.stdout.splitlines()[-3:] or [done.stderr]
    assert "cannot be used" in said
    assert ("disk" in said, "['small']", "['large', 'small']") == (True, during, after)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_file_that_may_not_be_written_says_so(tmp_path):
    """Where no file may be made, the reason is that of the system."""
    said = failure(Path("/proc/hookline.db"))

    assert "/proc/hookline.db cannot be created" in said


def test_the_archive_has_what_an_older_hookline_did_not_write(tmp_path):
    """A field that came later has its default there, as in every other store."""
    path = tmp_path / "hookline.db"
    opened(path, put)
    altered(path, "UPDATE agents SET document = json_remove(document, '$.category')")
    [record] = opened(path, lambda store: store.archive.read("agents"))

    assert "general" == record.content["category"]
