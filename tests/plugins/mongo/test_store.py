"""The MongoDB store: how it opens a database, and what it does without transactions."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from pymongo import MongoClient

from hookline.agents import Agent
from hookline.archive import ArchiveRecord, content_of
from hookline.errors import ConfigError, StoreUnavailable
from hookline.grants import OF_AGENTS, Bits, Grant, Grantee, Resource, owner_grants
from hookline.moments import now
from hookline.store import Store
from hookline.testing.account_contract import AccountContract
from hookline.testing.agent_contract import AgentContract
from hookline.testing.claim_contract import ClaimContract
from hookline.testing.file_contract import file
from hookline.testing.grant_contract import GrantContract
from hookline_mongo import MongoStores
from hookline_mongo.models import GrantModel
from hookline_mongo.ports import MongoStore
from hookline_mongo.schema import VERSION
from support.mongod import ReplicaSet, fresh_database, require_mongod

require_mongod()

SECONDS = 60
AGENT = Agent(id="helper", provider="p", model="m")
AGENTS_NEW = (
    *("tool_options", "tool_resources", "subagents", "fallbacks", "max_context_tokens"),
    *("summary", "hide_sequential_outputs", "end_after_tools"),
)
GRANTS = sorted(owner_grants("ann", AGENT.id, at=now()), key=lambda grant: grant.id)


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


async def all_grants(store: Store) -> list[Grant]:
    """The grants on the agent, in the way that needs the fewest fields."""
    found = [await store.grants.of_resource(Resource(kind, AGENT.id)) for kind in OF_AGENTS]
    return sorted((grant for grants in found for grant in grants), key=lambda grant: grant.id)


async def create(store: Store) -> None:
    await store.agents.put(AGENT, grants=GRANTS)


def test_many_open_and_migrate_an_empty_database_at_once(url: str) -> None:
    """Servers that start together, and a migration beside them, do not get in each other's way."""

    async def opened() -> None:
        async with MongoStore(url) as store:
            await store.ping()

    async def main() -> Any:
        migrations = [MongoStore(url).migrate() for _ in range(4)]
        await asyncio.gather(*migrations, *[opened() for _ in range(4)])
        return await MongoStore(url).status()

    status = asyncio.run(main())
    assert (status.version, list(status.missing), status.ready) == (VERSION, [], True)


def test_a_missing_index_is_refused_and_mended(url: str) -> None:
    """The message names the index and the command; afterwards the store opens."""
    used(url, create)
    outside(url, lambda database: database.keys.drop_index("by_digest"))
    outside(url, lambda database: database.agents.drop_index("unfinished"))

    with pytest.raises(StoreUnavailable, match="hookline store migrate") as caught:
        used(url, MongoStore.ping)
    status = asyncio.run(MongoStore(url).status())
    done = asyncio.run(MongoStore(url).migrate())

    lacking = ["agents.unfinished", "keys.by_digest"]
    assert f"lacks {', '.join(lacking)}" in str(caught.value)
    assert (list(status.missing), status.ready) == (lacking, False)
    assert list(done) == [f"created the index {name}" for name in lacking]
    used(url, MongoStore.ping)


def test_an_index_that_cannot_be_created_is_named(url: str) -> None:
    """Such as a unique one over what is not unique: the migration says which, and of what."""
    used(url, MongoStore.ping)
    outside(url, lambda database: database.keys.drop_index("by_digest"))
    outside(url, lambda database: database.keys.insert_many([{"digest": "d"}, {"digest": "d"}]))

    with pytest.raises(StoreUnavailable, match=r"index keys\.by_digest .* cannot be created"):
        asyncio.run(MongoStore(url).migrate())


