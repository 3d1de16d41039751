"""Many runs at once: they share their writes, and cannot spend the same money twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

import hookline_ledger
import hookline_memory
from hookline import Principal, StoreKind, hookimpl
from hookline.config import Config
from hookline.errors import AdmissionRefused
from hookline.ledger import EntryQuery
from hookline.money import DOLLAR, dollars
from hookline.plugins import Plugins
from hookline.providers import ModelUsage
from hookline.registry import Registry
from hookline.runtime import Runtime
from hookline.usage import TokenCounts
from hookline.wire.chat import ChatCompletionRequest, UserMessage
from hookline_sqlite.store import SqliteStore
from support.runtimes import STOP, ListedModel, Model, OpenDoor, answer, run

RUNS = 100
COST = 10 * 1000 + 5 * 2000
"""Nano-dollars of a run: 10 tokens at 1, and 5 at 2 dollars a million."""

TABLES: dict[str, Any] = {
    "store": {"url": "counted://"},
    "event_log": {"url": "memory://"},
    "providers": {"local": {"kind": "listed"}},
    "agents": {"helper": {"provider": "local", "model": "m"}},
    "plugins": {
        "ledger": {
            "enforce_balance": True,
            "start_balance": "100",
            "prices": [{"model": "*", "input": "1", "output": "2"}],
        }
    },
}


class Counted:
    """A plugin that opens one SQLite store, which the test can look into."""

    scheme = "counted"

    def __init__(self, path: Path):
        self.opened = SqliteStore(path)

    @hookimpl
    def store(self) -> StoreKind:
        return self

    def open(self, url: str) -> SqliteStore:
        return self.opened


@asynccontextmanager
async def opened(path: Path, **ledger: Any) -> AsyncIterator[tuple[Runtime, SqliteStore]]:
    """A runtime on SQLite whose model takes 10 tokens in and gives 5 out."""
    counted = Counted(path)
    settings = {**TABLES["plugins"]["ledger"], **ledger}
    config = msgspec.convert({**TABLES, "plugins": {"ledger": settings}}, Config)
    plugins = Plugins(config.plugins, "test.toml")
    plugins.add("memory", hookline_memory)
    plugins.add("ledger", hookline_ledger)
    plugins.add("counted", counted)
    plugins.add("door", OpenDoor())
    usage = ModelUsage(TokenCounts(input=10, output=5))
    plugins.add("model", Model(ListedModel([usage, lambda: asyncio.sleep(0.01), STOP])))
    async with Runtime(Registry(config, plugins, "test.toml")) as runtime:
        yield runtime, counted.opened


async def settled(store: SqliteStore) -> None:
    """Wait until the recorders have been told of everything."""
    while (await store.outbox.counts()).runs:
        await asyncio.sleep(0.01)


def test_runs_at_once_share_their_commits(tmp_path: Path) -> None:
    """Reserving, noting, ending, charging and forgetting of all of them, with one user."""

    async def work() -> tuple[int, int]:
        async with opened(tmp_path / "hookline.db") as (runtime, store):
            await answer(runtime)
            await settled(store)
            before = store._database.group.commits
            await asyncio.gather(*(answer(runtime) for _ in range(RUNS)))
            await settled(store)
            entries = await store.ledger.entries(EntryQuery(kinds=["usage"]), limit=1000)
            account = await store.ledger.account("user:alice")
            assert account is not None
            assert 100 * DOLLAR - (RUNS + 1) * COST == account.balance
            return store._database.group.commits - before, len(entries) - 1

    commits, entries = run(work)

    assert RUNS == entries
    assert commits < RUNS / 3


def test_what_is_there_for_twenty_is_not_spent_by_two_hundred(tmp_path: Path) -> None:
    """At most one model call more is spent than there was, and nobody else's run is refused."""
    start_balance = 20 * COST

    async def work() -> None:
        async with opened(tmp_path / "a.db", start_balance=dollars(start_balance)) as it:
            runtime, store = it
            agent = await runtime.agents.get("helper")
            body = ChatCompletionRequest(
                model="helper", messages=[UserMessage("Hi")], max_completion_tokens=5
            )

            async def one(user: str) -> bool:
                try:
                    begun = await runtime.start(Principal(user=user), agent, body)
                except AdmissionRefused:
                    return False
                await begun.wait()
                return True

            mine = asyncio.gather(*(one("alice") for _ in range(200)))
            others = await asyncio.gather(*(one(f"other{n}") for n in range(20)))
            admitted = sum(await mine)
            await settled(store)

            account = await store.ledger.account("user:alice")
            assert account is not None
            spent = start_balance - (account.balance or 0)
            assert all(others)
            assert 0 < admitted < 200
            assert spent == admitted * COST
            assert spent <= start_balance + COST
            assert {} == account.reservations

    run(work)
