"""Servers are killed at random moments; what the upstream served is what was recorded."""

import asyncio
import os
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hookline.keys import new_key
from hookline.ledger import EntryQuery
from hookline.moments import now
from hookline.roles import USE, Role
from hookline.store import Store
from hookline.users import User
from hookline_mongo.ports import MongoStore
from hookline_sqlite.store import SqliteStore
from support.killing import House, house
from support.mongod import Mongod, require_mongod

KILLS = int(os.environ.get("HOOKLINE_KILLS", "50"))
"""How often a server is killed; ``nox -s soak`` does it more often."""

START = 1000 * 10**9
SETTLED = 40.0
LEASE = timedelta(seconds=60)
"""How long what was reserved stays so, if nobody renews it."""

ResultT = TypeVar("ResultT")


@contextmanager
def stored(kind: str, folder: Path) -> Iterator[tuple[str, Callable[[], Store], Mongod | None]]:
    """A store's URL, how to open it, and the process that it is in."""
    if kind == "sqlite":
        path = folder / "hookline.db"
        yield f"sqlite:///{path}", lambda: SqliteStore(path), None
        return
    require_mongod()
    with Mongod(folder / "mongod") as mongod:
        url = mongod.url("killed")
        yield url, lambda: MongoStore(url), mongod


def within(store: Store, work: Callable[[Store], Awaitable[ResultT]]) -> ResultT:
    """Do work on a store that is opened for it."""

    async def opened() -> ResultT:
        async with store:
            return await work(store)

    return asyncio.run(opened())


async def prepare(store: Store) -> str:
    """A user with a key; its text."""
    await store.roles.put(Role(id="tester", features={USE}))
    await store.users.put(User(id="alice", role="tester"))
    key, text = new_key("alice")
    await store.keys.add(key)
    return text


@pytest.mark.parametrize("kind", ["sqlite", "mongo"])
@pytest.mark.timeout(60 + 10 * KILLS)
def test_what_was_served_is_what_was_paid_for(kind: str, tmp_path: Path) -> None:
    """Two servers share a store, and one of them is killed again and again amid its work.

    So is the database, now and then. Not in the same moment: what a dead server had noted of a
    call, and a dead database had not written yet, nobody knows.
    """
    with stored(kind, tmp_path) as (url, opened, database):
        key = within(opened(), prepare)
        with house(tmp_path, url, key, seed=4) as it:
            it.start()
            it.start()
            for number in range(KILLS):
                if database is not None and number % 12 == 6:
                    restart(it, database)
                for _ in range(it.random.randrange(4, 12)):
                    it.ask()
                it.kill()  # those who were asked just now are amid their answers
            it.wait()
            within(opened(), settled)
            it.stop()

            check(it, within(opened(), recorded))


def restart(it: House, database: Mongod) -> None:
    """Kill the database while both servers are at work, and start it again."""
    for _ in range(6):
        it.ask()
    time.sleep(0.1)
    database.kill()
    time.sleep(0.3)
    database.restart()
    it.wait()
    time.sleep(1.0)


async def settled(store: Store) -> None:
    """Wait until nothing is left to tell."""
    async with asyncio.timeout(SETTLED):
        while (await store.outbox.counts()).runs:
            await asyncio.sleep(0.1)


async def recorded(store: Store) -> Mapping[str, Any]:
    """What the ledger holds."""
    entries = await store.ledger.entries(EntryQuery(), limit=100_000)
    account = await store.ledger.account("user:alice")
    assert account is not None
    return {"entries": entries, "account": account}


def check(it: House, found: Mapping[str, Any]) -> None:
    """Compare upstream, ledger and the recorder of a third party, call by call."""
    usage = {entry.id: entry for entry in found["entries"] if entry.kind == "usage"}
    told = it.told()
    witnessed = {line["id"]: line for line in told if "id" in line}
    outcomes = defaultdict[str, set[str]](set)
    for line in told:
        if "run" in line:
            outcomes[line["run"]].add(line["outcome"])

    assert usage.keys() == witnessed.keys()
    for id_, entry in usage.items():
        assert (entry.tokens.input, entry.tokens.output, -entry.amount) == (
            witnessed[id_]["input"],
            witnessed[id_]["output"],
            witnessed[id_]["amount"],
        )
    assert all(len(how) == 1 for how in outcomes.values())
    account = found["account"]
    assert START + sum(entry.amount for entry in usage.values()) == account.balance
    # A server that was killed between reserving and noting the run leaves a lease that ends.
    assert 0 == account.reserved(now() + LEASE)
    seen = _compare(it, list(usage.values()))
    assert seen["answered"] > KILLS
    assert seen["cut off"] > 0


def _compare(it: House, entries: list[Any]) -> Counter[str]:
    """Each call of each conversation; how many conversations ended in which way."""
    outputs = defaultdict[str, Counter[int]](Counter)
    for entry in entries:  # a server that was taken for dead adds what was missed
        outputs[entry.conversation][entry.step] += entry.tokens.output
    seen = Counter[str]()
    for ask in it.asks:
        seen[ask.outcome] += 1
        served = it.upstream.served.get(ask.talk, [])
        steps = outputs[ask.talk]
        for step, counts in enumerate(served):
            began = counts["output"] or counts["finished"]
            if not began and step not in steps:
                continue
            if ask.outcome == "gone" and step not in steps:
                continue  # the server may have hung up before it read anything
            assert step in steps, (ask, counts)
            if ask.outcome in {"cut off", "gone"}:
                assert steps[step] <= counts["output"] + 2  # a call of a tool is counted
            else:
                assert steps[step] == counts["output"], (ask, counts)
    return seen