def test_an_older_database_is_migrated_first(url: str) -> None:
    """One of before plugins had records is refused; migrating it makes indexes and no more."""
    kept = attrs.evolve(file(), conversation=None, metadata={})

    async def fill(store: MongoStore) -> None:
        await create(store)
        await store.files.add(kept)

    used(url, fill)
    outside(url, lambda database: database.records.drop())
    for name in ("by_name", "by_size", "by_digest"):
        outside(url, lambda database, name=name: database.files.drop_index(name))
    for name, fields in {"agents": AGENTS_NEW, "files": ("conversation", "metadata")}.items():
        gone = {"$unset": dict.fromkeys(fields, "")}
        outside(url, lambda database, name=name, gone=gone: database[name].update_many({}, gone))
    older = {"$set": {"version": VERSION - 1}}
    outside(url, lambda database: database.hookline.update_one({"_id": "schema"}, older))

    with pytest.raises(StoreUnavailable, match="hookline store migrate") as caught:
        used(url, MongoStore.ping)
    *created, last = asyncio.run(MongoStore(url).migrate())

    lacking = ["files.by_name", "files.by_size", "files.by_digest"]
    lacking += ["records.by_owner", "records.by_end"]
    assert f"lacks {', '.join(lacking)};" in str(caught.value)
    assert created == [f"created the index {name}" for name in lacking]
    assert last == f"brought the schema from version {VERSION - 1} to {VERSION}"
    assert GRANTS == used(url, all_grants)

    async def found(store: MongoStore) -> Any:
        [content] = await store.archive.read("agents")
        same = content.content == content_of(AGENT)
        files = [await store.files.get(kept.id), await store.files.total(kept.owner)]
        return [await store.agents.get(AGENT.id), same, *files]

    assert used(url, found) == [AGENT, True, kept, kept.size]


def test_a_newer_database_is_refused(url: str) -> None:
    """It is neither opened nor migrated; the status still says how it is."""
    used(url, MongoStore.ping)
    newer = {"$set": {"version": VERSION + 1}}
    outside(url, lambda database: database.hookline.update_one({"_id": "schema"}, newer))

    with pytest.raises(StoreUnavailable, match="upgrade Hookline"):
        used(url, MongoStore.ping)
    with pytest.raises(StoreUnavailable, match="upgrade Hookline"):
        asyncio.run(MongoStore(url).migrate())
    status = asyncio.run(MongoStore(url).status())
    assert (status.version, status.ready) == (VERSION + 1, False)


def test_a_database_without_a_schema_is_not_guessed_at(url: str) -> None:
    """What holds documents and names no version has to be migrated by somebody who means it."""
    used(url, create)
    outside(url, lambda database: database.hookline.drop())

    with pytest.raises(StoreUnavailable, match="schema version 0"):
        used(url, MongoStore.ping)
    assert [f"brought the schema from version 0 to {VERSION}"] == list(
        asyncio.run(MongoStore(url).migrate())
    )
    used(url, MongoStore.ping)


def test_the_status_says_what_server_it_is(url: str) -> None:
    """Before and after the store is entered, and without a password."""
    before = asyncio.run(MongoStore(url).status())
    during = used(url, MongoStore.status)
    secret = url.replace("mongodb://", "mongodb://ann:s3cret@")

    assert (before.version, during.version) == (0, VERSION)
    assert "keys.by_digest" in before.missing
    assert during.facts["mongodb"].count(".") == 2
    assert during.facts["topology"] == "standalone server"
    with pytest.raises(StoreUnavailable) as caught:
        used(secret, MongoStore.ping)
    assert "s3cret" not in str(caught.value)


def test_a_store_that_is_not_open_says_so(url: str) -> None:
    """Before it is entered and after it is left, every call is refused."""
    store = MongoStore(url)

    async def main() -> None:
        with pytest.raises(StoreUnavailable, match="is not open"):
            await store.ping()
        async with store:
            await store.ping()
        with pytest.raises(StoreUnavailable, match="is not open"):
            await store.agents.put(AGENT)

    asyncio.run(main())


def test_a_wrong_url_is_a_wrong_setting() -> None:
    """It is found when the store is named, before any I/O."""
    with pytest.raises(ConfigError, match=r"store\.url"):
        MongoStores().open("mongodb://")


WITHOUT = """
import sys
sys.modules["odmantic"] = None
from hookline.errors import ConfigError
from hookline_mongo import MongoStores
try:
    MongoStores().open("mongodb://127.0.0.1/x")
except ConfigError as error:
    print(error)
"""


