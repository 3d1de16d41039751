"""A MongoDB server that goes away and comes back: nothing is lost, nobody restarts anything."""

import asyncio
import contextlib
import random
import time
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from hookline.errors import StoreUnavailable, VersionConflict
from hookline.ledger import Account, EntryQuery, LedgerEntry, Reservation
from hookline.moments import now
from hookline.store import Store
from hookline.users import User
from hookline_mongo.ports import MongoStore
from support.mongod import Mongod, ReplicaSet, require_mongod
from support.server import KEY, add_key, running_server

require_mongod()

SECONDS = 60
ADMIN = "hk-admin"

# What is cancelled while it opens a connection leaves the socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


async def write(store: Store, name: str, kept: list[str]) -> None:
    """Put a user; what was acknowledged is written down."""
    await store.users.put(User(id=name))
    kept.append(name)


async def written(store: Store, prefix: str, kept: list[str]) -> None:
    """Put a user again and again until the store takes it."""
    while True:
        try:
            await write(store, prefix, kept)
        except StoreUnavailable:
            await asyncio.sleep(0.05)
        else:
            return


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Writes fail while the server is down, and go on by themselves when it is back."""

    async def writing(store: Store, kept: list[str]) -> int:
        """Write until the server is gone; how many writes were tried."""
        for number in range(100_000):
            try:
                await write(store, f"u{number:06}", kept)
            except StoreUnavailable:
                return number + 1
        return 0

    async def main(mongod: Mongod) -> None:
        kept: list[str] = []
        url = mongod.url("hookline") + "&timeoutMS=1000"
        async with asyncio.timeout(SECONDS), MongoStore(url) as store:
            for _ in range(3):
                task = asyncio.create_task(writing(store, kept))
                count = len(kept) + 50
                while len(kept) < count:
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(mongod.kill)
                assert await task > 0
                with pytest.raises(StoreUnavailable):
                    await store.users.put(User(id="down"))
                with pytest.raises(StoreUnavailable):
                    await store.ping()
                await asyncio.to_thread(mongod.restart)
                await written(store, f"after-{count}", kept)
            there = {user.id for user in await store.users.list(limit=100_000)}

        assert set(kept) <= there

    with Mongod(tmp_path) as mongod:
        asyncio.run(main(mongod))


def test_balances_and_entries_survive_a_kill(tmp_path: Path) -> None:
    """Each change that is tried until it is done is done once, and the balance knows all of it."""
    at = now()
    accounts = [f"user:{number}" for number in range(40)]

    async def paying(store: Store, account: str, id_: str) -> None:
        """Reserve, then pay, as often as it takes."""
        known: frozenset[str] = frozenset()
        while not known:
            with contextlib.suppress(StoreUnavailable, VersionConflict):
                await step(store, account, id_)
                known = await store.ledger.known([id_])
            await asyncio.sleep(random.uniform(0, 0.05))

    async def step(store: Store, account: str, id_: str) -> None:
        found = await store.ledger.account(account)
        assert found is not None
        if id_ in await store.ledger.known([id_]):
            return
        held = dict(found.reservations)
        reserved = held.pop(id_, None)
        next_ = attrs.evolve(found, version=found.version + 1)
        if reserved is None:
            held[id_] = Reservation(amount=3, until=at)
            next_ = attrs.evolve(next_, reservations=held)
            await store.ledger.change(next_, expected=found.version, durable=False)
            return
        next_ = attrs.evolve(next_, reservations=held, balance=(found.balance or 0) - 3)
        entry = LedgerEntry(id=id_, kind="usage", account=account, amount=-3, at=at)
        await store.ledger.change(next_, [entry], expected=found.version)

    async def main(mongod: Mongod) -> None:
        url = mongod.url("hookline") + "&timeoutMS=1000"
        async with asyncio.timeout(2 * SECONDS), MongoStore(url) as one, MongoStore(url) as other:
            for id_ in accounts:
                new = Account(id=id_, version=1, balance=0, created_at=at, updated_at=at)
                await one.ledger.change(new, expected=0)
            tasks = [
                asyncio.create_task(paying(store, account, f"{account}:{number}"))
                for number, store in enumerate([one, other, one, other, one])
                for account in accounts
            ]
            for done in (40, 120):
                while sum(task.done() for task in tasks) < done:
                    await asyncio.sleep(0.001)
                await asyncio.to_thread(mongod.kill)
                await asyncio.to_thread(mongod.restart)
            await asyncio.gather(*tasks)
            kept = {one.id: one for one in await other.ledger.accounts()}
            sums = await one.ledger.sums(EntryQuery(), by=["account"])

        assert dict.fromkeys(accounts, 15) == {one.group["account"]: one.amount for one in sums}
        assert dict.fromkeys(accounts, -15) == {id_: one.balance for id_, one in kept.items()}

    with Mongod(tmp_path) as mongod:
        asyncio.run(main(mongod))


def test_writes_outlive_the_primary(tmp_path: Path) -> None:
    """A write that waits for the new primary is done once: the version counts each of them."""

    async def main(replicas: ReplicaSet) -> None:
        url = replicas.url("hookline") + "&timeoutMS=30000"
        async with asyncio.timeout(2 * SECONDS), MongoStore(url) as store:
            await store.users.put(User(id="ann"))
            primary = await asyncio.to_thread(replicas.primary)
            killing = asyncio.create_task(asyncio.to_thread(primary.kill))
            for number in range(200):
                await store.users.put(User(id="ann", name=str(number)))
            await killing
            for number in range(20):
                await store.users.put(User(id="ann", email=str(number)))
            found = await store.users.get("ann")

        assert found is not None
        assert (found.version, found.email) == (221, "19")

    with ReplicaSet(tmp_path, members=3) as replicas:
        asyncio.run(main(replicas))


def test_a_server_answers_503_until_the_database_is_back(tmp_path: Path) -> None:
    """Requests say when to try again; when it is back, so is the server, without a restart."""

    def ask(origin: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {ADMIN}"}
        return httpx.get(f"{origin}/admin/v1/users", headers=headers, timeout=30)

    def create(origin: str, name: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {ADMIN}"}
        body = {"id": name}
        return httpx.post(f"{origin}/admin/v1/users", headers=headers, json=body, timeout=30)

    with Mongod(tmp_path) as mongod:
        tables: dict[str, Any] = {
            "store": {"url": mongod.url("hookline") + "&timeoutMS=1000"},
            "providers": {"local": {"kind": "scripted"}},
            "agents": {"echo": {"provider": "local", "model": "m"}},
        }
        with running_server(tables) as server:
            server.run(add_key(server.runtime, ADMIN, user="root", role="admin"))
            kept = create(server.origin, "kept")
            mongod.kill()
            down = [ask(server.origin), create(server.origin, "lost")]
            mongod.restart()
            give_up = time.monotonic() + SECONDS
            while (back := ask(server.origin)).status_code == 503 and time.monotonic() < give_up:
                time.sleep(0.1)
            question = {"model": "echo", "messages": [{"role": "user", "content": "Hi"}]}
            chat = httpx.post(
                f"{server.url}/chat/completions",
                headers={"authorization": f"Bearer {KEY}"},
                json=question,
                timeout=30,
            )

    assert kept.status_code == 201
    assert [503, 503] == [answer.status_code for answer in down]
    assert {"store_unavailable"} == {answer.json()["error"]["code"] for answer in down}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in down)
    assert (back.status_code, chat.status_code) == (200, 200)
    assert {"kept", "root"} <= {user["id"] for user in back.json()["data"]}
