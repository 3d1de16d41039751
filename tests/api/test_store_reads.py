"""What a request asks of the store, counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from hookline import Store, hookimpl
from hookline.store import StoreKind
from hookline_sqlite import SqliteStores
from support.server import KEY, RunningServer, running_server

PORTS = (
    "agents",
    "keys",
    "users",
    "groups",
    "roles",
    "grants",
    "conversations",
    "files",
    "runs",
    "audit",
    "continuations",
)
TABLES = {
    "providers": {"local": {"kind": "scripted"}},
    "agents": {"helper": {"provider": "local", "model": "m"}},
    "permissions": {"revocation_interval": 60},
}


class Counted:
    """A port that writes down which of its methods are called."""

    def __init__(self, name: str, port: Any, calls: list[str]):
        self._name, self._port, self._calls = name, port, calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self._calls.append(f"{self._name}.{name}")
            return await method(*args, **kwargs)

        return counted


class CountedStores:
    """A plugin that opens ``counted:///file``: a SQLite store whose calls are counted."""

    scheme = "counted"

    def __init__(self) -> None:
        self.calls: list[str] = []

    @hookimpl
    def store(self) -> StoreKind:
        return self

    def open(self, url: str) -> Store:
        store = SqliteStores().open(url.replace("counted:", "sqlite:"))
        for name in PORTS:
            setattr(store, name, Counted(name, getattr(store, name), self.calls))
        return store


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[tuple[RunningServer, list[str]]]:
    stores = CountedStores()
    tables = {**TABLES, "store": {"url": f"counted:///{tmp_path}/hookline.db"}}
    with running_server(tables, {"counted": stores}) as server:
        yield server, stores.calls


def asked(server: RunningServer, calls: list[str]) -> list[str]:
    """What the store is asked from a request's arrival to its first token."""
    before = len(calls)
    messages = [{"role": "user", "content": "Hi"}]
    with (
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0) as client,
        client.chat.completions.create(model="helper", messages=messages, stream=True) as stream,
    ):
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                return calls[before:]
    pytest.fail("there was no token")


def reads(calls: list[str]) -> list[str]:
    """Calls, without the history that is written behind the requests."""
    return [call for call in calls if call not in {"runs.keep", "conversations.keep", "keys.touch"}]


def test_a_warm_request_reads_nothing_from_the_store(
    counted: tuple[RunningServer, list[str]],
) -> None:
    """Once the caller and the agent are known, the first token comes without a look-up."""
    server, calls = counted
    first = reads(asked(server, calls))

    assert {"keys.find", "users.get", "agents.get"} <= set(first)
    assert [] == [call for _ in range(5) for call in reads(asked(server, calls))]


def test_a_change_is_looked_up_again(counted: tuple[RunningServer, list[str]]) -> None:
    """After something changed in this process, the next request asks the store, once."""
    server, calls = counted
    asked(server, calls)
    server.loop.call_soon_threadsafe(server.runtime.forget)

    assert "keys.find" in reads(asked(server, calls))
    assert [] == reads(asked(server, calls))
