"""The directory remembers agents for a short time."""

from collections.abc import Callable, Sequence

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
        self.listed = 0
        self.before_answer: Callable[[], None] | None = None
        self.put = self._agents.put
        self.delete = self._agents.delete
        self.versions = self._agents.versions

    async def get(self, agent: str) -> Agent | None:
        self.asked += 1
        if self.before_answer is not None:
            self.before_answer()
        return await self._agents.get(agent)

    async def find_version(self, agent: str, version: int) -> Agent | None:
        self.asked += 1
        return await self._agents.find_version(agent, version)

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Agent]:
        self.listed += 1
        return await self._agents.list(after=after, limit=2)


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


def test_a_change_takes_effect_when_it_is_told() -> None:
    """What was remembered is dropped: agents, versions and the list."""

    async def work() -> None:
        store = Counting()
        directory = Directory(store, 60)
        assert await directory.get("helper") is None
        assert await directory.get_version("helper", 1) is None
        assert list(await directory.list()) == []
        await store.put(HELPER)
        directory.forget()

        assert [agent.id for agent in await directory.list()] == ["helper"]
        assert await directory.get("helper") == await directory.get_version("helper", 1)

    run(work)


def test_an_answer_that_was_on_its_way_is_not_remembered() -> None:
    """Who forgets while the store is being asked hears the new answer from then on."""

    async def work() -> None:
        store = Counting()
        directory = Directory(store, 60)
        store.before_answer = directory.forget
        await directory.get("helper")
        store.before_answer = None
        await directory.get("helper")
        await directory.get("helper")

        assert store.asked == 2

    run(work)


def test_a_version_is_asked_for_once() -> None:
    """What a version says never changes; whether its agent is still there may."""

    async def work() -> None:
        store = Counting()
        await store.put(HELPER)
        await store.put(attrs.evolve(HELPER, name="Other"))
        directory = Directory(store, 60)
        found = [await directory.get_version("helper", 1) for _ in range(3)]

        assert ["", "", ""] == [agent.name for agent in found if agent is not None]
        assert store.asked == 1

    run(work)


def test_agents_are_listed_over_all_pages() -> None:
    """In the order of their ids; for some seconds without asking again."""

    async def work() -> None:
        store = Counting()
        for name in "edcba":
            await store.put(attrs.evolve(HELPER, id=name))
        directory = Directory(store, 60)
        listed = [[agent.id for agent in await directory.list()] for _ in range(2)]

        assert listed == [list("abcde")] * 2
        assert store.listed == 4

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
