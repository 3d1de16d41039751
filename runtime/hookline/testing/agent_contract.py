"""The part of the store contract that concerns agents."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from hookline.moments import now
from hookline.store import Store
from hookline.testing.suite import AGENT, DAY, EARLIER, TOKYO, StoreSuite, raised, run


class AgentContract(StoreSuite):
    """The part of the contract that concerns agents."""

    def test_an_agent_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """Every field survives."""

        async def check(store: Store) -> None:
            kept = await store.agents.put(AGENT)

            assert kept == AGENT
            assert await store.agents.get(AGENT.id) == AGENT

        run(check, self.open(tmp_path))

    def test_an_unknown_agent_is_none(self, tmp_path: Path) -> None:
        """Neither a get nor a delete of what is not there is an error."""

        async def check(store: Store) -> None:
            assert await store.agents.get("nobody") is None
            assert await store.agents.delete("nobody") is False
            assert list(await store.agents.list()) == []

        run(check, self.open(tmp_path))

    def test_ids_are_told_apart_by_case(self, tmp_path: Path) -> None:
        """``Helper`` and ``helper`` are two agents."""

        async def check(store: Store) -> None:
            await store.agents.put(attrs.evolve(AGENT, id="helper"))

            assert await store.agents.get("Helper") is None

        run(check, self.open(tmp_path))

    def test_a_change_makes_a_new_version(self, tmp_path: Path) -> None:
        """The version goes up by one, ``created_at`` stays, and ``updated_at`` moves."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            changed = attrs.evolve(AGENT, name="other", created_at=now(), version=9)
            kept = await store.agents.put(changed)

            assert kept == await store.agents.get(AGENT.id)
            assert (kept.version, kept.name, kept.created_at) == (2, "other", EARLIER)
            assert kept.updated_at > EARLIER

        run(check, self.open(tmp_path))

    def test_no_change_makes_no_version(self, tmp_path: Path) -> None:
        """Putting the same content again leaves the agent as it is, lists for tuples included."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            tools, locked = list(AGENT.tools), list(AGENT.locked)
            again = attrs.evolve(AGENT, tools=tools, locked=locked, version=5, updated_at=now())

            assert await store.agents.put(again) == AGENT
            assert await store.agents.get(AGENT.id) == AGENT

        run(check, self.open(tmp_path))

    def test_a_version_is_never_used_twice(self, tmp_path: Path) -> None:
        """An agent that is made anew goes on counting where the deleted one ended."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            await store.agents.put(attrs.evolve(AGENT, name="other"))

            assert await store.agents.delete(AGENT.id) is True
            assert await store.agents.get(AGENT.id) is None
            assert list(await store.agents.list()) == []
            assert await store.agents.delete(AGENT.id) is False

            created = attrs.evolve(AGENT, created_at=EARLIER + DAY)
            kept = await store.agents.put(created)
            assert (kept.version, kept.created_at) == (3, EARLIER + DAY)

        run(check, self.open(tmp_path))

    def test_agents_are_listed_in_pages(self, tmp_path: Path) -> None:
        """The order is that of the ids, character by character, and each page goes on after one."""

        async def check(store: Store) -> None:
            ids = ["b", "a", "Z", "a-1", "a.1", "a10", "é", "aa"]
            for id_ in ids:
                await store.agents.put(attrs.evolve(AGENT, id=id_))
            pages, sizes, after = list[str](), list[int](), ""
            while page := await store.agents.list(after=after, limit=3):
                sizes.append(len(page))
                after = page[-1].id
                pages += [agent.id for agent in page]

            assert sorted(ids) == pages
            assert sizes == [3, 3, 2]
            assert sorted(ids) == [agent.id for agent in await store.agents.list()]

        run(check, self.open(tmp_path))

    def test_writers_at_once_make_distinct_versions(self, tmp_path: Path) -> None:
        """Of many changes at the same moment none is lost and no two share a version."""

        async def check(store: Store) -> None:
            puts = (store.agents.put(attrs.evolve(AGENT, name=f"n{i}")) for i in range(20))
            kept = await asyncio.gather(*puts)

            assert list(range(1, 21)) == sorted(agent.version for agent in kept)
            last = max(kept, key=lambda agent: agent.version)
            assert last == await store.agents.get(AGENT.id)

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

    def test_times_are_utc(self, tmp_path: Path) -> None:
        """A moment of any zone comes back as the same one in UTC; without a zone it is refused."""

        async def check(store: Store) -> None:
            kept = await store.agents.put(attrs.evolve(AGENT, created_at=EARLIER.astimezone(TOKYO)))

            assert (kept.created_at, kept.created_at.utcoffset()) == (EARLIER, timedelta())
            naive = EARLIER.replace(tzinfo=None)
            assert await raised(ValueError, store.agents.put(attrs.evolve(AGENT, updated_at=naive)))

        run(check, self.open(tmp_path))
