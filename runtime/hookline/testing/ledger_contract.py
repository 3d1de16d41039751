"""The part of the store contract that concerns the ledger's entries."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from hookline.archive import ArchiveRecord, content_of
from hookline.ledger import EntryKind, EntryQuery, LedgerEntry
from hookline.store import Store
from hookline.testing.ledger_suite import ACCOUNT, ENTRY, LARGE, account, entry
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, TOKYO, StoreSuite, raised, run

MICROSECOND = timedelta(microseconds=1)
KINDS: tuple[EntryKind, ...] = ("usage", "tool", "correction", "start", "refill", "credit")


class LedgerContract(StoreSuite):
    """The part of the contract that concerns the ledger's entries."""

    def test_an_entry_comes_back_as_it_was_added(self, tmp_path: Path) -> None:
        """Every field survives, whether it came with an account or without one."""

        async def check(store: Store) -> None:
            kinds = [entry(f"k{i}", kind=kind, amount=LARGE) for i, kind in enumerate(KINDS)]
            other = attrs.evolve(ENTRY, id="other")
            await store.ledger.add([ENTRY, *kinds])
            await store.ledger.change(account(), [other], expected=0)

            expected = sorted([ENTRY, other, *kinds], key=_age, reverse=True)
            assert list(await store.ledger.entries(EntryQuery())) == expected
            assert list(await store.ledger.entries(EntryQuery(run="run_1"))) == [ENTRY, other]

        run(check, self.open(tmp_path))

    def test_a_known_entry_stays_as_it_is(self, tmp_path: Path) -> None:
        """Whoever adds it again, however it came; of a batch with one twice, the first stays."""

        async def check(store: Store) -> None:
            await store.ledger.add([ENTRY])
            await store.ledger.change(account(), [entry("paid")], expected=0)
            late = [attrs.evolve(ENTRY, amount=0), entry("paid", amount=0), entry("new")]
            await store.ledger.add([*late, entry("new", amount=0)])
            await store.ledger.add([])

            expected = sorted([ENTRY, entry("paid"), entry("new")], key=_age, reverse=True)
            assert list(await store.ledger.entries(EntryQuery())) == expected
            assert await store.ledger.account(ACCOUNT.id) == account()

        run(check, self.open(tmp_path))

    def test_entries_added_at_once_are_all_kept(self, tmp_path: Path) -> None:
        """Each once, although two add the same one."""

        async def check(store: Store) -> None:
            added = [entry(f"e{i:02}") for i in range(20)]
            await asyncio.gather(*(store.ledger.add(added[i : i + 2]) for i in range(19)))
            assert list(await store.ledger.entries(EntryQuery())) == added[::-1]

        run(check, self.open(tmp_path))

    def test_known_entries_are_told_apart(self, tmp_path: Path) -> None:
        """Those that are there, of however many; odd ids are not confused."""

        async def check(store: Store) -> None:
            odd = [id_ for id_ in ODD_IDS if id_ != "a"]
            await store.ledger.add([entry(id_) for id_ in odd])
            many = [f"e{i}" for i in range(2500)]
            await store.ledger.add([entry(id_) for id_ in many])

            assert await store.ledger.known([*ODD_IDS, "unknown"]) == {*odd}
            unknown = [f"u{i}" for i in range(2500)]
            assert await store.ledger.known([*unknown, *many]) == {*many}
            assert await store.ledger.known([]) == frozenset()
            assert await store.ledger.known({"a"}) == frozenset()

        run(check, self.open(tmp_path))

    def test_entries_are_read_newest_first(self, tmp_path: Path) -> None:
        """In pages, by the microsecond and, of one moment, by the characters of the ids."""

        async def check(store: Store) -> None:
            added = [
                entry(id_, at=EARLIER + (i % 3 - 1) * MICROSECOND) for i, id_ in enumerate(ODD_IDS)
            ]
            await store.ledger.add(added)
            found: list[LedgerEntry] = []
            while page := await store.ledger.entries(
                EntryQuery(), before=found[-1].id if found else "", limit=5
            ):
                assert len(page) <= 5
                found += page

            expected = sorted(added, key=_age, reverse=True)
            assert found == expected
            assert list(await store.ledger.entries(EntryQuery())) == expected
            assert list(await store.ledger.entries(EntryQuery(), before="unknown")) == []

        run(check, self.open(tmp_path))

    def test_a_page_has_a_hundred_entries(self, tmp_path: Path) -> None:
        """If no other number is asked for."""

        async def check(store: Store) -> None:
            added = [entry(f"e{i:03}") for i in range(101)]
            await store.ledger.add(added)
            assert list(await store.ledger.entries(EntryQuery())) == added[:0:-1]

        run(check, self.open(tmp_path))

    def test_entries_are_asked_for_by_what_they_are(self, tmp_path: Path) -> None:
        """By each field of the query, alone and together, and in pages."""
        mine = {"account": "user:a", "user": "a", "key": "k", "agent": "h", "provider": "p"}
        mine |= {"model": "m", "run": "r"}

        async def check(store: Store) -> None:
            added = [entry("none"), entry("all", **mine)]
            added += [entry(f"not {name}", **{**mine, name: "other"}) for name in mine]
            await store.ledger.add(added)

            assert await ask(store, **mine) == {"all"}
            for name, value in mine.items():
                others = {f"not {other}" for other in mine if other != name}
                assert await ask(store, **{name: value}) == {"all", *others}, name
                assert await ask(store, **{name: "other"}) == {f"not {name}"}, name
                assert await ask(store, **{name: "nobody"}) == set(), name
            query = EntryQuery(user="a")
            after = await store.ledger.entries(query, before="none")
            assert [one.id for one in after] == sorted(
                (one.id for one in added if one.user == "a" and one.id < "none"), reverse=True
            )

        run(check, self.open(tmp_path))

    def test_entries_are_asked_for_by_time(self, tmp_path: Path) -> None:
        """From a moment on and before another one, to the microsecond, in whatever zone."""

        async def check(store: Store) -> None:
            times = {"a": -DAY, "b": -MICROSECOND, "c": timedelta(), "d": MICROSECOND, "e": DAY}
            await store.ledger.add([entry(id_, at=EARLIER + by) for id_, by in times.items()])
            until = (EARLIER + MICROSECOND).astimezone(TOKYO)

            assert await ask(store, since=EARLIER) == {"c", "d", "e"}
            assert await ask(store, since=EARLIER.astimezone(TOKYO)) == {"c", "d", "e"}
            assert await ask(store, until=EARLIER) == {"a", "b"}
            assert await ask(store, since=EARLIER, until=until) == {"c"}
            assert await ask(store, since=EARLIER, until=EARLIER) == set()

        run(check, self.open(tmp_path))

    def test_entries_are_asked_for_by_kind_and_correction(self, tmp_path: Path) -> None:
        """Any of several kinds, any of several entries that were corrected, or both."""

        async def check(store: Store) -> None:
            await store.ledger.add([entry(kind, kind=kind) for kind in KINDS])
            fixes = {"x": "usage", "y": "tool", "z": "$a.b"}
            await store.ledger.add(
                [entry(id_, kind="correction", corrects=of) for id_, of in fixes.items()]
            )

            assert await ask(store, kinds=["tool", "credit"]) == {"tool", "credit"}
            assert await ask(store, kinds=["correction"]) == {"correction", *fixes}
            assert await ask(store, corrects=["usage", "$a.b", "unknown"]) == {"x", "z"}
            many = [*(f"e{i}" for i in range(2500)), "tool"]
            assert await ask(store, corrects=many) == {"y"}
            assert await ask(store, corrects=many, kinds=["usage", "tool"]) == set()
            assert len(await ask(store, kinds=[], corrects=[])) == 9

        run(check, self.open(tmp_path))

    def test_moments_of_entries_have_zones(self, tmp_path: Path) -> None:
        """If one of a batch has none, nothing of the batch is added."""

        async def check(store: Store) -> None:
            naive = entry("b", at=EARLIER.replace(tzinfo=None))
            assert await raised(ValueError, store.ledger.add([entry("a"), naive]))
            assert await store.ledger.known(["a", "b"]) == frozenset()

        run(check, self.open(tmp_path))

    def test_what_a_caller_changes_later_is_not_in_the_ledger(self, tmp_path: Path) -> None:
        """The store shares nothing with those who write and read."""

        async def check(store: Store) -> None:
            rates = {"input": "1"}
            await store.ledger.add([entry("a", rates=rates)])
            await store.ledger.change(account(), [entry("b", rates=rates)], expected=0)
            rates.clear()
            for found in await store.ledger.entries(EntryQuery()):
                change: Any = found.rates
                change.clear()

            kept = await store.ledger.entries(EntryQuery())
            assert [one.rates for one in kept] == [{"input": "1"}] * 2

        run(check, self.open(tmp_path))

    def test_a_written_entry_is_found_as_it_is(self, tmp_path: Path) -> None:
        """What is derived of the entry that an archive's record replaces is gone."""

        async def check(store: Store) -> None:
            await store.ledger.add([entry("e", user="ann", amount=-7)])
            later = entry("e", user="bob", amount=-LARGE, at=EARLIER + DAY, kind="tool")
            await store.archive.write("ledger", [ArchiveRecord("e", content_of(later))])

            assert await ask(store, user="ann") == set()
            assert await ask(store, user="bob", since=EARLIER + DAY, kinds=["tool"]) == {"e"}
            [total] = await store.ledger.sums(EntryQuery(), ["user", "day"])
            assert total.group == {"user": "bob", "day": "2024-03-01"}
            assert (total.amount, total.calls, total.tool_calls) == (LARGE, 0, 1)

        run(check, self.open(tmp_path))


async def ask(store: Store, **query: Any) -> set[str]:
    """The ids of the entries that a query asks for, read in pages of three."""
    found: list[str] = []
    while page := await store.ledger.entries(
        EntryQuery(**query), before=found[-1] if found else "", limit=3
    ):
        found += [one.id for one in page]
    assert len(found) == len({*found})
    return {*found}


def _age(one: LedgerEntry) -> tuple[Any, str]:
    return one.at, one.id
