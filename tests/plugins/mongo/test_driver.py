"""The driver against real servers: ODMantic's engine, what is acknowledged, and errors."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from odmantic import Field, Model
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, OperationFailure

from hookline.errors import ConfigError, InvalidRequest, StoreUnavailable
from hookline_mongo.driver import Database, connect
from support.mongod import Mongod, ReplicaSet, fresh_database, require_mongod, shared_mongod

require_mongod()

SECONDS = 60


# What is cancelled while it opens a connection leaves the socket to the garbage collector.
LEAVES_CONNECTIONS = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


class Note(Model):
    id: str = Field(primary_field=True)
    count: int = 0
    at: datetime | None = None


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Database]:
    database = connect(url)
    try:
        yield database
    finally:
        await database.close()


def run(work: Callable[[Database], Awaitable[Any]], url: str) -> Any:
    """Do something with a database at this URL."""

    async def doing() -> Any:
        async with asyncio.timeout(SECONDS), connected(url) as database:
            return await work(database)

    return asyncio.run(doing())


def run_fresh(work: Callable[[Database], Awaitable[Any]]) -> Any:
    """Do something with an empty database."""
    with fresh_database() as url:
        return run(work, url)


async def insert(database: Database, *notes: Note) -> None:
    await database.collection(Note).insert_many([note.model_dump_doc() for note in notes])


async def count_up(database: Database, note: str) -> int:
    changed = await database.collection(Note).find_one_and_update(
        {"_id": note},
        {"$inc": {"count": 1}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    count: int = changed["count"]
    return count


async def unbroken(work: Callable[[], Awaitable[Any]]) -> Any:
    """Do it again until the server answers."""
    while True:
        with suppress(StoreUnavailable):
            return await work()
        await asyncio.sleep(0.05)


def test_the_engine_finds_and_saves() -> None:
    """Finding one, all of them in order, a page, iterating, counting and saving are ODMantic's."""

    async def work(database: Database) -> list[Any]:
        engine = database.engine
        await engine.save_all([Note(id=name, count=n) for n, name in enumerate("cba")])
        one = await engine.find_one(Note, Note.id == "b")
        return [
            one,
            [note.id for note in await engine.find(Note, sort=Note.id)],
            [note.id async for note in engine.find(Note, sort=Note.count, skip=1, limit=1)],
            await engine.count(Note, Note.count > 0),
            await engine.find_one(Note, Note.id == "z"),
        ]

    assert [Note(id="b", count=1), ["a", "b", "c"], ["b"], 2, None] == run_fresh(work)


def test_concurrent_steps_on_one_document_are_exact() -> None:
    """Fifty steps at once on a document that is not there yet make one document and lose none."""

    async def work(database: Database) -> list[int]:
        async def step() -> int:
            while True:
                with suppress(DuplicateKeyError):
                    return await count_up(database, "note")

        return await asyncio.gather(*[step() for _ in range(50)])

    assert list(range(1, 51)) == sorted(run_fresh(work))


def test_moments_come_back_naive_and_in_utc() -> None:
    """A moment is kept without a zone, to the millisecond, as ODMantic wants it."""
    at = datetime(2026, 11, 20, 12, 0, 0, 123000, tzinfo=UTC).replace(tzinfo=None)

    async def work(database: Database) -> Any:
        await insert(database, Note(id="note", at=at))
        note = await database.engine.find_one(Note, Note.id == "note")
        return note and note.at

    assert at == run_fresh(work)


@pytest.mark.parametrize("begin", ["engine", "session"])
def test_a_transaction_is_done_wholly_or_not_at_all(tmp_path: Path, begin: str) -> None:
    """On a replica set an error takes back what a transaction did; a commit keeps it."""

    async def work(database: Database) -> list[str]:
        @asynccontextmanager
        async def transaction() -> AsyncIterator[Any]:
            if begin == "engine":
                async with database.engine.transaction() as begun:
                    yield begun
                return
            async with database.engine.session() as session, session.transaction() as begun:
                yield begun

        async with transaction() as kept:
            await kept.save(Note(id="kept"))
            await kept.commit()
        with suppress(RuntimeError):
            async with transaction() as lost:
                await lost.save(Note(id="lost"))
                raise RuntimeError
        return [note.id for note in await database.engine.find(Note)]

    with ReplicaSet(tmp_path) as replicas:
        assert ["kept"] == run(work, replicas.url("notes"))


