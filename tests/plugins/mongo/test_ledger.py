"""The ledger in MongoDB: an account and its entries are joined, whatever happens in between."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import attrs
import pytest
from pymongo import MongoClient

from hookline.errors import InvalidRequest, StoreUnavailable, VersionConflict
from hookline.ledger import Account, EntryQuery, LedgerEntry, Limits
from hookline.moments import now
from hookline_mongo.ports import MongoStore
from support.mongod import fresh_database, require_mongod, shared_mongod

require_mongod()

SECONDS = 60
AT = now()
ALICE = Account(id="user:alice", version=1, balance=100, created_at=AT, updated_at=AT)
ALL = EntryQuery()
CHANGERS = 20
NOT_HEARD_OF = {"code": 64, "errmsg": "", "errInfo": {"wtimeout": True}}
"""What the server says of a write that it has done, and others not yet."""


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with fresh_database() as url:
        yield url


def used(url: str, use: Callable[[MongoStore], Awaitable[Any]]) -> Any:
    """What ``use`` makes of the store, opened for it."""

    async def main() -> Any:
        async with asyncio.timeout(SECONDS), MongoStore(url) as store:
            return await use(store)

    return asyncio.run(main())


def outside(url: str, change: Callable[[Any], Any]) -> Any:
    """What ``change`` makes of the database, by a driver of its own."""
    with MongoClient[dict[str, Any]](url) as client:
        return change(client.get_default_database())


def entry(id_: str, amount: int = -1, **changes: Any) -> LedgerEntry:
    return LedgerEntry(id=id_, kind="usage", account=ALICE.id, amount=amount, at=AT, **changes)


async def begin(store: MongoStore, *entries: LedgerEntry) -> Account:
    """Keep the account, then pay for entries; what is kept now."""
    await store.ledger.change(ALICE, expected=0)
    if not entries:
        return ALICE
    return await pay(store, ALICE, *entries)


async def pay(store: MongoStore, account: Account, *entries: LedgerEntry) -> Account:
    """Take what entries cost from an account."""
    version = account.version
    balance = (account.balance or 0) + sum(entry.amount for entry in entries)
    paid = attrs.evolve(account, version=version + 1, balance=balance)
    await store.ledger.change(paid, entries, expected=version)
    return paid


async def ids(store: MongoStore) -> set[str]:
    return {entry.id for entry in await store.ledger.entries(ALL)}


def unmove(database: Any) -> None:
    """Bring the database into the state between a change and the move of its entries."""
    pending = list(database.ledger.find())
    database.ledger.delete_many({"_id": {"$ne": "moved"}})
    unfinished = {"pending": pending, "unfinished": 0}
    database.accounts.update_one({"_id": ALICE.id}, {"$set": unfinished})


def test_entries_that_were_not_moved_count(url: str) -> None:
    """Whatever is asked first after a crash, entries are in the ledger, each of them once."""

    async def work(store: MongoStore) -> Any:
        paid = await begin(store, entry("moved"), entry("pending"))
        ways: list[Callable[[], Awaitable[Any]]] = [
            lambda: store.ledger.account(ALICE.id),
            store.ledger.accounts,
            lambda: store.ledger.entries(ALL),
            lambda: store.ledger.sums(ALL),
            lambda: store.archive.read("accounts"),
            lambda: store.archive.read("ledger"),
            lambda: store.archive.count("ledger"),
            lambda: pay(store, paid, entry("later")),
        ]
        for way in ways:
            outside(url, unmove)
            await way()
            found = await store.ledger.known(["moved", "pending", "later"])
            assert {"moved", "pending"} <= found
        return await store.ledger.sums(ALL)

    [total] = used(url, work)
    assert (3, 3) == (total.calls, total.amount)
    [left] = outside(url, lambda database: list(database.accounts.find()))
    assert (97, False, False) == (left["balance"], "pending" in left, "unfinished" in left)


def test_opening_joins_what_a_crash_left(url: str) -> None:
    """Without anybody asking for the account."""
    used(url, lambda store: begin(store, entry("pending")))
    outside(url, unmove)
    used(url, MongoStore.ping)

    assert 1 == outside(url, lambda database: database.ledger.count_documents({}))
    assert 0 == outside(url, lambda database: database.accounts.count_documents({"unfinished": 0}))


def test_a_change_whose_entries_cannot_be_moved_is_done(url: str) -> None:
    """They wait in the account, and the next change finds them."""

    async def work(store: MongoStore) -> Any:
        account = await begin(store)
        shared_mongod().fail("insert", errorCode=50)
        paid = await pay(store, account, entry("waits"))
        waiting = outside(url, lambda database: database.ledger.count_documents({}))
        last = await pay(store, paid, entry("next"))
        return waiting, await store.ledger.account(ALICE.id) == last, await ids(store)

    assert (0, True, {"waits", "next"}) == used(url, work)


def test_a_change_that_is_not_acknowledged_is_whole(url: str) -> None:
    """Who reads the account after that finds it with its entries, or without both."""

    async def work(store: MongoStore) -> Any:
        account = await begin(store)
        shared_mongod().fail("update", errorCode=50)
        with pytest.raises(StoreUnavailable):
            await pay(store, account, entry("refused"))
        refused = await store.ledger.account(ALICE.id), await ids(store)
        shared_mongod().fail("update", writeConcernError=NOT_HEARD_OF)
        with pytest.raises(StoreUnavailable):
            await pay(store, account, entry("kept"))
        found = await store.ledger.account(ALICE.id)
        return refused, found, await store.ledger.known(["refused", "kept"])

    refused, found, known = used(url, work)
    assert (ALICE, set()) == refused
    assert attrs.evolve(ALICE, version=2, balance=99) == found
    assert {"kept"} == known


def test_changers_of_two_stores_lose_nothing(url: str) -> None:
    """Of changes for one version one is done, and those that were refused are made again."""

    async def changing(store: MongoStore, id_: str) -> None:
        while True:
            account = await store.ledger.account(ALICE.id)
            assert account is not None
            try:
                await pay(store, account, entry(id_))
            except VersionConflict:
                continue
            return

    async def work(one: MongoStore) -> Any:
        await begin(one)
        async with MongoStore(url) as other:
            changes = [
                changing(store, f"{name}{number}")
                for number in range(CHANGERS)
                for name, store in (("one", one), ("other", other))
            ]
            await asyncio.gather(*changes)
            return await other.ledger.account(ALICE.id), await one.ledger.sums(ALL)

    account, [total] = used(url, work)
    spent = 2 * CHANGERS
    assert (1 + spent, 100 - spent) == (account.version, account.balance)
    assert (spent, spent) == (total.calls, total.amount)


def test_of_creators_at_once_one_wins(url: str) -> None:
    """The others hear which version is there."""

    async def creating(store: MongoStore) -> int:
        try:
            await store.ledger.change(ALICE, [entry("start")], expected=0)
        except VersionConflict as conflict:
            return conflict.current
        return 0

    async def work(store: MongoStore) -> Any:
        return await asyncio.gather(*[creating(store) for _ in range(8)])

    assert [0] + [1] * 7 == sorted(used(url, work))


def test_a_change_may_have_thousands_of_entries(url: str) -> None:
    """All of them are there, and the balance knows all."""

    async def work(store: MongoStore) -> Any:
        paid = await begin(store, *[entry(f"e{number}") for number in range(3000)])
        return paid, await store.ledger.account(ALICE.id), await store.ledger.sums(ALL)

    paid, found, [total] = used(url, work)
    assert (paid, 3000) == (found, total.calls)


def test_a_change_that_is_too_large_is_refused(url: str) -> None:
    """If account and entries do not fit into a document, neither is kept."""
    many = [entry(f"e{number}", detail="x" * 1_000_000) for number in range(20)]

    async def work(store: MongoStore) -> Any:
        with pytest.raises(InvalidRequest) as created:
            await store.ledger.change(ALICE, many, expected=0)
        assert await store.ledger.account(ALICE.id) is None
        account = await begin(store)
        with pytest.raises(InvalidRequest) as changed:
            await pay(store, account, *many)
        assert await store.ledger.account(ALICE.id) == ALICE
        return created.value.reason, changed.value.reason, await ids(store)

    assert ("document_too_large", "document_too_large", set()) == used(url, work)


@pytest.mark.parametrize("back_to", [1, 2])
def test_a_change_for_a_lost_version_is_refused(url: str, back_to: int) -> None:
    """A server that comes back without a version, or with another of its number, fools nobody."""

    async def work(store: MongoStore) -> Any:
        read = await begin(store, entry("lost"))
        lost = {"$set": {"version": back_to, "mark": "other", "balance": 7}}
        outside(url, lambda database: database.accounts.update_one({}, lost))
        with pytest.raises(VersionConflict) as first:
            await pay(store, read, entry("late"))
        there = await store.ledger.account(ALICE.id)
        assert there is not None
        with pytest.raises(VersionConflict):
            await pay(store, read, entry("late"))
        await pay(store, there, entry("right"))
        found = await store.ledger.account(ALICE.id)
        return first.value.current, there, found, await ids(store)

    current, there, found, known = used(url, work)
    assert (3, 3, 7) == (current, there.version, there.balance)
    assert (4, 6) == (found.version, found.balance)
    assert {"lost", "right"} == known


def test_a_page_of_accounts_knows_of_lost_versions(url: str) -> None:
    """What it gives can be changed, and nothing that was made for a lost one."""

    async def work(store: MongoStore) -> Any:
        read = await begin(store, entry("lost"))
        lost = {"$set": {"mark": "other", "balance": 7}}
        outside(url, lambda database: database.accounts.update_one({}, lost))
        [there] = await store.ledger.accounts()
        with pytest.raises(VersionConflict):
            await pay(store, read, entry("late"))
        return there.version, (await pay(store, there, entry("right"))).balance

    assert (3, 6) == used(url, work)


def test_fields_of_a_newer_hookline_survive_changes(url: str) -> None:
    """What this version does not know of an account is still there after it changed the rest."""

    async def work(store: MongoStore) -> Any:
        account = await begin(store, entry("first"))
        novelty = {"$set": {"novelty": {"a": 2**40}}}
        outside(url, lambda database: database.accounts.update_many({}, novelty))
        limited = attrs.evolve(account, limits=Limits(day=1))
        await pay(store, limited, entry("second"))
        [record] = await store.archive.read("accounts")
        return record.content["novelty"], record.content["limits"]["day"]

    assert ({"a": 2**40}, 1) == used(url, work)
