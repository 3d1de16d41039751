"""A hundred runs at once cost far fewer writes than they have entries."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

import hookline_ledger
import hookline_memory
from hookline import StoreKind, hookimpl
from hookline.config import Config
from hookline.ledger import EntryQuery
from hookline.plugins import Plugins
from hookline.providers import ModelUsage
from hookline.registry import Registry
from hookline.runtime import Runtime
from hookline.usage import TokenCounts
from hookline_sqlite.store import SqliteStore
from support.runtimes import STOP, ListedModel, Model, OpenDoor, answer, run

RUNS = 100
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


def test_runs_at_once_share_their_commits(tmp_path: Path) -> None:
    """Reserving, noting, ending, charging and forgetting of all of them, with one user."""
    counted = Counted(tmp_path / "hookline.db")
    config = msgspec.convert(TABLES, Config)
    plugins = Plugins(config.plugins, "test.toml")
    plugins.add("memory", hookline_memory)
    plugins.add("ledger", hookline_ledger)
    plugins.add("counted", counted)
    plugins.add("door", OpenDoor())
    usage = ModelUsage(TokenCounts(input=10, output=5))
    plugins.add("model", Model(ListedModel([usage, STOP])))

    async def work() -> tuple[int, int]:
        async with Runtime(Registry(config, plugins, "test.toml")) as runtime:
            await answer(runtime)
            group = counted.opened._database.group
            before = group.commits
            await asyncio.gather(*(answer(runtime) for _ in range(RUNS)))
            while (await counted.opened.outbox.counts()).runs:
                await asyncio.sleep(0.01)
            entries = await counted.opened.ledger.entries(EntryQuery(kinds=["usage"]), limit=1000)
            account = await counted.opened.ledger.account("user:alice")
            assert account is not None
            assert 100 * 10**9 - (RUNS + 1) * 20_000 == account.balance
            return group.commits - before, len(entries) - 1

    commits, entries = run(work)

    assert RUNS == entries
    assert commits < RUNS / 3
