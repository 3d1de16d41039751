"""The directory remembers agents for a short time."""

import attrs

from hookline.agents import Agent
from hookline.directory import REMEMBERED, Directory
from hookline_memory import MemoryStore
from support.runtimes import HELPER, run


class Counting:
    """An agent store that counts how often it is asked."""

    def __init__(self) -> None:
        self._agents = MemoryStore().agents
        self.asked = 0
        self.put = self._agents.put
        self.delete = self._agents.delete

    async def get(self, agent: str) -> Agent | None:
        self.asked += 1
        return await self._agents.get(agent)

    async def list(self, *, after: str = "", limit: int = 1000) -> "list[Agent]":
        return list(await self._agents.list(after=after, limit=2))


def test_an_answer_is_remembered_the_absence_of_an_agent_too() -> None:
    """The store is asked once for each id."""

    async def work() -> None:
        store = Counting()
        await store.put(HELPER)
        directory = Directory(store, 60)
        for _ in range(3):
            assert await directory.get("helper") == await directory.get("helper")
            assert await directory.get("nobody") is None

        assert store.asked == 2

    run(work)


def test_nothing_is_remembered_for_0_seconds() -> None:
    """Every question goes to the store."""

    async def work() -> None:
        store = Counting()
        directory = Directory(store, 0)
        await directory.get("helper")
        await directory.get("helper")

        assert store.asked == 2

    run(work)


def test_a_change_takes_effect_at_once() -> None:
    """What was remembered of an agent is dropped when it is put."""

    async def work() -> None:
        directory = Directory(Counting(), 60)
        assert await directory.get("helper") is None
        await directory.put(HELPER)
        saved = await directory.put(attrs.evolve(HELPER, name="Other"))

        assert saved == await directory.get("helper")
        assert (saved.name, saved.version) == ("Other", 2)

    run(work)


def test_agents_are_listed_over_all_pages() -> None:
    """In the order of their ids."""

    async def work() -> None:
        directory = Directory(Counting(), 60)
        for name in "edcba":
            await directory.put(attrs.evolve(HELPER, id=name))

        assert list("abcde") == [agent.id for agent in await directory.list()]

    run(work)


def test_memory_is_bounded() -> None:
    """Ids that nobody has do not fill it."""

    async def work() -> None:
        store = Counting()
        directory = Directory(store, 60)
        for number in range(REMEMBERED + 1):
            await directory.get(f"n{number}")
        await directory.get("n0")

        assert store.asked == REMEMBERED + 2

    run(work)