@LEAVES_CONNECTIONS
def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    """The server is killed twice amid writes; each acknowledged one is there, and it goes on."""

    async def work(database: Database) -> tuple[set[str], set[str]]:
        acknowledged: set[str] = set()
        done = asyncio.Event()

        async def write(writer: int) -> None:
            number = 0
            while not done.is_set():
                number += 1
                note = Note(id=f"{writer}-{number}")
                with suppress(StoreUnavailable), database.translated():
                    await database.collection(Note).insert_one(note.model_dump_doc())
                    acknowledged.add(note.id)

        async def more(count: int) -> None:
            wanted = len(acknowledged) + count
            while len(acknowledged) < wanted:
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            for writer in range(8):
                group.create_task(write(writer))
            for _ in range(2):
                await more(50)
                await asyncio.to_thread(mongod.kill)
                await asyncio.to_thread(mongod.restart)
            await more(50)
            done.set()
        found = {note.id for note in await database.engine.find(Note)}
        return acknowledged, acknowledged - found

    with Mongod(tmp_path) as mongod:
        acknowledged, lost = run(work, mongod.url("notes") + "&timeoutMS=500")

    assert len(acknowledged) >= 150
    assert set() == lost


@LEAVES_CONNECTIONS
def test_steps_outlive_the_primary(tmp_path: Path) -> None:
    """Each of many steps is counted once while the primary of a replica set is killed."""

    async def work(database: Database) -> int:
        steps = [asyncio.create_task(count_up(database, "note")) for _ in range(20)]
        await asyncio.gather(*steps)
        primary = await asyncio.to_thread(replicas.primary)
        steps = [asyncio.create_task(count_up(database, "note")) for _ in range(200)]
        await asyncio.to_thread(primary.kill)
        steps += [asyncio.create_task(count_up(database, "note")) for _ in range(20)]
        await asyncio.gather(*steps)
        return await count_up(database, "note")

    with ReplicaSet(tmp_path, members=3) as replicas:
        assert 241 == run(work, replicas.url("notes") + "&timeoutMS=30000")


@LEAVES_CONNECTIONS
def test_a_cancelled_operation_does_not_spoil_the_next() -> None:
    """After operations were cancelled at any moment, each answer belongs to its question."""

    async def work(database: Database) -> list[str]:
        await insert(database, *[Note(id=str(n), count=n) for n in range(50)])

        async def ask(number: int) -> str:
            note = await database.engine.find_one(Note, Note.id == str(number))
            return note.id if note else ""

        for wait in range(30):
            asking = [asyncio.create_task(ask(number)) for number in range(20)]
            await asyncio.sleep(wait / 2000)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        return await asyncio.gather(*[ask(number) for number in range(50)])

    with fresh_database() as url:
        assert [str(n) for n in range(50)] == run(work, url + "&maxPoolSize=5")
    gc.collect()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """The error names the host and the database, and the password nowhere."""
    mongod = Mongod(tmp_path)
    mongod.start()
    mongod.kill()
    url = f"mongodb://me:secret@{mongod.address}/notes?timeoutMS=100"

    with pytest.raises(StoreUnavailable) as raised:
        run(Database.ping, url)

    assert (
        f"MongoDB at {mongod.address}/notes does not answer as it should; "
        "check that it runs and try again"
    ) == str(raised.value)


@LEAVES_CONNECTIONS
def test_a_server_that_hangs_is_unavailable(tmp_path: Path) -> None:
    """An operation ends within the URL's time limit, and works again once the server does."""

    async def work(database: Database) -> None:
        await database.ping()
        mongod.freeze()
        with pytest.raises(StoreUnavailable):
            await database.ping()
        mongod.thaw()
        await unbroken(database.ping)

    with Mongod(tmp_path) as mongod:
        run(work, mongod.url("notes") + "&timeoutMS=500")
    gc.collect()


def test_long_work_may_take_longer() -> None:
    """Work that takes longer than the URL's limit, such as making an index, has its own."""

    async def work(database: Database) -> str:
        shared_mongod().fail("createIndexes", "listIndexes", blockConnection=True, blockTimeMS=300)
        with database.translated(), database.within(30):
            return await database.collection(Note).create_index("count")

    with fresh_database() as url:
        assert "count_1" == run(work, url + "&timeoutMS=100")


@pytest.mark.parametrize(
    "code", [50, 91, 112, 189, 262, 10107, 11600, 11602, 13435, 13436, 14031, 13, 18]
)
def test_refusals_of_the_server_are_unavailability(code: int) -> None:
    """Codes that pass, or that an operator can mend, are told from faults of the program."""

    async def work(database: Database) -> None:
        mongod.fail("insert", times=1, errorCode=code)
        with (
            pytest.raises(StoreUnavailable, match=r"MongoDB at 127\.0\.0\.1"),
            database.translated(),
        ):
            await database.collection(Note).insert_one({"_id": "note"})

    mongod = shared_mongod()
    with fresh_database() as url:
        run(work, url)


