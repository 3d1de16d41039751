"""A full disk: nothing that was acknowledged is lost, and the server comes back by itself."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookline.errors import StoreUnavailable
from hookline.testing.ledger_suite import account, entry
from hookline.testing.outbox_suite import under_way
from hookline_sqlite import SqliteStore
from hookline_sqlite.database import Database
from support.runtimes import run
from support.server import KEY, RunningServer, add_key, running_server

ADMIN = "hk-admin"
PAGES = "PRAGMA max_page_count = {}"
DETAIL = "x" * 4000
"""Takes a page of its own."""

TOGETHER = """
import asyncio, resource, sys
from pathlib import Path
from hookline.testing.outbox_suite import CALL, contents, under_way
from hookline_sqlite import SqliteStore

RUNS = [under_way(f"run_{i:02}", open=[CALL] * 100) for i in range(20)]

async def put_all(store):
    puts = (store.outbox.put([one], durable=i % 2 == 0) for i, one in enumerate(RUNS))
    return await asyncio.gather(*puts, return_exceptions=True)

async def main():
    async with SqliteStore(Path(sys.argv[1])) as store:
        await store.outbox.put([under_way("small")], durable=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
        refused = await put_all(store)
        print({type(one).__name__ for one in refused}, "disk" in str(refused[0]))
        print([one.id for one in await store.outbox.owned("one")])
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        print(await put_all(store) == [set()] * len(RUNS))
        found = contents(await store.outbox.owned("one"))
        print(found == contents([*RUNS, under_way("small")]))

asyncio.run(main())
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[RunningServer]:
    tables = {
        "store": {"url": f"sqlite:///{tmp_path}/hookline.db"},
        "providers": {"local": {"kind": "scripted"}},
        "agents": {"echo": {"provider": "local", "model": "m"}},
    }
    with running_server(tables) as server:
        server.run(add_key(server.runtime, ADMIN, user="root", role="admin"))
        yield server


async def limit(server: RunningServer, pages: int) -> None:
    """Let SQLite have so many pages more than it has; beyond them, the disk is full."""
    database: Any = server.runtime.registry.store.users.database
    [(used,)] = await database._writer.execute_fetchall("PRAGMA page_count")
    await database._writer.execute_fetchall(PAGES.format(used + pages))


def create(server: RunningServer, name: str) -> httpx.Response:
    """Create a user that takes some pages."""
    return httpx.post(
        f"{server.origin}/admin/v1/users",
        headers={"authorization": f"Bearer {ADMIN}"},
        json={"id": name, "name": "x" * 900, "email": "y" * 900},
        timeout=30,
    )


def test_a_full_disk_refuses_writes_and_loses_nothing(served: RunningServer) -> None:
    """Writes are answered 503 until there is room; reads and answers of agents go on."""
    served.run(limit(served, 30))
    answers = [create(served, f"u{number:03}") for number in range(100)]
    statuses = [answer.status_code for answer in answers]
    kept = statuses.count(201)
    refused = answers[-1]
    headers = {"authorization": f"Bearer {KEY}"}
    question = {"model": "echo", "messages": [{"role": "user", "content": "Hi"}]}
    chat = httpx.post(f"{served.url}/chat/completions", headers=headers, json=question)

    assert 0 < kept < 100
    assert set(statuses[kept:]) == {503}
    assert refused.json()["error"]["code"] == "store_unavailable"
    assert "the disk is full" in refused.json()["error"]["message"]
    assert refused.headers["retry-after"] == "1"
    assert chat.status_code == 200

    served.run(limit(served, 1_000_000))
    again = create(served, "later")
    users = {user.id for user in served.run(served.runtime.registry.store.users.list())}
    acknowledged = {"alice", "root", "later", *(f"u{number:03}" for number in range(kept))}
    assert again.status_code == 201
    assert users >= acknowledged


def test_the_outbox_and_the_ledger_take_nothing_without_room(tmp_path: Path) -> None:
    """What they acknowledged is there, what they refused is not, and with room they go on."""

    async def check() -> None:
        async with SqliteStore(tmp_path / "hookline.db") as store:
            database: Any = store.users.database
            await store.ledger.change(account(balance=1), [entry("e")], expected=0)
            await limit_together(database, 30)
            kept: list[str] = []
            with pytest.raises(StoreUnavailable, match="the disk is full; make room"):
                await fill(store, kept)
            many = [entry(f"e{number:03}", detail=DETAIL) for number in range(100)]
            changed = account(version=2, balance=2)
            with pytest.raises(StoreUnavailable, match="the disk is full; make room"):
                await store.ledger.change(changed, many, expected=1)

            assert kept
            assert kept == [one.id for one in await store.outbox.owned("one")]
            assert account(balance=1) == await store.ledger.account(changed.id)
            assert {"e"} == await store.ledger.known(["e", *(one.id for one in many)])

            await limit_together(database, 1_000_000)
            await store.ledger.change(changed, many, expected=1)
            assert set() == await store.outbox.put([under_way("run_later")], durable=True)
            assert changed == await store.ledger.account(changed.id)
            assert len(many) == len(await store.ledger.known([one.id for one in many]))

    run(check)


def test_a_disk_that_is_full_when_many_write_fails_them_all(tmp_path: Path) -> None:
    """The system itself refuses to write; later, the same connection goes on."""
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER, str(tmp_path / "hookline.db"), "400000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    expected = ["{'StoreUnavailable'} True", "['small']", "True", "True"]
    assert expected == done.stdout.splitlines()[-4:], done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


async def fill(store: SqliteStore, kept: list[str]) -> None:
    """Put runs into the outbox, and write down which were kept, until it raises."""
    for number in range(1000):
        one = under_way(f"run_{number:03}")
        await store.outbox.put([one], durable=number % 2 == 0)
        kept.append(one.id)


async def limit_together(database: Database, pages: int) -> None:
    """As ``limit``, for what is written together."""
    [(used,)] = await database.read("PRAGMA page_count")
    await database.together(lambda c: c.execute(PAGES.format(used + pages)).close(), durable=True)
