"""The part of the store contract that concerns agents."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from hookline.agents import Agent
from hookline.documents import LIMIT
from hookline.grants import OF_AGENTS, Grant, Grantee, Resource, owner_grants
from hookline.store import Store
from hookline.testing.suite import AGENT, EARLIER, StoreSuite, conflict, refused, run

OTHER = "other"


class AgentContract(StoreSuite):
    """The part of the contract that concerns agents."""

    def test_lists_and_tuples_are_the_same(self, tmp_path: Path) -> None:
        """Putting the same content with lists for tuples leaves the agent as it is."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            again = attrs.evolve(AGENT, tools=list(AGENT.tools), locked=list(AGENT.locked))

            assert await store.agents.put(again) == AGENT

        run(check, self.open(tmp_path))

    def test_who_wrote_a_version_makes_none(self, tmp_path: Path) -> None:
        """Saving without a change is no change, whoever does it."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)

            assert await store.agents.put(attrs.evolve(AGENT, updated_by="eve")) == AGENT

        run(check, self.open(tmp_path))

    def test_what_a_caller_changes_later_is_not_kept(self, tmp_path: Path) -> None:
        """The store shares no dict with those who put and get."""

        async def check(store: Store) -> None:
            parameters: dict[str, Any] = {"stop": ["a"]}
            await store.agents.put(attrs.evolve(AGENT, model_parameters=parameters))
            parameters["stop"].append("b")
            got = await store.agents.get(AGENT.id)
            assert got is not None
            got.model_parameters["stop"].append("c")

            again = await store.agents.get(AGENT.id)
            assert again is not None
            assert again.model_parameters == {"stop": ["a"]}

        run(check, self.open(tmp_path))

    def test_every_version_can_be_found(self, tmp_path: Path) -> None:
        """As it was, the current one too; others are ``None``."""

        async def check(store: Store) -> None:
            kept = [await store.agents.put(attrs.evolve(AGENT, name=name)) for name in "abc"]
            found = [await store.agents.find_version(AGENT.id, n) for n in range(5)]

            assert found == [None, *kept, None]
            assert await store.agents.find_version("nobody", 1) is None

        run(check, self.open(tmp_path))

    def test_versions_are_listed_newest_first(self, tmp_path: Path) -> None:
        """In pages, each going on below the last one; those of other agents are not among them."""

        async def check(store: Store) -> None:
            kept = [await store.agents.put(attrs.evolve(AGENT, name=str(n))) for n in range(7)]
            await store.agents.put(attrs.evolve(AGENT, id=OTHER))
            found: list[Any] = []
            while page := await store.agents.versions(
                AGENT.id, before=found[-1].version if found else None, limit=3
            ):
                found += page

            assert found == kept[::-1]
            assert list(await store.agents.versions(AGENT.id)) == kept[::-1]
            assert list(await store.agents.versions("nobody")) == []

        run(check, self.open(tmp_path))

    def test_a_deleted_agent_has_no_versions(self, tmp_path: Path) -> None:
        """Until there is one of its id again: then the earlier ones are there, too."""

        async def check(store: Store) -> None:
            first = await store.agents.put(AGENT)
            second = await store.agents.put(attrs.evolve(AGENT, name="second"))
            await store.agents.delete(AGENT.id)

            assert await store.agents.find_version(AGENT.id, 1) is None
            assert list(await store.agents.versions(AGENT.id)) == []
            third = await store.agents.put(AGENT)
            assert [third, second, first] == list(await store.agents.versions(AGENT.id))

        run(check, self.open(tmp_path))

    def test_an_agent_is_created_with_its_grants(self, tmp_path: Path) -> None:
        """Only when it is created: a change, and a conflict, give nothing."""

        async def check(store: Store) -> None:
            grants = owner_grants("ann", AGENT.id, at=EARLIER)
            others = owner_grants("eve", AGENT.id, at=EARLIER)
            await store.agents.put(AGENT, expected=0, grants=grants)
            changed = attrs.evolve(AGENT, name="other")
            assert await conflict(store.agents.put(changed, expected=0, grants=others)) == 1
            await store.agents.put(changed, grants=others)
            await store.agents.put(changed, grants=others)

            assert await of_agent(store, AGENT.id) == by_id(grants)

        run(check, self.open(tmp_path))

    def test_an_agent_goes_with_its_grants(self, tmp_path: Path) -> None:
        """Those on it, of whoever; one that gets its id later begins with its own alone."""

        async def check(store: Store) -> None:
            old, new = (owner_grants(user, AGENT.id, at=EARLIER) for user in ("ann", "bob"))
            kept = owner_grants("ann", OTHER, at=EARLIER)
            same_name = [attrs.evolve(kept[0], resource=Resource("file", AGENT.id))]
            await store.agents.put(AGENT, grants=old)
            await store.agents.put(attrs.evolve(AGENT, id=OTHER), grants=kept)
            await store.grants.apply(same_name)
            assert await conflict(store.agents.delete(AGENT.id, expected=2)) == 1
            assert await of_agent(store, AGENT.id) == by_id(old)
            await store.agents.delete(AGENT.id)

            assert await of_agent(store, AGENT.id) == []
            assert await of_agent(store, OTHER) == by_id(kept)
            assert list(await store.grants.of_resource(same_name[0].resource)) == same_name
            await store.agents.put(AGENT, grants=new)
            assert await of_agent(store, AGENT.id) == by_id(new)

        run(check, self.open(tmp_path))

    def test_grants_of_a_new_agent_are_like_others(self, tmp_path: Path) -> None:
        """They are found in every way, changed and taken away."""

        async def check(store: Store) -> None:
            grants = by_id(owner_grants("ann", AGENT.id, at=EARLIER))
            await store.agents.put(AGENT, grants=grants)
            ann = Grantee("user", "ann")

            assert [await store.grants.get(grant.id) for grant in grants] == grants
            assert list(await store.grants.list()) == grants
            assert list(await store.grants.of_grantees([ann], OF_AGENTS)) == grants
            applied = await store.grants.apply([grants[0]], [grants[1].id])
            assert (applied.updated, applied.revoked) == (1, 1)
            assert list(await store.grants.list()) == grants[:1]

        run(check, self.open(tmp_path))

    def test_of_creators_at_once_one_gives_grants(self, tmp_path: Path) -> None:
        """The grants are those of the one whose agent is kept, and nobody else's."""

        async def check(store: Store) -> None:
            users = [f"u{i}" for i in range(10)]
            grants = {user: owner_grants(user, AGENT.id, at=EARLIER) for user in users}
            answers = await asyncio.gather(
                *(
                    store.agents.put(
                        attrs.evolve(AGENT, author=user), expected=0, grants=grants[user]
                    )
                    for user in users
                ),
                return_exceptions=True,
            )

            [kept] = [answer for answer in answers if isinstance(answer, Agent)]
            assert await of_agent(store, AGENT.id) == by_id(grants[kept.author or ""])

        run(check, self.open(tmp_path))

    def test_creations_and_deletions_at_once_leave_no_stray_grant(self, tmp_path: Path) -> None:
        """In the end there is an agent with its author's grants, or there is nothing."""

        async def check(store: Store) -> None:
            async def create(user: str) -> None:
                mine = owner_grants(user, AGENT.id, at=EARLIER)
                await conflict(
                    store.agents.put(attrs.evolve(AGENT, author=user), expected=0, grants=mine)
                )

            for _ in range(3):
                creations = (create(f"u{i}") for i in range(5))
                await asyncio.gather(*creations, *(store.agents.delete(AGENT.id) for _ in "abcde"))
                kept = await store.agents.get(AGENT.id)
                author = None if kept is None else kept.author
                expected = owner_grants(author, AGENT.id, at=EARLIER) if author else []
                assert await of_agent(store, AGENT.id) == by_id(expected)

        run(check, self.open(tmp_path))

    def test_a_refused_agent_gives_no_grants(self, tmp_path: Path) -> None:
        """One that is too large leaves nothing behind."""

        async def check(store: Store) -> None:
            large = attrs.evolve(AGENT, instructions="x" * (LIMIT + 1))
            grants = owner_grants("ann", AGENT.id, at=EARLIER)

            assert await refused(store.agents.put(large, grants=grants)) == "document_too_large"
            assert await store.agents.get(AGENT.id) is None
            assert list(await store.grants.list()) == []
            assert await store.archive.count("agent_versions") == 0

        run(check, self.open(tmp_path))

    def test_writers_at_once_leave_every_version(self, tmp_path: Path) -> None:
        """None is missing, none is there twice, and each is what its writer was answered."""

        async def check(store: Store) -> None:
            puts = (store.agents.put(attrs.evolve(AGENT, name=f"n{i}")) for i in range(20))
            kept = await asyncio.gather(*puts)

            found = list(await store.agents.versions(AGENT.id))
            assert found == sorted(kept, key=lambda agent: agent.version, reverse=True)
            assert [one.version for one in found] == list(range(20, 0, -1))

        run(check, self.open(tmp_path))

    def test_versions_of_similar_ids_are_told_apart(self, tmp_path: Path) -> None:
        """By case, and although an id may look like one with a version behind it."""

        async def check(store: Store) -> None:
            ids = ("a", "A", "a@1", "a@1@2", "a%", "a_")
            for id_ in ids:
                for name in "xy":
                    await store.agents.put(attrs.evolve(AGENT, id=id_, name=name))

            for id_ in ids:
                found = await store.agents.versions(id_)
                assert [(one.id, one.version) for one in found] == [(id_, 2), (id_, 1)]
                first = await store.agents.find_version(id_, 1)
                assert (first and first.id, first and first.name) == (id_, "x")
            assert await store.archive.count("agent_versions") == len(ids)

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

            assert found is not None
            assert found.model_parameters == parameters

        run(check, self.open(tmp_path))

    def test_a_value_of_another_type_is_a_change(self, tmp_path: Path) -> None:
        """``1``, ``true`` and ``1.0`` are three things, although Python takes them for one."""
        values: list[Any] = [1, True, 1.0, "1", None, 0, False]

        async def check(store: Store) -> None:
            for version, value in enumerate(values, start=1):
                put = attrs.evolve(AGENT, model_parameters={"value": value})
                kept = await store.agents.put(put)
                found = await store.agents.get(AGENT.id)

                assert found == kept
                assert kept.version == version
                assert repr(found.model_parameters["value"]) == repr(value)

        run(check, self.open(tmp_path))


def by_id(grants: Sequence[Grant]) -> list[Grant]:
    """Grants in the order of their ids."""
    return sorted(grants, key=lambda grant: grant.id)


async def of_agent(store: Store, agent: str) -> list[Grant]:
    """The grants on an agent, of both kinds."""
    found = [await store.grants.of_resource(Resource(kind, agent)) for kind in OF_AGENTS]
    return by_id([grant for grants in found for grant in grants])