def test_a_write_that_is_not_journaled_in_time_is_unavailable() -> None:
    """A write concern that was not met is no acknowledgement."""

    async def work(database: Database) -> None:
        concern = {"code": 64, "errmsg": "waiting for replication timed out"}
        shared_mongod().fail("insert", writeConcernError=concern)
        with pytest.raises(StoreUnavailable), database.translated():
            await database.collection(Note).insert_one({"_id": "note"})

    run_fresh(work)


def test_a_duplicate_stays_what_it_is() -> None:
    """Callers decide what a duplicate key means."""

    async def work(database: Database) -> None:
        await insert(database, Note(id="note"))
        with pytest.raises(DuplicateKeyError), database.translated():
            await database.collection(Note).insert_one({"_id": "note"})

    run_fresh(work)


def test_a_mistake_of_the_program_stays_what_it_is() -> None:
    """A command that no server understands is not blamed on the server."""

    async def work(database: Database) -> None:
        with pytest.raises(OperationFailure), database.translated():
            await database.collection(Note).update_one({}, {"$nonsense": {"a": 1}})

    run_fresh(work)


async def write_large(database: Database) -> None:
    await database.collection(Note).insert_one({"_id": "note", "text": "a" * 17_000_000})


async def replace_large(database: Database) -> None:
    large = {"text": "a" * 17_000_000}
    await database.collection(Note).replace_one({"_id": "note"}, large, upsert=True)


async def grow_large(database: Database) -> None:
    await database.collection(Note).insert_one({"_id": "note", "text": "a" * 12_000_000})
    await database.collection(Note).update_one({}, {"$set": {"more": "a" * 6_000_000}})


async def grow_large_and_return(database: Database) -> None:
    await database.collection(Note).insert_one({"_id": "note", "text": "a" * 12_000_000})
    await database.collection(Note).find_one_and_update({}, {"$set": {"more": "a" * 6_000_000}})


async def write_many_large(database: Database) -> None:
    await database.collection(Note).insert_many([{"_id": "a"}, {"text": "a" * 17_000_000}])


@pytest.mark.parametrize(
    "write", [write_large, replace_large, grow_large, grow_large_and_return, write_many_large]
)
def test_a_document_over_16_mb_is_refused(write: Callable[[Database], Awaitable[None]]) -> None:
    """Whether the driver or the server finds out, the error says what is too large."""

    async def work(database: Database) -> None:
        with database.translated("agent support"):
            await write(database)

    with pytest.raises(InvalidRequest) as raised:
        run_fresh(work)

    assert "document_too_large" == raised.value.reason
    assert "agent support is too large: MongoDB keeps up to 16 MB in a document" == str(
        raised.value
    )


def nested(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(levels):
        document = {"in": document}
    return document


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**64, "holds a value"),
        ("\ud800", "holds a value"),
        ({"a\0b": 1}, "holds a value"),
        (object(), "holds a value"),
        (nested(250), "is nested too deep"),
        (nested(5000), "is nested too deep"),
    ],
    ids=["integer", "surrogate", "key", "object", "nested", "nested deeper"],
)
def test_a_value_that_cannot_be_kept_is_refused(value: Any, message: str) -> None:
    """What BSON has no form for is the request's fault, and the value is not quoted."""

    async def work(database: Database) -> None:
        with database.translated("agent support"):
            await database.collection(Note).insert_one({"_id": "note", "value": value})

    with pytest.raises(InvalidRequest, match=f"^agent support {message}"):
        run_fresh(work)


def test_a_url_may_set_limits_and_not_acknowledgement() -> None:
    """The URL decides on time limits and retries; what is acknowledged is always kept."""

    async def settings(url: str) -> tuple[Any, ...]:
        async with connected(url) as database:
            options = database.client.options
            concern = database.collection(Note).write_concern.document
            return (database.name, options.timeout, options.retry_writes, concern)

    kept = {"w": "majority", "j": True}
    url = "mongodb://me:secret@a:1,b:2/mine?timeoutms=500&retryWrites=false&w=1&journal=false"

    assert ("a:1,b:2/mine", 0.5, False, kept) == asyncio.run(settings(url))
    assert ("a/hookline", 5, True, kept) == asyncio.run(settings("mongodb://a"))


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://me:sec/ret@host/name",
        "mongodb://me:sec@ret@host/name",
        "mongodb://host:port/name",
        "mongodb://host/na%20me",
        "mongodb://host/name?timeoutMS=soon",
        "mongodb://",
        "mongodb://[host/name",
    ],
)
def test_a_wrong_url_is_a_wrong_setting(url: str) -> None:
    """The error says what was expected and repeats no password."""
    with pytest.raises(ConfigError, match=r"^store\.url: expected mongodb://host") as raised:
        connect(url)

    assert "sec" not in str(raised.value)
