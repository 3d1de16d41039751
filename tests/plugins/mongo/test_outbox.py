"""The outbox in MongoDB, when it does not say what it has done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from hookline.errors import StoreUnavailable
from hookline.moments import now
from hookline.testing.outbox_suite import ids, under_way
from hookline_mongo.ports import MongoStore
from support.mongod import Mongod, fresh_database, require_mongod, shared_mongod

require_mongod()

SECONDS = 60
MANY = 300
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


def fail_after(mongod: Mongod, commands: int, name: str) -> None:
    """Let so many commands of a name be done, and then none."""
    data = {"failCommands": [name], "errorCode": 50}
    mongod.command("configureFailPoint", "failCommand", mode={"skip": commands}, data=data)


def test_a_claim_that_was_not_heard_of_is_given_next(url: str) -> None:
    """Runs that a claim took before the server failed are given by the next one."""
    mongod = shared_mongod()

    async def work(store: MongoStore) -> Any:
        await store.outbox.put([under_way("run_1"), under_way("run_2")], durable=True)
        await store.outbox.lease("two", now() + timedelta(days=1))
        mongod.fail("update", writeConcernError=NOT_HEARD_OF)
        with pytest.raises(StoreUnavailable):
            await store.outbox.claim("two", now())
        first = ids(await store.outbox.claim("two", now()))
        await store.outbox.put([under_way("run_3"), under_way("run_4")], durable=True)
        fail_after(mongod, 2, "find")
        with pytest.raises(StoreUnavailable):
            await store.outbox.claim("two", now())
        mongod.command("configureFailPoint", "failCommand", mode="off")
        second = ids(await store.outbox.claim("two", now()))
        return first, second, ids(await store.outbox.claim("two", now()))

    assert (["run_1", "run_2"], ["run_3", "run_4"], []) == used(url, work)


def test_putters_of_one_server_do_not_lose_runs_to_each_other(url: str) -> None:
    """Of two that make a document at once one is refused; it is the same server's all the same."""

    async def work(store: MongoStore) -> Any:
        runs = [under_way(f"run_{number}") for number in range(MANY)]
        puts = [store.outbox.put(runs, durable=False) for _ in range(4)]
        return await asyncio.gather(*puts), (await store.outbox.counts()).runs

    assert ([set()] * 4, MANY) == used(url, work)