def test_a_missing_driver_says_how_to_install_it() -> None:
    """The plugin can be loaded without it; naming a MongoDB store is a wrong setting then."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.strip().endswith("pip install 'hookline[mongo]'"), done.stderr


def unmove(database: Any) -> None:
    """Bring the database into the state between an agent's creation and the move of its grants."""
    grants = [{k: v for k, v in grant.items() if k != "move"} for grant in database.grants.find()]
    database.grants.delete_many({})
    pending = {"pending_grants": grants, "unfinished": "grants"}
    database.agents.update_one({"_id": AGENT.id}, {"$set": pending})


def test_grants_that_were_not_moved_count(url: str) -> None:
    """A crash right after an agent's creation takes nothing from its author."""
    used(url, create)

    async def all_ways(store: MongoStore) -> list[Any]:
        ways: list[Callable[[], Awaitable[Any]]] = [
            store.grants.list,
            lambda: all_grants(store),
            lambda: store.grants.of_grantees([Grantee("user", "ann")], OF_AGENTS),
            lambda: store.archive.count("grants"),
        ]
        found: list[Any] = []
        for way in ways:
            outside(url, unmove)
            found.append(await way())
        outside(url, unmove)
        gone = await store.grants.apply([], [GRANTS[0].id])
        return [*found, gone.revoked, await store.grants.list()]

    assert [GRANTS, GRANTS, GRANTS, 2, 1, GRANTS[1:]] == used(url, all_ways)


def test_opening_moves_grants_and_clears(url: str) -> None:
    """What a process that crashed left behind is finished, without anybody asking for it."""
    used(url, create)
    outside(url, unmove)
    used(url, MongoStore.ping)
    moved = outside(url, lambda database: database.grants.count_documents({}))
    left = {"_id": AGENT.id, "version": 1, "deleted": True, "unfinished": "clearing", "moves": 9}
    outside(url, lambda database: database.agents.replace_one({"_id": AGENT.id}, left))
    used(url, MongoStore.ping)

    assert moved == 2
    assert outside(url, lambda database: database.grants.count_documents({})) == 0
    assert outside(url, lambda database: "unfinished" not in database.agents.find_one({}))


def test_a_new_agent_inherits_no_grants_of_a_deleted_one(url: str) -> None:
    """Though the process that deleted it ended before it removed them."""
    used(url, create)
    others = owner_grants("eve", AGENT.id, at=now())

    async def crash_and_create(store: MongoStore) -> list[Grant]:
        left = {"_id": AGENT.id, "version": 1, "deleted": True, "unfinished": "clearing"}
        left["moves"] = 9
        outside(url, lambda database: database.agents.replace_one({"_id": AGENT.id}, left))
        await store.agents.put(AGENT, grants=others)
        return await all_grants(store)

    assert {"eve"} == {grant.grantee.id for grant in used(url, crash_and_create)}


def test_a_grant_given_before_the_agent_came_to_be_gives_way(url: str) -> None:
    """The author of a new agent gets all bits, whatever was granted on its id before."""
    early = attrs.evolve(GRANTS[0], bits=Bits.VIEW)

    async def work(store: MongoStore) -> Any:
        await store.grants.apply([early])
        await create(store)
        return await all_grants(store)

    assert GRANTS == used(url, work)


def test_a_late_mover_brings_nothing_back(url: str) -> None:
    """One that slept while a grant was moved by another and taken away finds that out."""
    used(url, create)

    async def work(store: MongoStore) -> Any:
        for _ in range(20):
            outside(url, unmove)
            movers = [store.grants.list() for _ in range(6)]
            revoking = store.grants.apply([], [GRANTS[0].id])
            changing = store.grants.apply([attrs.evolve(GRANTS[1], bits=Bits.VIEW)])
            await asyncio.gather(*movers[:3], revoking, changing, *movers[3:])
            found = await store.grants.list()
            assert [(grant.id, grant.bits) for grant in found] == [(GRANTS[1].id, Bits.VIEW)]
            await store.grants.apply(GRANTS)

    used(url, work)


