"""Records in MongoDB: several servers, each with a clock of its own."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from pymongo import MongoClient

from hookline.errors import StoreUnavailable
from hookline.moments import now
from hookline.records import Record
from hookline.testing.record_suite import PLUGIN, one_putter_wins, record
from hookline_mongo.ports import MongoStore
from support.mongod import Mongod, fresh_database, require_mongod

require_mongod()

SECONDS = 60
Check = Callable[[list[MongoStore]], Coroutine[Any, Any, None]]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with fresh_database() as url:
        yield url


def run(check: Check, *stores: MongoStore) -> None:
    """Check stores of one database, as several servers have them."""

    async def entered() -> None:
        async with asyncio.timeout(SECONDS), AsyncExitStack() as stack:
            await check([await stack.enter_async_context(store) for store in stores])

    asyncio.run(entered())


def test_of_putters_on_several_servers_one_wins(url: str) -> None:
    """Whoever creates it and whoever replaces it; without a version, all follow one another."""

    async def check(stores: list[MongoStore]) -> None:
        await one_putter_wins(stores)
        later = await asyncio.gather(*(store.records.put(record()) for store in stores * 5))
        assert sorted(one.version for one in later) == [*range(6, 6 + len(later))]

    run(check, *(MongoStore(url) for _ in range(4)))


def test_a_record_ends_by_the_clock_of_the_store(url: str) -> None:
    """To the microsecond, in every method, though the document is still there."""
    clock = Clock()
    end = clock.at + timedelta(minutes=1)

    async def check(stores: list[MongoStore]) -> None:
        [store] = stores
        records = store.records
        await records.put(attrs.evolve(record(), expires_at=end))
        clock.at = end - timedelta(microseconds=1)
        assert await records.get(PLUGIN, "r_1") is not None
        assert len(await records.list(PLUGIN, owner="alice")) == 1
        assert (await records.put(attrs.evolve(record(), expires_at=end), expected=1)).version == 2

        clock.at = end
        assert await records.get(PLUGIN, "r_1") is None
        assert list(await records.list(PLUGIN)) == []
        assert await records.delete(PLUGIN, "r_1") is False
        assert await store.archive.count("records") == 1
        puts = (records.put(record(data=b"%d" % i), expected=0) for i in range(20))
        answers = await asyncio.gather(*puts, return_exceptions=True)
        kept = [one for one in answers if isinstance(one, Record)]
        assert [one.version for one in kept] == [1]
        assert await records.get(PLUGIN, "r_1") == kept[0]

    run(check, MongoStore(url, clock))


def test_a_page_of_records_is_found_by_an_index(url: str) -> None:
    """No query reads what it is not about."""

    async def check(stores: list[MongoStore]) -> None:
        [store] = stores
        for i in range(50):
            await store.records.put(record(f"r{i:02}", f"tests.c{i % 10}", owner=f"u{i // 10}"))

    run(check, MongoStore(url))
    with MongoClient[dict[str, Any]](url) as client:
        records = client.get_default_database().records
        pages = {
            "_id_": {"_id": {"$gt": "tests.c3/", "$lt": "tests.c30"}},
            "by_owner": {"_id": {"$gt": "tests.c3/", "$lt": "tests.c30"}, "owner": "u3"},
            "by_end": {"expires_at": {"$lte": 0}},
        }
        for name, condition in pages.items():
            found = records.find(condition).sort("_id", 1).explain()
            assert f"'indexName': '{name}'" in str(found["queryPlanner"]["winningPlan"])
            assert found["executionStats"]["totalDocsExamined"] in {0, 1, 5}


def test_records_survive_a_kill(tmp_path: Path) -> None:
    """What was acknowledged is there when the server is back; a put that failed is done again."""

    async def check(stores: list[MongoStore]) -> None:
        [store] = stores
        kept = [await store.records.put(record(f"r{i}"), expected=0) for i in range(20)]
        await asyncio.to_thread(mongod.kill)
        with pytest.raises(StoreUnavailable):
            await store.records.put(record("down"), expected=0)
        with pytest.raises(StoreUnavailable):
            await store.records.get(PLUGIN, "r0")
        await asyncio.to_thread(mongod.restart)
        later = await patient(store, record("down"))

        found = {one.id: one for one in await store.records.list(PLUGIN)}
        assert found == {one.id: one for one in [*kept, later]}

    with Mongod(tmp_path) as mongod:
        run(check, MongoStore(mongod.url("hookline") + "&timeoutMS=1000"))


async def patient(store: MongoStore, new: Record) -> Record:
    """Put it as soon as the server is back."""
    while True:
        try:
            return await store.records.put(new)
        except StoreUnavailable:
            await asyncio.sleep(0.05)
