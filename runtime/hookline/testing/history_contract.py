"""The part of the store contract that concerns the history of runs."""

import asyncio
from pathlib import Path

import attrs

from hookline.history import RunRecord
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, StoreSuite, run

RUNNING = RunRecord(
    id="run_1",
    user="alice",
    key="key_1",
    agent="helper",
    version=3,
    conversation="talk",
    state="running",
    started_at=EARLIER,
)
FINISHED = attrs.evolve(RUNNING, state="finished", reason="stop", ended_at=EARLIER + DAY)


class HistoryContract(StoreSuite):
    """The part of the contract that concerns the history of runs."""

    def test_a_run_ends_once(self, tmp_path: Path) -> None:
        """What says that it runs never takes the place of what says how it ended."""

        async def check(store: Store) -> None:
            await store.runs.keep([RUNNING])
            assert await store.runs.get("run_1") == RUNNING
            await store.runs.keep([FINISHED, attrs.evolve(RUNNING, id="run_2")])
            await store.runs.keep([RUNNING])

            assert await store.runs.get("run_1") == FINISHED
            assert await store.runs.get("run_3") is None
            await store.runs.keep([])

        run(check, self.open(tmp_path))

    def test_runs_are_listed_in_pages(self, tmp_path: Path) -> None:
        """All of them or a user's, ordered by id."""

        async def check(store: Store) -> None:
            users = {"b": "alice", "a": "bob", "c": "alice", "d": "alice"}
            await store.runs.keep(
                [attrs.evolve(RUNNING, id=id_, user=user) for id_, user in users.items()]
            )
            found, after = list[str](), ""
            while page := await store.runs.list(user="alice", after=after, limit=2):
                after = page[-1].id
                found += [one.id for one in page]

            assert found == ["b", "c", "d"]
            assert [one.id for one in await store.runs.list()] == ["a", "b", "c", "d"]

        run(check, self.open(tmp_path))

    def test_old_runs_are_forgotten(self, tmp_path: Path) -> None:
        """By when they ended; one that runs is not old."""

        async def check(store: Store) -> None:
            later = attrs.evolve(FINISHED, id="later", ended_at=EARLIER + 2 * DAY)
            await store.runs.keep([FINISHED, later, attrs.evolve(RUNNING, id="running")])

            assert await store.runs.forget(EARLIER + DAY) == 0
            assert await store.runs.forget(EARLIER + 2 * DAY) == 1
            assert [one.id for one in await store.runs.list()] == ["later", "running"]

        run(check, self.open(tmp_path))

    def test_the_end_of_a_run_stays_whoever_is_faster(self, tmp_path: Path) -> None:
        """Of records that are kept at once, and of one batch with both."""

        async def check(store: Store) -> None:
            batches = [[RUNNING], [FINISHED], [RUNNING]] * 5
            await asyncio.gather(*map(store.runs.keep, batches))
            both = [attrs.evolve(one, id="both") for one in (RUNNING, FINISHED, RUNNING)]
            await store.runs.keep(both)

            assert await store.runs.get("run_1") == FINISHED
            assert await store.runs.get("both") == both[1]

        run(check, self.open(tmp_path))

    def test_thousands_of_runs_can_be_kept_at_once(self, tmp_path: Path) -> None:
        """What waited while the store did not answer comes in one batch."""

        async def check(store: Store) -> None:
            many = [attrs.evolve(FINISHED, id=f"run_{i:04}") for i in range(2000)]
            await store.runs.keep(many)

            assert list(await store.runs.list(after="run_0999")) == many[1000:]
            assert await store.runs.forget(EARLIER + 2 * DAY) == 2000

        run(check, self.open(tmp_path))
