"""The part of the store contract that concerns the archive."""

from pathlib import Path

import attrs

from hookline.archive import (
    KINDS,
    ArchiveRecord,
    content_of,
    conversation_id,
    tombstone,
    version_id,
)
from hookline.grants import owner_grants
from hookline.groups import Group
from hookline.roles import Role
from hookline.store import Store
from hookline.testing.audit_contract import record
from hookline.testing.conversation_contract import talk
from hookline.testing.file_contract import file
from hookline.testing.history_contract import FINISHED
from hookline.testing.suite import (
    AGENT,
    DAY,
    EARLIER,
    StoreSuite,
    run,
    sample_continuation,
    sample_key,
)
from hookline.users import User


async def fill(store: Store) -> None:
    """Keep something of every kind, with versions and with something that was deleted."""
    await store.roles.put(Role(id="guest", features={"remote_agents.use"}, created_at=EARLIER))
    await store.users.put(User(id="ann", name="Ann"))
    await store.users.put(User(id="gone"))
    await store.users.delete("gone")
    await store.groups.put(Group(id="devs", members={"ann", "bob"}))
    grants = owner_grants("ann", AGENT.id, at=EARLIER)
    first = await store.agents.put(AGENT, grants=grants)
    await store.agents.put(attrs.evolve(first, name="second"))
    await store.agents.put(attrs.evolve(AGENT, id="gone"))
    await store.agents.delete("gone")
    key = attrs.evolve(sample_key("secret"), agents=frozenset({"b", "a"}), expires_at=EARLIER + DAY)
    await store.keys.add(key)
    await store.conversations.keep([talk(), talk('a"', 'b"')])
    await store.files.add(file())
    await store.runs.keep([FINISHED])
    await store.audit.add([record(1), record(2)])
    await store.continuations.put(sample_continuation("run_1", "call_b", "call_a"))


async def everything(store: Store, kind: str) -> list[ArchiveRecord]:
    """All records of a kind, in pages of two."""
    found: list[ArchiveRecord] = []
    while page := await store.archive.read(kind, after=found[-1].id if found else "", limit=2):
        found += page
    return found


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
