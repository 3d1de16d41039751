"""The part of the store contract that concerns the outbox: who keeps, finds and forgets what."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from hookline.archive import ArchiveRecord, content_of
from hookline.outbox import OutboxCounts, OutboxRun
from hookline.store import Store
from hookline.testing.outbox_suite import (
    CALL,
    CLOSING,
    PARKED,
    WHOLE,
    contents,
    ids,
    under_way,
    with_parked,
)
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, TOKYO, StoreSuite, raised, run
from hookline.usage import Price


async def in_pages(
    read: Callable[..., Awaitable[Sequence[OutboxRun]]], *args: str, size: int = 5
) -> list[str]:
    """The ids of all runs that a method gives, in pages."""
    found: list[str] = []
    while page := await read(*args, after=found[-1] if found else "", limit=size):
        assert len(page) <= size
        found += ids(page)
    return found


class OutboxContract(StoreSuite):
    """The part of the contract that concerns what is in the outbox."""

    def test_a_run_in_the_outbox_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """Every field survives, durable or not; what is put last stays."""

        async def check(store: Store) -> None:
            for durable in (True, False):
                assert await store.outbox.put([WHOLE], durable=durable) == set()
                assert contents(await store.outbox.owned("one")) == contents([WHOLE])
                plain = under_way("run_1", entries=())
                assert await store.outbox.put([plain], durable=durable) == set()
                assert contents(await store.outbox.owned("one")) == contents([plain])
            assert await store.outbox.put([], durable=True) == set()
            assert list(await store.outbox.owned("nobody")) == []

        run(check, self.open(tmp_path))

    def test_a_run_in_the_outbox_is_found_by_its_id(self, tmp_path: Path) -> None:
        """Whoever has it, whole, however odd the id is."""

        async def check(store: Store) -> None:
            theirs = attrs.evolve(WHOLE, id="run_2", server="two")
            odd = [under_way(id_) for id_ in ODD_IDS]
            await store.outbox.put([WHOLE, theirs, *odd], durable=False)

            for one in (WHOLE, theirs, *odd):
                found = await store.outbox.find(one.id)
                assert found is not None
                assert contents([found]) == contents([one])
            assert await store.outbox.find("run_3") is None

        run(check, self.open(tmp_path))

    def test_a_run_of_another_server_is_not_put(self, tmp_path: Path) -> None:
        """It stays as it is, its id is given back, and what else was put is kept."""

        async def check(store: Store) -> None:
            first = under_way("run_1")
            await store.outbox.put([first, under_way("run_0", "")], durable=True)
            others = [under_way(f"run_{i}", "two", ended=True) for i in range(4)]
            mine = under_way("run_5", ended=True)

            lost = await store.outbox.put([*others, mine], durable=True)
            assert lost == {"run_0", "run_1"}
            assert contents(await store.outbox.owned("one")) == contents([first, mine])
            assert contents(await store.outbox.owned("two")) == contents(others[2:])

        run(check, self.open(tmp_path))

    def test_of_putters_at_once_one_owns_the_run(self, tmp_path: Path) -> None:
        """Whoever is first; the others are told that it is not theirs."""

        async def check(store: Store) -> None:
            puts = [under_way("run_1", f"server_{i}") for i in range(8)]
            answers = await asyncio.gather(
                *(store.outbox.put([one], durable=False) for one in puts)
            )

            kept = [one for one, lost in zip(puts, answers, strict=True) if not lost]
            assert len(kept) == 1
            assert contents(await store.outbox.owned(kept[0].server)) == contents(kept)
            assert (await store.outbox.counts()).runs == 1

        run(check, self.open(tmp_path))

    def test_a_server_forgets_its_own_runs(self, tmp_path: Path) -> None:
        """Those of others stay, whoever names them; runs that nobody knows do not matter."""

        async def check(store: Store) -> None:
            puts = [under_way("run_1"), under_way("run_2"), under_way("run_3", "two")]
            await store.outbox.put(puts, durable=True)
            await store.outbox.remove([], server="one")
            await store.outbox.remove({"run_1", "run_3", "unknown"}, server="one")

            assert ids(await store.outbox.owned("one")) == ["run_2"]
            assert contents(await store.outbox.owned("two")) == contents(puts[2:])
            assert await store.outbox.put([under_way("run_1", "two")], durable=True) == set()

        run(check, self.open(tmp_path))

    def test_runs_of_a_server_are_listed_in_pages(self, tmp_path: Path) -> None:
        """By the characters of their ids, however odd they and the server's id are."""

        async def check(store: Store) -> None:
            for server in ("a", "A", "$a.b"):
                runs = [under_way(f"{id_}{server}", server) for id_ in ODD_IDS]
                assert await store.outbox.put(runs, durable=True) == set()
            for server in ("a", "A", "$a.b"):
                expected = sorted(f"{id_}{server}" for id_ in ODD_IDS)
                assert await in_pages(store.outbox.owned, server) == expected
                assert ids(await store.outbox.owned(server)) == expected
                await store.outbox.remove(expected[1:], server=server)
                assert ids(await store.outbox.owned(server)) == expected[:1]

        run(check, self.open(tmp_path))

    def test_what_is_parked_is_found(self, tmp_path: Path) -> None:
        """Of all servers and of none, in pages, by id; runs without anything parked are not."""

        async def check(store: Store) -> None:
            runs = [with_parked(id_, "" if id_ < "a" else "one") for id_ in ODD_IDS]
            await store.outbox.put([*runs, under_way("c"), WHOLE], durable=True)

            expected = sorted([*ODD_IDS, WHOLE.id])
            assert await in_pages(store.outbox.parked) == expected
            assert ids(await store.outbox.parked()) == expected
            found = [one for one in await store.outbox.parked() if one.id == WHOLE.id]
            assert contents(found) == contents([WHOLE])
            await store.outbox.put([attrs.evolve(WHOLE, parked=[])], durable=True)
            assert await in_pages(store.outbox.parked) == sorted(ODD_IDS)

        run(check, self.open(tmp_path))

    def test_what_is_parked_can_be_told_again(self, tmp_path: Path) -> None:
        """The run is nobody's then, whoever lives, and nothing of it is parked; once."""

        async def check(store: Store) -> None:
            resting, other = with_parked("run_1", times=3), with_parked("run_2")
            await store.outbox.put([resting, other, under_way("run_3")], durable=True)
            await store.outbox.lease("one", EARLIER + DAY)

            assert await store.outbox.retry("unknown") is False
            assert await store.outbox.retry("run_3") is False
            assert await store.outbox.retry("run_1") is True
            assert await store.outbox.retry("run_1") is False
            assert contents(await store.outbox.parked()) == contents([other])
            assert ids(await store.outbox.owned("one")) == ["run_2", "run_3"]
            assert await store.outbox.put([resting], durable=True) == {"run_1"}
            [claimed] = await store.outbox.claim("two", EARLIER)
            [again] = contents([attrs.evolve(resting, parked=[], server="two")])
            assert {**content_of(claimed), "updated_at": again["updated_at"]} == again
            assert not claimed.at_rest

        run(check, self.open(tmp_path))

    def test_the_outbox_counts_what_it_has(self, tmp_path: Path) -> None:
        """Runs, whatever becomes of them, and items of them that are parked."""

        async def check(store: Store) -> None:
            assert await store.outbox.counts() == OutboxCounts(runs=0, parked=0)
            runs = [under_way("run_1"), with_parked("run_2", times=3), with_parked("run_3", "two")]
            await store.outbox.put(runs, durable=True)
            assert await store.outbox.counts() == OutboxCounts(runs=3, parked=4)
            await store.outbox.retry("run_3")
            assert await store.outbox.counts() == OutboxCounts(runs=3, parked=3)
            await store.outbox.remove(["run_2"], server="one")
            assert await store.outbox.counts() == OutboxCounts(runs=2, parked=0)

        run(check, self.open(tmp_path))

    def test_thousands_of_runs_can_be_in_the_outbox(self, tmp_path: Path) -> None:
        """Put at once and forgotten at once."""

        async def check(store: Store) -> None:
            runs = [under_way(f"run_{i:04}", entries=()) for i in range(2500)]
            await store.outbox.put([under_way("run_0007", "two")], durable=False)
            assert await store.outbox.put(runs, durable=False) == {"run_0007"}
            assert len(await store.outbox.owned("one")) == 1000
            assert await store.outbox.counts() == OutboxCounts(runs=2500, parked=0)
            await store.outbox.remove(ids(runs), server="one")
            assert await store.outbox.counts() == OutboxCounts(runs=1, parked=0)

        run(check, self.open(tmp_path))

    def test_moments_in_the_outbox_are_utc(self, tmp_path: Path) -> None:
        """Those of entries and of what is parked too; without a zone nothing is put."""
        naive, in_tokyo = EARLIER.replace(tzinfo=None), EARLIER.astimezone(TOKYO)

        def at(moment: Any) -> OutboxRun:
            call = attrs.evolve(CALL, at=moment)
            return attrs.evolve(
                WHOLE,
                closing=attrs.evolve(CLOSING, at=moment),
                entries=[call],
                open=[call],
                parked=[attrs.evolve(PARKED, at=moment)],
                updated_at=moment,
            )

        async def check(store: Store) -> None:
            for field in ("closing", "entries", "open", "parked", "updated_at"):
                wrong = attrs.evolve(WHOLE, **{field: getattr(at(naive), field)})
                puts = store.outbox.put([under_way("run_0"), wrong], durable=True)
                assert await raised(ValueError, puts), field
            assert (await store.outbox.counts()).runs == 0
            await store.outbox.put([at(in_tokyo)], durable=True)
            assert contents(await store.outbox.owned("one")) == contents([at(EARLIER)])

        run(check, self.open(tmp_path))

    def test_what_a_caller_changes_later_is_not_in_the_outbox(self, tmp_path: Path) -> None:
        """The store shares nothing with those who put and read."""

        async def check(store: Store) -> None:
            entries, rates = [CALL], {"input": "1"}
            priced = attrs.evolve(CALL, price=Price(amount=1, version="v", rates=rates))
            given = under_way("run_1", entries=entries, open=[priced])
            expected = contents([given])
            await store.outbox.put([given], durable=True)
            entries.clear()
            rates.clear()
            [found] = await store.outbox.owned("one")
            change: Any = found.open[0].price
            change.rates.clear()

            assert contents(await store.outbox.owned("one")) == expected

        run(check, self.open(tmp_path))

    def test_a_written_run_is_owned_as_it_says(self, tmp_path: Path) -> None:
        """What is derived of the run that an archive's record replaces is gone."""

        async def check(store: Store) -> None:
            await store.outbox.put([under_way("run_1"), with_parked("run_2")], durable=True)
            later = {"run_1": with_parked("run_1", "two"), "run_2": under_way("run_2", "three")}
            for id_, one in later.items():
                await store.archive.write("outbox", [ArchiveRecord(id_, content_of(one))])

            assert list(await store.outbox.owned("one")) == []
            assert ids(await store.outbox.owned("two")) == ["run_1"]
            assert ids(await store.outbox.parked()) == ["run_1"]
            assert await store.outbox.counts() == OutboxCounts(runs=2, parked=1)
            assert ids(await store.outbox.claim("four", EARLIER)) == ["run_2"]

        run(check, self.open(tmp_path))
