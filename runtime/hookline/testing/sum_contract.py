"""The part of the store contract that concerns sums of the ledger's entries."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from hookline.ledger import Dimension, EntryQuery, UsageSum
from hookline.store import Store
from hookline.testing.ledger_suite import ENTRY, LARGE, account, entry
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, TOKYO, StoreSuite, run
from hookline.usage import TokenCounts

DIMENSIONS: Sequence[Dimension] = (
    "user",
    "key",
    "agent",
    "provider",
    "model",
    "tool",
    "account",
)
"""All but the day."""

CALL: Mapping[str, Any] = {
    "user": "alice",
    "key": "key_1",
    "agent": "helper",
    "provider": "local",
    "model": "m",
    "account": "user:alice",
    "tokens": TokenCounts(
        input=10,
        output=20,
        cache_read=1,
        cache_write=2,
        reasoning=3,
        audio_input=4,
        audio_output=5,
    ),
}


class SumContract(StoreSuite):
    """The part of the contract that concerns sums."""

    def test_spending_is_summed(self, tmp_path: Path) -> None:
        """Calls by their kind, amounts with corrections, tokens of all; nothing else counts."""

        async def check(store: Store) -> None:
            spent = [
                entry("a", amount=-100, **CALL),
                entry("b", amount=-200, estimated=True, **CALL),
                entry("c", amount=0, unpriced=True, **CALL),
                entry("d", kind="tool", amount=-1000, tool="search"),
                entry("e", kind="tool", amount=0, tool="search", unpriced=True, estimated=True),
                entry("f", kind="correction", amount=50, corrects="a", unpriced=True),
                entry("g", kind="correction", amount=-3, corrects="b", estimated=True, **CALL),
            ]
            await store.ledger.add(spent[:2])
            paid = [entry("i", kind="credit", amount=10**6), entry("j", kind="start", amount=9)]
            paid += [entry("k", kind="refill", amount=99, estimated=True, **CALL)]
            await store.ledger.change(account(), [*spent[2:], *paid], expected=0)

            expected = UsageSum(
                group={},
                calls=3,
                tool_calls=2,
                input_tokens=40,
                output_tokens=80,
                cache_read_tokens=4,
                cache_write_tokens=8,
                reasoning_tokens=12,
                audio_input_tokens=16,
                audio_output_tokens=20,
                amount=1253,
                estimated=1,
                unpriced=2,
            )
            assert list(await store.ledger.sums(EntryQuery())) == [expected]
            paid_for = EntryQuery(kinds=["credit"])
            assert list(await store.ledger.sums(paid_for)) == [expected]

        run(check, self.open(tmp_path))

    def test_the_sum_of_nothing_is_nothing(self, tmp_path: Path) -> None:
        """One sum of zeros if it is not asked by anything, else no sum at all."""

        async def check(store: Store) -> None:
            for _ in range(2):
                assert list(await store.ledger.sums(EntryQuery())) == [UsageSum(group={})]
                assert list(await store.ledger.sums(EntryQuery(), ["user"])) == []
                await store.ledger.add([entry("a", kind="credit", user="ann")])

        run(check, self.open(tmp_path))

    def test_sums_are_exact(self, tmp_path: Path) -> None:
        """Amounts and tokens are whole numbers, beyond what floating-point ones can hold."""

        async def check(store: Store) -> None:
            await store.ledger.add([attrs.evolve(ENTRY, id=f"e{i}") for i in range(3)])
            correction = attrs.evolve(ENTRY, id="f", kind="correction", amount=1)
            await store.ledger.add([attrs.evolve(correction, tokens=TokenCounts())])
            [total] = await store.ledger.sums(EntryQuery())

            assert (total.amount, total.input_tokens) == (3 * LARGE - 1, 3 * LARGE)
            assert {type(total.amount), type(total.input_tokens), type(total.calls)} == {int}

        run(check, self.open(tmp_path))

    def test_sums_are_made_by_every_dimension(self, tmp_path: Path) -> None:
        """One for each value of it, those without one first."""

        async def check(store: Store) -> None:
            for i, dimension in enumerate(DIMENSIONS):
                values = {"a": 2, "b": 1}
                await store.ledger.add(
                    [
                        entry(f"{dimension}{value}{k}", amount=-(10**i), **{dimension: value})
                        for value, times in values.items()
                        for k in range(times)
                    ]
                )
            for i, dimension in enumerate(DIMENSIONS):
                total = 3 * sum(10**k for k in range(len(DIMENSIONS)))
                found = await store.ledger.sums(EntryQuery(), [dimension])
                assert [(one.group, one.amount, one.calls) for one in found] == [
                    ({dimension: None}, total - 3 * 10**i, 3 * len(DIMENSIONS) - 3),
                    ({dimension: "a"}, 2 * 10**i, 2),
                    ({dimension: "b"}, 10**i, 1),
                ], dimension

        run(check, self.open(tmp_path))

    def test_sums_are_made_by_the_day_in_utc(self, tmp_path: Path) -> None:
        """Whatever zone a moment was given in."""

        async def check(store: Store) -> None:
            after = EARLIER + timedelta(microseconds=1)
            moments = [EARLIER, EARLIER.astimezone(TOKYO), after.astimezone(TOKYO)]
            await store.ledger.add([entry(f"e{i}", at=at) for i, at in enumerate(moments)])

            found = await store.ledger.sums(EntryQuery(), ["day"])
            assert [(one.group["day"], one.calls) for one in found] == [
                ("2024-02-29", 2),
                ("2024-03-01", 1),
            ]

        run(check, self.open(tmp_path))

    def test_sums_are_made_by_several_dimensions(self, tmp_path: Path) -> None:
        """One for each combination that there is, in the order in which they are named."""

        async def check(store: Store) -> None:
            await store.ledger.add(
                [
                    entry("a", user="b", model="m", at=EARLIER + DAY),
                    entry("b", user="b", model="m"),
                    entry("c", user="a", model="n"),
                    entry("d", user="a", model="n", kind="tool", tool="t"),
                    entry("e", user="a"),
                    entry("f", user=None, model="m"),
                ]
            )
            by_user = await store.ledger.sums(EntryQuery(), ["user", "model"])
            assert [(*one.group.items(), one.calls) for one in by_user] == [
                (("user", None), ("model", "m"), 1),
                (("user", "a"), ("model", None), 1),
                (("user", "a"), ("model", "n"), 1),
                (("user", "b"), ("model", "m"), 2),
            ]
            by_model = await store.ledger.sums(EntryQuery(), ["model", "tool", "day", "user"])
            assert [tuple(one.group.values()) for one in by_model] == [
                (None, None, "2024-02-29", "a"),
                ("m", None, "2024-02-29", None),
                ("m", None, "2024-02-29", "b"),
                ("m", None, "2024-03-01", "b"),
                ("n", None, "2024-02-29", "a"),
                ("n", "t", "2024-02-29", "a"),
            ]

        run(check, self.open(tmp_path))

    def test_sums_are_in_the_order_of_their_texts(self, tmp_path: Path) -> None:
        """Character by character, as many as are asked for; an empty text is not none."""

        async def check(store: Store) -> None:
            values = [None, "", *ODD_IDS]
            await store.ledger.add([entry(f"e{i}", user=one) for i, one in enumerate(values)])

            expected = [None, "", *sorted(ODD_IDS)]
            found = await store.ledger.sums(EntryQuery(), ["user"])
            assert [one.group["user"] for one in found] == expected
            assert {one.calls for one in found} == {1}
            first = await store.ledger.sums(EntryQuery(), ["user"], limit=7)
            assert [one.group["user"] for one in first] == expected[:7]

        run(check, self.open(tmp_path))

    def test_sums_are_of_what_the_query_asks_for(self, tmp_path: Path) -> None:
        """By each of its fields, but for the kinds."""
        names = ("account", "user", "key", "agent", "provider", "model", "run")
        mine = dict.fromkeys(names, "a")

        async def check(store: Store) -> None:
            await store.ledger.add([entry("mine", **mine, amount=-7), entry("other")])
            await store.ledger.add([entry("late", amount=-11, at=EARLIER + DAY)])
            await store.ledger.add([entry("fix", kind="correction", amount=-13, corrects="mine")])

            for name in mine:
                assert await spent(store, **{name: "a"}) == 7, name
            assert await spent(store, since=EARLIER + DAY) == 11
            assert await spent(store, until=(EARLIER + DAY).astimezone(TOKYO)) == 21
            assert await spent(store, corrects=["mine", "other"]) == 13
            assert await spent(store, kinds=["tool"], user="a") == 7
            assert await spent(store, user="nobody") == 0
            [by_user] = await store.ledger.sums(EntryQuery(user="a"), ["user", "key"])
            assert (by_user.group, by_user.amount) == ({"user": "a", "key": "a"}, 7)

        run(check, self.open(tmp_path))


async def spent(store: Store, **query: Any) -> int:
    """The sum of what was spent on what a query asks for."""
    [total] = await store.ledger.sums(EntryQuery(**query))
    return total.amount
