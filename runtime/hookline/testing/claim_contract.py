"""The part of the store contract that concerns whose the runs of the outbox are."""

import asyncio
from datetime import timedelta
from itertools import chain
from pathlib import Path

import attrs

from hookline.archive import content_of
from hookline.store import Store
from hookline.testing.outbox_suite import WHOLE, contents, ids, under_way, with_parked
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, TOKYO, StoreSuite, raised, run
from hookline.usage import Closing

MICROSECOND = timedelta(microseconds=1)


class ClaimContract(StoreSuite):
    """The part of the contract that concerns leases and claims."""

    def test_runs_without_a_lease_are_claimed(self, tmp_path: Path) -> None:
        """Nobody's, and those of a server that never had one; they are the claimer's then."""

        async def check(store: Store) -> None:
            put = [under_way("run_2"), under_way("run_1", ""), attrs.evolve(WHOLE, id="run_0")]
            await store.outbox.put(put, durable=True)
            claimed = await store.outbox.claim("two", EARLIER)

            expected = contents([attrs.evolve(one, server="two") for one in reversed(put)])
            assert contents(claimed) == expected
            assert contents(await store.outbox.owned("two")) == expected
            assert list(await store.outbox.owned("one")) == []
            assert list(await store.outbox.owned("")) == []

        run(check, self.open(tmp_path))

    def test_a_claimed_run_is_lost_to_its_server(self, tmp_path: Path) -> None:
        """Neither a put nor a removal of the first server changes it; those of the other one do."""

        async def check(store: Store) -> None:
            await store.outbox.put([under_way("run_1")], durable=True)
            claimed = await store.outbox.claim("two", EARLIER)
            mine = under_way("run_2")

            late = under_way("run_1", ended=True)
            assert await store.outbox.put([late, mine], durable=True) == {"run_1"}
            await store.outbox.remove(["run_1"], server="one")
            assert contents(await store.outbox.owned("two")) == contents(claimed)
            assert contents(await store.outbox.owned("one")) == contents([mine])
            ended = attrs.evolve(claimed[0], ended=True)
            assert await store.outbox.put([ended], durable=True) == set()
            assert contents(await store.outbox.owned("two")) == contents([ended])
            await store.outbox.remove(["run_1"], server="two")
            assert list(await store.outbox.owned("two")) == []

        run(check, self.open(tmp_path))

    def test_a_lease_protects_runs(self, tmp_path: Path) -> None:
        """Until its end, to the microsecond, in whatever zone; also those that are put later."""

        async def check(store: Store) -> None:
            until = EARLIER + DAY
            await store.outbox.put([under_way("run_1")], durable=True)
            await store.outbox.lease("one", until.astimezone(TOKYO))
            await store.outbox.put([under_way("run_2")], durable=True)
            naive = until.replace(tzinfo=None)
            assert await raised(ValueError, store.outbox.lease("one", naive))
            assert await raised(ValueError, store.outbox.claim("two", naive))

            for moment in (EARLIER, until - MICROSECOND):
                assert list(await store.outbox.claim("two", moment)) == []
            claimed = await store.outbox.claim("two", until.astimezone(TOKYO))
            assert ids(claimed) == ["run_1", "run_2"]

        run(check, self.open(tmp_path))

    def test_a_lease_that_is_renewed_protects_on(self, tmp_path: Path) -> None:
        """Until the latest moment that was said; one that had ended protects again."""

        async def check(store: Store) -> None:
            await store.outbox.put([under_way("run_1")], durable=True)
            for days in (1, 3, 2):
                await store.outbox.lease("one", EARLIER + days * DAY)
            assert list(await store.outbox.claim("two", EARLIER + 3 * DAY - MICROSECOND)) == []
            await store.outbox.lease("one", EARLIER + 5 * DAY)
            assert list(await store.outbox.claim("two", EARLIER + 4 * DAY)) == []
            await store.outbox.lease("three", EARLIER + 9 * DAY)
            assert ids(await store.outbox.claim("two", EARLIER + 5 * DAY)) == ["run_1"]

        run(check, self.open(tmp_path))

    def test_a_server_that_leaves_protects_nothing(self, tmp_path: Path) -> None:
        """Its runs can be claimed at once, those of others cannot; it may come back."""

        async def check(store: Store) -> None:
            for server in ("one", "two"):
                await store.outbox.put([under_way(f"run_{server}", server)], durable=True)
                await store.outbox.lease(server, EARLIER + DAY)
            await store.outbox.leave("unknown")
            await store.outbox.leave("one")
            assert ids(await store.outbox.owned("one")) == ["run_one"]
            assert ids(await store.outbox.claim("three", EARLIER)) == ["run_one"]
            await store.outbox.put([under_way("run_4")], durable=True)
            await store.outbox.lease("one", EARLIER + MICROSECOND)
            await store.outbox.lease("three", EARLIER + DAY)

            assert list(await store.outbox.claim("four", EARLIER)) == []
            assert ids(await store.outbox.claim("four", EARLIER + MICROSECOND)) == ["run_4"]

        run(check, self.open(tmp_path))

    def test_runs_at_rest_stay_where_they_are(self, tmp_path: Path) -> None:
        """One of which all is taken or parked is not claimed; one that waits for anything is."""

        async def check(store: Store) -> None:
            waits = with_parked("waits", times=2)
            runs = [
                with_parked("parked"),
                attrs.evolve(with_parked("told"), parked=[], recorders=[]),
                attrs.evolve(waits, parked=waits.parked[:1]),
                attrs.evolve(with_parked("other"), recorders=["ledger", "other"]),
                attrs.evolve(with_parked("lives"), ended=False),
            ]
            resting = ["parked", "told"]
            assert [one.id for one in runs if one.at_rest] == resting
            await store.outbox.put(runs, durable=True)

            assert ids(await store.outbox.claim("two", EARLIER)) == ["lives", "other", "waits"]
            assert ids(await store.outbox.owned("one")) == resting

        run(check, self.open(tmp_path))

    def test_a_server_does_not_claim_its_own(self, tmp_path: Path) -> None:
        """They are under way with it, whether it has a lease or let it end."""

        async def check(store: Store) -> None:
            await store.outbox.put([under_way("run_1"), under_way("run_2", "two")], durable=True)
            await store.outbox.lease("one", EARLIER)

            assert ids(await store.outbox.claim("one", EARLIER + DAY)) == ["run_2"]
            assert list(await store.outbox.claim("one", EARLIER + DAY)) == []
            assert ids(await store.outbox.owned("one")) == ["run_1", "run_2"]

        run(check, self.open(tmp_path))

    def test_runs_are_claimed_in_their_order(self, tmp_path: Path) -> None:
        """As many as are asked for, the lowest ids first, whoever's they are."""

        async def check(store: Store) -> None:
            runs = [under_way(id_, f"s{len(id_) % 3}") for id_ in ODD_IDS]
            await store.outbox.put(runs, durable=True)
            found: list[str] = []
            while page := await store.outbox.claim("two", EARLIER, limit=5):
                assert len(page) == min(5, len(ODD_IDS) - len(found))
                found += ids(page)

            assert found == sorted(ODD_IDS)
            assert ids(await store.outbox.owned("two")) == found

        run(check, self.open(tmp_path))

    def test_of_claimers_at_once_one_gets_a_run(self, tmp_path: Path) -> None:
        """Each run is given to one of them, and it is the one that owns it."""

        async def check(store: Store) -> None:
            runs = [under_way(f"run_{i:02}", f"gone_{i % 3}") for i in range(40)]
            await store.outbox.put(runs, durable=True)
            servers = [f"server_{i}" for i in range(8)]
            for server in servers:
                await store.outbox.lease(server, EARLIER + DAY)
            given: dict[str, list[str]] = {server: [] for server in servers}

            async def claim(server: str) -> None:
                for _ in runs:
                    given[server] += ids(await store.outbox.claim(server, EARLIER, limit=3))

            await asyncio.gather(*(claim(server) for server in servers))
            assert sorted(chain.from_iterable(given.values())) == ids(runs)
            for server in servers:
                assert ids(await store.outbox.owned(server)) == sorted(given[server])

        run(check, self.open(tmp_path))

    def test_a_claim_and_a_put_at_once_agree(self, tmp_path: Path) -> None:
        """What was kept is what the claimer has; what was not kept, its server is told."""

        async def check(store: Store) -> None:
            for i in range(10):
                first = [under_way(f"run_{i}_{k}") for k in range(4)]
                later = [attrs.evolve(one, closing=_failed(one.closing)) for one in first]
                await store.outbox.put(first, durable=True)
                lost, claimed = await asyncio.gather(
                    store.outbox.put(later, durable=False), store.outbox.claim("two", EARLIER)
                )

                expected = [
                    old if old.id in lost else new for old, new in zip(first, later, strict=True)
                ]
                kept = [{**content_of(one), "server": "two"} for one in expected]
                assert contents(claimed) == kept
                assert contents(await store.outbox.owned("two")) == kept
                await store.outbox.remove(ids(claimed), server="two")

        run(check, self.open(tmp_path))


def _failed(closing: Closing) -> Closing:
    return attrs.evolve(closing, outcome="failed")
