"""The part of the store contract that concerns the archive."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from hookline.archive import (
    KINDS,
    ArchiveRecord,
    content_of,
    conversation_id,
    record_id,
    tombstone,
    version_id,
)
from hookline.groups import Group
from hookline.ledger import EntryQuery
from hookline.roles import Role
from hookline.store import Continuation, Store
from hookline.testing.archive_suite import everything, fill
from hookline.testing.conversation_contract import talk
from hookline.testing.file_contract import file
from hookline.testing.grant_contract import grant
from hookline.testing.history_contract import FINISHED
from hookline.testing.ledger_suite import ACCOUNT, ENTRY, account
from hookline.testing.outbox_suite import WHOLE
from hookline.testing.record_suite import PLUGIN, record
from hookline.testing.suite import (
    AGENT,
    DAY,
    EARLIER,
    ODD_IDS,
    TOKYO,
    StoreSuite,
    run,
    sample_continuation,
    sample_key,
)
from hookline.users import User

KEY: Mapping[str, Any] = {
    "id": "key_1",
    "user": "alice",
    "digest": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "shown": "s",
    "name": "",
    "agents": ["a", "b", "é"],
    "read_only": False,
    "created_at": "2024-02-29T23:59:59.999999Z",
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": None,
}
WAITING: Mapping[str, Any] = {
    "id": "run_1",
    "user": "alice",
    "agent": "helper",
    "calls": {"call_a": "1", "call_b": "2"},
    "messages": "W13DqQ==",
    "expires_at": "2106-04-20T23:59:59.999999Z",
}
GUEST: Mapping[str, Any] = {
    "id": "guest",
    "version": 1,
    "description": "",
    "features": [],
    "managed_by": None,
    "created_at": "2024-01-02T03:00:00Z",
    "updated_at": "2024-01-02T03:00:00Z",
}


class ArchiveContract(StoreSuite):
    """The part of the contract that concerns the archive."""

    def test_the_archive_says_what_is_kept(self, tmp_path: Path) -> None:
        """The same content whichever store it is: versions and what is left of deleted ones too."""

        async def check(store: Store) -> None:
            await fill(store)
            current = await store.agents.get(AGENT.id)
            ids = {kind: [found.id for found in await everything(store, kind)] for kind in KINDS}
            agents = {found.id: found.content for found in await everything(store, "agents")}

            assert ids["agents"] == sorted([AGENT.id, "gone"])
            assert agents == {AGENT.id: content_of(current), "gone": tombstone("gone", 1)}
            assert ids["agent_versions"] == sorted([version_id(AGENT.id, 1), version_id("gone", 1)])
            talks = [conversation_id("alice", "talk"), conversation_id('b"', 'a"')]
            assert ids["conversations"] == sorted(talks)
            things = [
                record_id(PLUGIN, "r_1"),
                record_id("tests", "r/2"),
                record_id(PLUGIN, "gone"),
            ]
            assert ids["records"] == sorted(things)
            assert [await store.archive.count(kind) for kind in KINDS] == [
                len(ids[kind]) for kind in KINDS
            ]
            assert all(ids.values())

        run(check, self.open(tmp_path))

    def test_an_archive_can_be_written_into_another_store(self, tmp_path: Path) -> None:
        """All of it, exactly, and twice as well as once; what is derived works there."""
        one, other = tmp_path / "one", tmp_path / "other"
        one.mkdir()
        other.mkdir()
        kept: dict[str, list[ArchiveRecord]] = {}

        async def read(store: Store) -> None:
            await fill(store)
            kept.update({kind: await everything(store, kind) for kind in KINDS})

        async def write(store: Store) -> None:
            for _ in range(2):
                for kind, records in kept.items():
                    await store.archive.write(kind, records)
            for kind, records in kept.items():
                found = await everything(store, kind)
                assert found == records
                assert [one.digest for one in found] == [one.digest for one in records]

            assert list(await store.groups.of_member("bob")) == ["devs"]
            found_calls = await store.continuations.find(["call_a"], user="alice", agent="helper")
            assert len(found_calls) == 1
            assert (await store.users.put(User(id="gone"))).version == 2
            assert len(await store.agents.versions(AGENT.id)) == 2
            assert await store.keys.find(sample_key("secret").digest) is not None
            await check_money(store)
            assert await store.files.named("alice", "talk", file().name) == file()
            assert (await store.records.put(record(), expected=1)).data == record().data
            assert await store.records.get(PLUGIN, "gone") is None

        run(read, self.open(one))
        run(write, self.open(other))

    def test_a_record_takes_the_place_of_another(self, tmp_path: Path) -> None:
        """Of the one with its id; others stay. A tombstone takes the place of a document."""

        async def check(store: Store) -> None:
            await store.users.put(User(id="ann", name="Ann"))
            await store.users.put(User(id="bob"))
            later = content_of(User(id="ann", name="Later", version=7))
            await store.archive.write("users", [ArchiveRecord("ann", later)])
            found = await store.users.get("ann")

            assert found is not None
            assert (found.name, found.version) == ("Later", 7)
            assert await store.archive.count("users") == 2
            await store.archive.write("users", [ArchiveRecord("ann", tombstone("ann", 9))])
            assert await store.users.get("ann") is None
            assert (await store.users.put(User(id="ann"))).version == 10

        run(check, self.open(tmp_path))

    def test_content_is_the_same_in_every_store(self, tmp_path: Path) -> None:
        """To the letter: moments end in Z, sets are ordered, bytes are base64, nothing is left."""
        key = attrs.evolve(sample_key("secret"), id="key_1", agents=frozenset({"é", "b", "a"}))
        waiting = Continuation(
            id="run_1",
            user="alice",
            agent="helper",
            calls={"call_b": "2", "call_a": "1"},
            messages=b"[]\xc3\xa9",
            expires_at=EARLIER + 30_000 * DAY,
        )
        whole = datetime(2024, 1, 2, 12, tzinfo=TOKYO)

        async def check(store: Store) -> None:
            await store.keys.add(key)
            await store.continuations.put(waiting)
            await store.roles.put(Role(id="guest", created_at=whole, updated_at=whole))

            assert await everything(store, "keys") == [ArchiveRecord("key_1", KEY)]
            assert await everything(store, "continuations") == [ArchiveRecord("run_1", WAITING)]
            assert await everything(store, "roles") == [ArchiveRecord("guest", GUEST)]
            await store.grants.apply([grant()])
            await store.conversations.keep([talk()])
            await store.files.add(file())
            await store.runs.keep([FINISHED])
            await store.ledger.change(ACCOUNT, expected=0)
            await store.ledger.add([ENTRY])
            await store.outbox.put([WHOLE], durable=True)
            thing = await store.records.put(record())
            kept = {"grants": grant(), "conversations": talk(), "files": file(), "runs": FINISHED}
            kept |= {"accounts": ACCOUNT, "ledger": ENTRY, "outbox": WHOLE, "records": thing}
            for kind, one in kept.items():
                assert [found.content for found in await everything(store, kind)] == [
                    content_of(one)
                ]

        run(check, self.open(tmp_path))

    def test_many_records_are_read_in_their_order(self, tmp_path: Path) -> None:
        """Written at once, read in pages: each of them once, by the characters of their ids."""

        async def check(store: Store) -> None:
            ids = [*ODD_IDS, *(f"u{i}" for i in range(1200))]
            users = [User(id=id_, created_at=EARLIER, updated_at=EARLIER) for id_ in ids]
            records = [ArchiveRecord(user.id, content_of(user)) for user in users]
            await store.archive.write("users", records)
            first = await store.archive.read("users")
            rest = await store.archive.read("users", after=first[-1].id)

            assert await store.archive.count("users") == len(ids)
            assert len(first) == 1000
            assert [*first, *rest] == sorted(records, key=lambda one: one.id)
            assert await store.users.get(ids[0]) == users[0]

        run(check, self.open(tmp_path))

    def test_a_replaced_record_leads_nowhere(self, tmp_path: Path) -> None:
        """What was derived from it is gone: the key's digest, the group's members, the calls."""

        async def check(store: Store) -> None:
            old, new = sample_key("old"), attrs.evolve(sample_key("new"), id="key_1")
            await store.keys.add(attrs.evolve(old, id="key_1"))
            await store.groups.put(Group(id="devs", members={"ann"}))
            await store.continuations.put(sample_continuation("run_1", "call_a"))
            later = {
                "keys": ("key_1", new),
                "groups": ("devs", Group(id="devs", members={"bob"})),
                "continuations": ("run_1", sample_continuation("run_1", "call_b")),
            }
            for kind, (id_, thing) in later.items():
                await store.archive.write(kind, [ArchiveRecord(id_, content_of(thing))])
            find = store.continuations.find

            assert await store.keys.find(old.digest) is None
            assert await store.keys.find(new.digest) == new
            assert list(await store.groups.of_member("ann")) == []
            assert list(await store.groups.of_member("bob")) == ["devs"]
            assert list(await find(["call_a"], user="alice", agent="helper")) == []
            assert len(await find(["call_b"], user="alice", agent="helper")) == 1

        run(check, self.open(tmp_path))

    def test_what_a_caller_changes_later_is_not_archived(self, tmp_path: Path) -> None:
        """The archive shares nothing with those who write and read."""

        async def check(store: Store) -> None:
            content = {**content_of(AGENT), "model_parameters": {"stop": ["a"]}, "new": ["a"]}
            await store.archive.write("agents", [ArchiveRecord(AGENT.id, content)])
            [expected] = await store.archive.read("agents")
            digest = expected.digest
            for changed in (content, expected.content):
                changed["model_parameters"]["stop"].append("b")
                changed["new"].append("b")

            [found] = await store.archive.read("agents")
            assert found.digest == digest

        run(check, self.open(tmp_path))

    def test_what_a_newer_hookline_wrote_is_copied(self, tmp_path: Path) -> None:
        """In every kind of document; only what is left of a deleted one has nothing besides."""

        async def check(store: Store) -> None:
            await fill(store)
            for kind in KINDS:
                records = [
                    one if one.content.get("deleted") else with_novelty(one)
                    for one in await everything(store, kind)
                ]
                await store.archive.write(kind, records)
                assert await everything(store, kind) == records

        run(check, self.open(tmp_path))


async def check_money(store: Store) -> None:
    """What ``fill`` has put into ledger and outbox is found, and goes on from there."""
    [spent] = await store.ledger.sums(EntryQuery(user="ann"), ["user"])
    assert (spent.calls, spent.amount) == (1, 1)
    assert await store.ledger.known(["run_1:0", "run_2:0"]) == {"run_1:0", "run_2:0"}
    await store.ledger.change(account(version=3), expected=2)
    claimed = await store.outbox.claim("three", EARLIER)
    assert [one.id for one in claimed] == ["run_1", "run_2"]


def with_novelty(record: ArchiveRecord) -> ArchiveRecord:
    """The record with a field that this version does not know."""
    return ArchiveRecord(record.id, {**record.content, "novelty": {"a.b": [1, None], "$c": "x"}})
