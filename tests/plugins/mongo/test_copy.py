"""Ten thousand agents go from SQLite to MongoDB and back."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from hookline.archive import KINDS
from hookline.testing.archive_suite import fill
from hookline_mongo import MongoStores
from hookline_sqlite import SqliteStores
from support.mongod import fresh_database
from support.process import PROGRAM, SECONDS, variables

MANY = 10_000
INTERRUPTED = 60


def made(path: Path) -> str:
    """A SQLite store with something of every kind, and many agents."""
    url = f"sqlite:///{path}"

    async def work() -> None:
        async with SqliteStores().open(url) as store:
            await fill(store)

    asyncio.run(work())
    with closing(sqlite3.connect(path)) as connection, connection:
        row = connection.execute("SELECT * FROM agents WHERE document IS NOT NULL").fetchone()
        rows = [(f"many-{number:05}", *row[1:]) for number in range(MANY)]
        connection.executemany("INSERT INTO agents VALUES (?, ?, ?, ?, ?)", rows)
    return url


def copied(folder: Path, origin: str, target: str) -> Mapping[str, Mapping[str, Any]]:
    """The summary of a copy, by kind."""
    done = subprocess.run(
        [PROGRAM, "store", "copy", origin, target, "--json"],
        cwd=folder,
        env=variables(),
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return {kind["kind"]: kind for kind in json.loads(done.stdout)}


def rows(path: Path) -> Mapping[str, list[Any]]:
    """Every table of a file, row by row."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for (name,) in names
            if not name.startswith("sqlite_")
        }


def test_ten_thousand_agents_go_there_and_back(tmp_path: Path) -> None:
    """The two SQLite files hold the same, row by row; the copies say so themselves, too."""
    with fresh_database() as mongo:
        origin = made(tmp_path / "one.db")
        there = copied(tmp_path, origin, mongo)
        back = copied(tmp_path, mongo, f"sqlite:///{tmp_path}/two.db")

    assert list(KINDS) == list(there)
    assert all(kind["equal"] for kind in (*there.values(), *back.values()))
    assert there["agents"]["count"] == back["agents"]["count"] == MANY + 2
    assert [kind["digest"] for kind in there.values()] == [kind["digest"] for kind in back.values()]
    assert rows(tmp_path / "one.db") == rows(tmp_path / "two.db")


def test_a_copy_into_mongodb_that_was_killed_goes_on(tmp_path: Path) -> None:
    """What had arrived is not written again, and all of it is there in the end."""
    with fresh_database() as mongo:
        origin = made(tmp_path / "one.db")
        process = subprocess.Popen(
            [PROGRAM, "store", "copy", origin, mongo],
            cwd=tmp_path,
            env=variables(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + INTERRUPTED
        while asyncio.run(count(mongo)) < MANY // 20 and time.monotonic() < until:
            assert process.poll() is None, "the copy ended before it could be interrupted"
        process.send_signal(signal.SIGKILL)
        process.wait()
        arrived = asyncio.run(count(mongo))
        agents = copied(tmp_path, origin, mongo)["agents"]

    assert 0 < arrived < MANY + 2
    assert agents["equal"]
    assert agents["written"] == MANY + 2 - arrived


async def count(url: str) -> int:
    """How many agents have arrived so far; none while the database is not prepared."""
    store = MongoStores().open(url)
    if not (await store.status()).ready:
        return 0
    async with store:
        return await store.archive.count("agents")
