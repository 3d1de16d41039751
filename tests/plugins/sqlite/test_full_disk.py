"""A full disk: nothing that was acknowledged is lost, and the server comes back by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.server import KEY, RunningServer, add_key, running_server

ADMIN = "hk-admin"
PAGES = "PRAGMA max_page_count = {}"


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