def test_a_mover_does_not_undo_a_later_one(url: str) -> None:
    """A grant knows the count that it was written at, and an earlier one does not touch it."""
    used(url, create)

    async def work(store: MongoStore) -> Any:
        await store.grants.apply([attrs.evolve(GRANTS[0], bits=Bits.VIEW)])
        rows = await store._connection.rows(GrantModel, {})
        return {row["_id"]: row["move"] for row in rows}

    moves = used(url, work)
    outside(url, unmove)
    outside(
        url,
        lambda database: database.grants.insert_one(kept_of(database, moves)),
    )

    async def read(store: MongoStore) -> Any:
        return await store.grants.get(GRANTS[0].id)

    assert used(url, read).bits == Bits.VIEW


def kept_of(database: Any, moves: dict[str, int]) -> dict[str, Any]:
    """The first grant as it would be if a later mover had written it, with fewer bits."""
    pending = database.agents.find_one({"_id": AGENT.id})["pending_grants"]
    [first] = [grant for grant in pending if grant["_id"] == GRANTS[0].id]
    return {**first, "bits": int(Bits.VIEW), "move": moves[GRANTS[0].id] + 100}


def test_fields_of_a_newer_hookline_survive(url: str) -> None:
    """What this version does not know of a document is still there after it changed the rest."""
    used(url, create)
    novelty = {"$set": {"novelty": {"a": [2**40, True]}}}
    for name in ("agents", "grants"):
        outside(url, lambda database, name=name: database[name].update_many({}, novelty))

    async def change(store: MongoStore) -> Any:
        await store.agents.put(attrs.evolve(AGENT, name="new"))
        await store.grants.apply([attrs.evolve(GRANTS[0], bits=Bits.VIEW)])
        pages = [await store.archive.read(kind) for kind in ("agents", "agent_versions", "grants")]
        return [record.digest and record.content["novelty"] for page in pages for record in page]

    assert [{"a": [2**40, True]}] * 4 == used(url, change)


def test_odd_fields_of_a_newer_hookline_survive_a_copy(url: str) -> None:
    """Names that MongoDB gives a meaning to are kept as they are, and outlive a change."""
    odd = {"a.b": 1, "$c": {"": None}, "_id": "x", "deleted.": [2**70]}
    content = {**content_of(AGENT), **odd}
    record = ArchiveRecord(AGENT.id, content)

    async def copy(store: MongoStore) -> Any:
        await store.archive.write("agents", [record])
        first = await store.archive.read("agents")
        await store.agents.put(attrs.evolve(AGENT, name="new"))
        return [
            first,
            await store.archive.read("agents"),
            await store.archive.read("agent_versions"),
        ]

    first, changed, versions = used(url, copy)
    assert first == [record]
    assert versions == [ArchiveRecord("helper@1", content)]
    assert {name: changed[0].content[name] for name in odd} == odd


def test_a_document_that_cannot_be_read_is_named(url: str) -> None:
    """A value that only a newer Hookline knows fails with the agent's id."""
    used(url, create)
    smoke = {"$set": {"dialect": "smoke"}}
    outside(url, lambda database: database.agents.update_one({}, smoke))

    with pytest.raises(StoreUnavailable, match="agent helper cannot be read"):
        used(url, lambda store: store.agents.get("helper"))


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """A replica set of one member, which is enough for transactions."""
    with ReplicaSet(tmp_path_factory.mktemp("replicas")) as replicas:
        yield replicas


class TestOnReplicaSet(GrantContract, AgentContract, AccountContract, ClaimContract):
    """Where there are transactions, the contract holds too."""

    @pytest.fixture(autouse=True)
    def of_replicas(self, replicas: ReplicaSet) -> None:
        """Remembers where the set is."""
        self.replicas = replicas

    def open(self, tmp_path: Path) -> Store:
        return MongoStores().open(self.replicas.url(f"test_{abs(hash(tmp_path)):x}"))


def test_a_change_of_grants_is_done_wholly_or_not_at_all(replicas: ReplicaSet) -> None:
    """Where there are transactions: a step that fails takes back the steps before it."""
    url = replicas.url("whole")
    used(url, create)

    async def fail(store: MongoStore) -> Any:
        replicas.primary().fail("delete", errorCode=50)
        with pytest.raises(StoreUnavailable):
            await store.grants.apply([attrs.evolve(GRANTS[0], bits=Bits.VIEW)], [GRANTS[1].id])
        return await all_grants(store), (await store.status()).facts["topology"]

    assert (GRANTS, "replica set hookline") == used(url, fail)
