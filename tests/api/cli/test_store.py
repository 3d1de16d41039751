"""``hookline store``: status, migrate and copy."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hookline.agents import Agent
from hookline.archive import KINDS
from hookline.testing.archive_suite import fill
from hookline_api.cli import hookline
from hookline_sqlite import SqliteStores
from support.process import PROGRAM

MANY = 10_000


def call(folder: Path, *words: str) -> Result:
    """Call ``hookline store`` with ``store.db`` of this folder as the configured store."""
    variables = {"HOOKLINE_STORE__URL": url(folder, "store"), "HOOKLINE_CONFIG": None}
    return CliRunner(env=variables).invoke(hookline, ["store", *words])


def url(folder: Path, name: str) -> str:
    return f"sqlite:///{folder}/{name}.db"


def made(folder: Path, name: str, *, agents: int = 0) -> str:
    """A store with something of every kind, and agents."""

    async def work() -> None:
        async with SqliteStores().open(url(folder, name)) as store:
            await fill(store)

    asyncio.run(work())
    with closing(sqlite3.connect(folder / f"{name}.db")) as connection, connection:
        row = connection.execute("SELECT * FROM agents WHERE document IS NOT NULL").fetchone()
        rows = [(f"many-{number:05}", *row[1:]) for number in range(agents)]
        connection.executemany("INSERT INTO agents VALUES (?, ?, ?, ?, ?)", rows)
    return url(folder, name)


def documents(folder: Path, name: str) -> dict[str, list[Any]]:
    """All that a store holds, by kind."""

    async def work() -> dict[str, list[Any]]:
        async with SqliteStores().open(url(folder, name)) as store:
            found = {}
            for kind in KINDS:
                records = await store.archive.read(kind, limit=10**6)
                found[kind] = [(record.id, record.content) for record in records]
            return found

    return asyncio.run(work())


def test_the_state_of_a_store_is_told(tmp_path: Path) -> None:
    """Before it is there, without making it, and after, with how much it holds."""
    before = json.loads(call(tmp_path, "status", "--json").stdout)
    assert (0, False) == (before["version"], before["ready"])
    assert not (tmp_path / "store.db").exists()
    assert "hookline store migrate" in call(tmp_path, "status").stderr
    made(tmp_path, "store")
    after = json.loads(call(tmp_path, "status", "--json").stdout)

    assert after["ready"]
    assert 2 == after["counts"]["agents"]
    assert "conversations" in call(tmp_path, "status").stdout


def test_a_store_is_migrated(tmp_path: Path) -> None:
    """What was done is said; the second time there is nothing to do."""
    first, again = call(tmp_path, "migrate"), call(tmp_path, "migrate")

    assert "brought the schema from version 0 to 1" in first.stdout
    assert "The store is up to date.\n" == again.stdout
    assert {"done": []} == json.loads(call(tmp_path, "migrate", "--json").stdout)


def test_a_store_is_copied(tmp_path: Path) -> None:
    """Everything of every kind; the summary has counts and a hash of each."""
    made(tmp_path, "store")
    result = call(tmp_path, "copy", "config", url(tmp_path, "copy"), "--json")

    assert 0 == result.exit_code, result.output
    summary = json.loads(result.stdout)
    assert list(KINDS) == [kind["kind"] for kind in summary]
    assert all(kind["equal"] and kind["count"] == kind["written"] for kind in summary)
    assert documents(tmp_path, "store") == documents(tmp_path, "copy")
    assert "hookline: agents: 2 of 2" in result.stderr


def test_a_copy_mixes_nothing_in(tmp_path: Path) -> None:
    """A target that holds something else is refused, unless one insists."""
    made(tmp_path, "store")
    asyncio.run(_agent(tmp_path, "copy"))
    words = ("copy", "config", url(tmp_path, "copy"))
    refused = call(tmp_path, *words)

    assert 1 == refused.exit_code
    assert "agents that the other one does not, such as besides" in refused.stderr
    assert 0 == call(tmp_path, *words, "--into-existing").exit_code
    assert 3 == len(documents(tmp_path, "copy")["agents"])


async def _agent(folder: Path, name: str) -> None:
    async with SqliteStores().open(url(folder, name)) as store:
        await store.agents.put(Agent(id="besides", provider="p", model="m"))


def test_a_store_is_not_copied_onto_itself(tmp_path: Path) -> None:
    """That is a wrong call."""
    result = call(tmp_path, "copy", "config", "config")

    assert (2, True) == (result.exit_code, "name two stores" in result.stderr)


def test_a_copy_that_was_killed_goes_on(tmp_path: Path) -> None:
    """Killed in the middle and begun again, it ends with the same documents in both stores."""
    origin, target = made(tmp_path, "store", agents=MANY), url(tmp_path, "copy")
    words = [str(PROGRAM), "store", "copy", origin, target, "--json"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while _copied(tmp_path) < MANY // 20 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = _copied(tmp_path)
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=100, check=True)
    [agents] = [kind for kind in json.loads(done.stdout) if kind["kind"] == "agents"]

    assert 0 < there < MANY + 2
    assert agents["count"] == MANY + 2
    assert agents["written"] == agents["count"] - there
    assert documents(tmp_path, "store") == documents(tmp_path, "copy")


def _copied(folder: Path) -> int:
    """How many agents have arrived so far."""
    path = folder / "copy.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM agents").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(count)
