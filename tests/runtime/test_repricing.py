"""What was used is priced again, once, and only the difference is written down."""

import asyncio
from datetime import timedelta

import attrs

from hookline.ledger import Account, EntryQuery, LedgerEntry
from hookline.repricing import Repriced, reprice
from hookline.usage import Price, TokenCounts, UsageEntry
from hookline_memory.ledger import MemoryLedger
from support.ledgers import NOON
from support.runtimes import run

DAY = timedelta(days=1)


class Prices:
    """So much for a token, and twice as much if there are more than a hundred."""

    def __init__(self, rate: int, version: str):
        self.rate = rate
        self.version = version

    def __call__(self, entry: UsageEntry) -> Price | None:
        if entry.model == "unknown":
            return None
        count = entry.tokens.input + entry.tokens.output
        rate = self.rate * (2 if entry.tokens.input > 100 else 1)
        return Price(amount=count * rate, version=self.version)


def entry(number: int, amount: int, **fields: object) -> LedgerEntry:
    """A call of a run's, paid by alice."""
    tokens = TokenCounts(input=10)
    return LedgerEntry(
        **{
            "id": f"r{number}:0",
            "kind": "usage",
            "account": "user:alice",
            "amount": amount,
            "at": NOON + number * DAY,
            "run": f"r{number}",
            "step": 0,
            "model": "m",
            "user": "alice",
            "tokens": tokens,
            "price_version": "old",
            **fields,
        }
    )


async def opened(*entries: LedgerEntry) -> MemoryLedger:
    """A ledger with these entries, and an account that has paid for those with one."""
    ledger = MemoryLedger()
    paid = [one for one in entries if one.account]
    balance = 1000 + sum(one.amount for one in paid)
    account = Account(id="user:alice", version=1, balance=balance, created_at=NOON, updated_at=NOON)
    await ledger.change(account, paid, expected=0)
    await ledger.add([one for one in entries if not one.account])
    return ledger


async def balance(ledger: MemoryLedger) -> int | None:
    """What is left."""
    account = await ledger.account("user:alice")
    assert account is not None
    return account.balance


def test_only_the_difference_is_written_down() -> None:
    """For entries of the moment or later; the balance pays it; what has no price stays."""

    async def work() -> None:
        ledger = await opened(
            entry(0, -10),
            entry(1, -10),
            entry(2, 0, unpriced=True, account=None, price_version=""),
            entry(3, 0, model="unknown", unpriced=True),
            entry(4, -30),
        )
        done = await reprice(ledger, Prices(3, "new"), NOON + DAY, clock=lambda: NOON + 9 * DAY)

        assert Repriced(entries=4, corrected=2, amount=50, unpriced=1) == done
        corrections = await ledger.entries(EntryQuery(kinds=["correction"]))
        assert {("r1:0", -20), ("r2:0", -30)} == {(one.corrects, one.amount) for one in corrections}
        assert {"new"} == {one.price_version for one in corrections}
        assert 1000 - 10 - 10 - 30 - 20 == await balance(ledger)
        (total,) = await ledger.sums(EntryQuery())
        assert (5, 10 + 30 + 30 + 30) == (total.calls, total.amount)

    run(work)


def test_a_second_time_nothing_is_left_to_do() -> None:
    """Nor for those who do it at the same moment; back to the old prices is a correction too."""

    async def work() -> None:
        ledger = await opened(*(entry(number, -10) for number in range(20)))
        await asyncio.gather(*(reprice(ledger, Prices(2, "new"), NOON) for _ in range(5)))
        assert 1000 - 20 * 20 == await balance(ledger)

        again = await reprice(ledger, Prices(2, "new"), NOON)
        assert (0, 0) == (again.corrected, again.amount)
        back = await reprice(ledger, Prices(1, "old"), NOON)
        assert (20, -200) == (back.corrected, back.amount)
        assert 1000 - 20 * 10 == await balance(ledger)
        forth = await reprice(ledger, Prices(2, "new"), NOON)
        assert 20 == forth.corrected

    run(work)


def test_a_dry_run_changes_nothing() -> None:
    """It says what would be done."""

    async def work() -> None:
        ledger = await opened(entry(0, -10))
        told: list[int] = []
        done = await reprice(
            ledger, Prices(2, "new"), NOON, keep=False, told=lambda one: told.append(one.entries)
        )

        assert (1, 10, [1]) == (done.corrected, done.amount, told)
        assert 990 == await balance(ledger)

    run(work)


def test_a_supplement_costs_what_it_adds_to_its_call() -> None:
    """With prices unchanged, nothing is corrected although the whole call is in a dearer tier."""
    prices = Prices(1, "old")
    noted, whole = TokenCounts(input=90), TokenCounts(input=150)
    first = entry(0, -90, tokens=noted)
    supplement = attrs.evolve(
        first, id="r0:0:more", amount=-(300 - 90), tokens=TokenCounts(input=60)
    )

    async def work() -> None:
        ledger = await opened(first, supplement)
        same = await reprice(ledger, prices, NOON)
        dearer = await reprice(ledger, Prices(2, "new"), NOON)

        assert 0 == same.corrected
        assert (2, 300) == (dearer.corrected, dearer.amount)
        assert 1000 - 600 == await balance(ledger)

    assert whole.input == noted.input + supplement.tokens.input
    run(work)
