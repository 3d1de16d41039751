"""The part of the store contract that concerns documents: agents, users, groups and roles alike."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from hookline.agents import Agent
from hookline.archive import ArchiveRecord
from hookline.documents import LIMIT
from hookline.errors import InvalidRequest, VersionConflict
from hookline.groups import Group
from hookline.moments import now
from hookline.roles import Role
from hookline.store import Store
from hookline.testing.suite import AGENT, DAY, EARLIER, TOKYO, StoreSuite, conflict, raised, run
from hookline.users import User

SAMPLES: Mapping[str, Any] = {
    "agents": AGENT,
    "users": User(
        id="u:1/é", name="Ann", email="a@x", disabled=True, created_at=EARLIER, updated_at=EARLIER
    ),
    "groups": Group(
        id="g.1$", name="All", members={"b", "a", "é"}, created_at=EARLIER, updated_at=EARLIER
    ),
    "roles": Role(
        id="r 1",
        description="d",
        features={"remote_agents.use"},
        managed_by="config",
        created_at=EARLIER,
        updated_at=EARLIER,
    ),
}
"""A document of each kind, with every field set to something else than its default."""

CHANGES: Mapping[str, str] = {
    "agents": "name",
    "users": "name",
    "groups": "name",
    "roles": "description",
}
"""A field of each kind that a test may change."""

ODD_IDS = (
    "b",
    "a",
    "Z",
    "a-1",
    "a.1",
    "a10",
    "é",
    "aa",
    "a/b",
    "a:b",
    "$a",
    "\N{SNOWMAN}",
    "x" * 256,
)


class DocumentContract(StoreSuite):
    """The part of the contract that concerns documents of all kinds."""

    def test_a_document_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """Every field survives, in every kind of document."""

        async def check(port: Any, sample: Any, _: str) -> None:
            assert await port.put(sample) == sample
            assert await port.get(sample.id) == sample

        self._each(check, tmp_path)

    def test_an_unknown_document_is_none(self, tmp_path: Path) -> None:
        """Neither a get nor a delete of what is not there is an error."""

        async def check(port: Any, _: Any, __: str) -> None:
            assert await port.get("nobody") is None
            assert await port.delete("nobody") is False
            assert await port.delete("nobody", expected=0) is False
            assert list(await port.list()) == []

        self._each(check, tmp_path)

    def test_ids_are_told_apart(self, tmp_path: Path) -> None:
        """By case, and whatever characters they have."""

        async def check(port: Any, sample: Any, _: str) -> None:
            for id_ in (*ODD_IDS, "A"):
                await port.put(attrs.evolve(sample, id=id_))

            for id_ in (*ODD_IDS, "A"):
                found = await port.get(id_)
                assert (found and found.id) == id_

        self._each(check, tmp_path)

    def test_documents_are_listed_in_pages(self, tmp_path: Path) -> None:
        """The order is that of the ids, character by character; each page goes on after one."""

        async def check(port: Any, sample: Any, _: str) -> None:
            for id_ in ODD_IDS:
                await port.put(attrs.evolve(sample, id=id_))
            found, sizes, after = list[str](), list[int](), ""
            while page := await port.list(after=after, limit=5):
                sizes.append(len(page))
                after = page[-1].id
                found += [document.id for document in page]

            assert sorted(ODD_IDS) == found
            assert sizes == [5, 5, 3]
            assert sorted(ODD_IDS) == [document.id for document in await port.list()]

        self._each(check, tmp_path)

    def test_a_change_makes_a_version(self, tmp_path: Path) -> None:
        """It goes up by one, ``created_at`` stays, ``updated_at`` moves."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            changed = attrs.evolve(sample, **{field: "other"}, created_at=now(), version=9)
            kept = await port.put(changed)

            assert kept == await port.get(sample.id)
            assert (kept.version, getattr(kept, field), kept.created_at) == (2, "other", EARLIER)
            assert kept.updated_at > EARLIER

        self._each(check, tmp_path)

    def test_the_same_again_makes_no_version(self, tmp_path: Path) -> None:
        """Putting what is there leaves it as it is, whatever its times and version say."""

        async def check(port: Any, sample: Any, _: str) -> None:
            await port.put(sample)
            again = attrs.evolve(sample, version=5, updated_at=now(), created_at=now())

            assert await port.put(again) == sample
            assert await port.put(again, expected=1) == sample
            assert await port.get(sample.id) == sample

        self._each(check, tmp_path)

    def test_a_change_for_another_version_is_refused(self, tmp_path: Path) -> None:
        """The conflict names the version that is there, and nothing is changed."""

        async def check(port: Any, sample: Any, field: str) -> None:
            changed = attrs.evolve(sample, **{field: "other"})
            assert await conflict(port.put(sample, expected=1)) == 0
            await port.put(sample, expected=0)
            assert await conflict(port.put(changed, expected=0)) == 1
            assert await conflict(port.put(sample, expected=0)) == 1
            assert await conflict(port.put(changed, expected=2)) == 1
            assert await conflict(port.delete(sample.id, expected=2)) == 1
            assert await port.get(sample.id) == sample

            assert (await port.put(changed, expected=1)).version == 2
            assert await port.delete(sample.id, expected=2) is True
            assert await conflict(port.delete(sample.id, expected=2)) == 0

        self._each(check, tmp_path)

    def test_a_version_number_is_never_used_twice(self, tmp_path: Path) -> None:
        """A document that is made anew goes on counting where the deleted one ended."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            await port.put(attrs.evolve(sample, **{field: "other"}))

            assert await port.delete(sample.id) is True
            assert await port.get(sample.id) is None
            assert list(await port.list()) == []
            assert await port.delete(sample.id) is False

            created = attrs.evolve(sample, created_at=EARLIER + DAY)
            kept = await port.put(created, expected=0)
            assert (kept.version, kept.created_at) == (3, EARLIER + DAY)

        self._each(check, tmp_path)

    def test_of_writers_for_one_version_one_wins(self, tmp_path: Path) -> None:
        """The others hear which version is there now; no change is lost."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            puts = (
                port.put(attrs.evolve(sample, **{field: f"n{i}"}), expected=1) for i in range(20)
            )
            answers = await asyncio.gather(*puts, return_exceptions=True)

            lost = [answer for answer in answers if isinstance(answer, VersionConflict)]
            won = [answer for answer in answers if isinstance(answer, type(sample))]
            assert ([document.version for document in won], len(lost)) == ([2], 19)
            assert {error.current for error in lost} == {2}
            assert await port.get(sample.id) == won[0]

        self._each(check, tmp_path)

    def test_of_creators_at_once_one_wins(self, tmp_path: Path) -> None:
        """An id is given to one alone, however close they are."""

        async def check(port: Any, sample: Any, field: str) -> None:
            puts = (
                port.put(attrs.evolve(sample, **{field: f"n{i}"}), expected=0) for i in range(10)
            )
            answers = await asyncio.gather(*puts, return_exceptions=True)

            lost = [answer for answer in answers if isinstance(answer, VersionConflict)]
            assert len(lost) == 9
            assert {error.current for error in lost} == {1}

        self._each(check, tmp_path)

    def test_writers_for_any_version_make_distinct_ones(self, tmp_path: Path) -> None:
        """Of many changes at the same moment none is lost and no two share a version."""

        async def check(port: Any, sample: Any, field: str) -> None:
            puts = (port.put(attrs.evolve(sample, **{field: f"n{i}"})) for i in range(20))
            kept = await asyncio.gather(*puts)

            assert list(range(1, 21)) == sorted(document.version for document in kept)
            last = max(kept, key=lambda document: document.version)
            assert last == await port.get(sample.id)

        self._each(check, tmp_path)

    def test_what_a_newer_hookline_wrote_survives(self, tmp_path: Path) -> None:
        """Top-level fields that this version does not know are there after it changed others."""

        async def check(store: Store) -> None:
            for kind, sample in SAMPLES.items():
                port = getattr(store, kind)
                await port.put(sample)
                [record] = await store.archive.read(kind)
                novelty = {"novelty": {"a.b": [1, None], "$c": "x"}, "other_novelty": 2**40}
                newer = ArchiveRecord(record.id, {**record.content, **novelty})
                await store.archive.write(kind, [newer])
                assert await port.get(sample.id) == sample
                await port.put(attrs.evolve(sample, **{CHANGES[kind]: "changed"}))

                [record] = await store.archive.read(kind)
                assert record.content[CHANGES[kind]] == "changed"
                assert {name: record.content.get(name) for name in novelty} == novelty

        run(check, self.open(tmp_path))

    def test_what_is_too_large_is_refused(self, tmp_path: Path) -> None:
        """Sixteen million bytes are too many in every store, and nothing is changed."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            large = attrs.evolve(sample, **{field: "x" * (LIMIT + 1)})

            assert await raised(InvalidRequest, port.put(large))
            assert await raised(InvalidRequest, port.put(attrs.evolve(large, id="new")))
            assert [sample] == list(await port.list())

        self._each(check, tmp_path)

    def test_moments_are_utc(self, tmp_path: Path) -> None:
        """A moment of any zone comes back as the same one in UTC; without a zone it is refused."""

        async def check(port: Any, sample: Any, _: str) -> None:
            kept = await port.put(attrs.evolve(sample, created_at=EARLIER.astimezone(TOKYO)))

            assert (kept.created_at, kept.created_at.utcoffset()) == (EARLIER, timedelta())
            naive = EARLIER.replace(tzinfo=None)
            assert await raised(ValueError, port.put(attrs.evolve(sample, updated_at=naive)))

        self._each(check, tmp_path)

    def _each(self, check: Callable[[Any, Any, str], Awaitable[None]], tmp_path: Path) -> None:
        """Check the port of each kind, with its sample and a field that may be changed."""

        async def all_kinds(store: Store) -> None:
            for kind, sample in SAMPLES.items():
                await check(getattr(store, kind), sample, CHANGES[kind])

        run(all_kinds, self.open(tmp_path))


class GroupContract(StoreSuite):
    """The part of the contract that concerns members of groups."""

    def test_groups_are_found_by_member(self, tmp_path: Path) -> None:
        """In order; a change of the members, and the end of a group, show at once."""

        async def check(store: Store) -> None:
            for id_, members in {"b": {"ann", "bob"}, "a": {"ann"}, "c": set[str]()}.items():
                await store.groups.put(Group(id=id_, members=members))
            of_member = store.groups.of_member

            assert list(await of_member("ann")) == ["a", "b"]
            assert list(await of_member("Ann")) == []
            await store.groups.put(Group(id="b", members={"bob"}))
            assert list(await of_member("ann")) == ["a"]
            await store.groups.delete("b")
            assert list(await of_member("bob")) == []

        run(check, self.open(tmp_path))


class AgentJsonContract(StoreSuite):
    """What may stand in an agent's ``model_parameters``."""

    def test_any_json_survives(self, tmp_path: Path) -> None:
        """Keys that a database might want for itself, large numbers, deep nesting, null bytes."""
        deep: Any = "end"
        for _ in range(50):
            deep = {"d": [deep]}
        parameters = {
            "a.b": 1,
            "$set": {"$inc": {"": None}},
            "text": "a\0b \N{SNOWMAN}",
            "large": 2**63 - 1,
            "small": -(2**63),
            "float": 0.1,
            "empty": {"list": [], "object": {}},
            "deep": deep,
        }

        async def check(store: Store) -> None:
            await store.agents.put(attrs.evolve(AGENT, model_parameters=parameters))
            found = await store.agents.get(AGENT.id)

            assert isinstance(found, Agent)
            assert found.model_parameters == parameters

        run(check, self.open(tmp_path))
