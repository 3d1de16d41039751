"""Reserving, charging, refilling and limiting. The seed's figures are from its section 11."""

import asyncio
from datetime import UTC, datetime

import attrs
import pytest

from hookline.errors import AdmissionRefused
from hookline.ledger import Limits, Refill
from hookline.money import CREDIT, DOLLAR
from hookline_memory.ledger import MemoryLedger
from support.ledgers import Clock, Office, admission, entry, office
from support.runtimes import run

CENT = DOLLAR // 100


def test_a_run_reserves_before_and_pays_after() -> None:
    """What it cost leaves the balance, and what it had reserved besides is free again."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="1.00") as it:
            await it.admit("r1", 30 * CENT)
            account = await it.account()
            assert (DOLLAR, 30 * CENT) == (account.balance, account.reserved(it.clock()))
            await it.use("r1", 12 * CENT)
            await it.close("r1")

            account = await it.account()
            assert (88 * CENT, {}) == (account.balance, account.reservations)
            kinds = [(one.kind, one.amount, one.account) for one in await it.entries()]
            assert {("start", DOLLAR, "user:alice"), ("usage", -12 * CENT, "user:alice")} == {
                *kinds
            }

    run(work)


def test_who_cannot_pay_is_refused_with_balance_and_estimate() -> None:
    """The message names both; nothing is reserved."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.10") as it:
            await it.admit("r1", 8 * CENT)
            with pytest.raises(AdmissionRefused) as caught:
                await it.admit("r2", 3 * CENT)
            assert caught.value.retry_after is None
            assert "balance of user:alice is $0.10" in str(caught.value)
            assert "$0.08 is reserved" in str(caught.value)
            assert "may cost $0.03" in str(caught.value)
            assert ["r1:0"] == list((await it.account()).reservations)

    run(work)


def test_debt_is_remembered() -> None:
    """The seed forgets what goes below zero (W3)."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.01") as it:
            await it.admit("r1", CENT)
            await it.use("r1", 4 * CENT)
            await it.close("r1")

            assert -3 * CENT == await it.balance()
            with pytest.raises(AdmissionRefused):
                await it.admit("r2", 0)

    run(work)


def test_recording_twice_is_recording_once() -> None:
    """While the run lives, after it has ended, by another server, and at the same moment."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="1.00") as it:
            await it.admit("r1", CENT)
            used = await it.use("r1", CENT)
            await it.ledger.record(used)
            await it.close("r1")
            await it.ledger.record(used)
            other = Office(it.store, it.clock, {"enforce_balance": True})
            await asyncio.gather(*(other.ledger.record(used) for _ in range(5)))
            await asyncio.gather(*(one.ledger.record(used) for one in (it, other)))

            assert 99 * CENT == await it.balance()
            assert 2 == len(await it.entries())

    run(work)


def test_an_unadmitted_run_is_charged_all_the_same() -> None:
    """Such as one that another server settled, whose reservation has ended."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="1.00") as it:
            await it.use("r1", CENT)
            await it.close("r1")

            assert 99 * CENT == await it.balance()

    run(work)


def test_a_reservation_lasts_as_long_as_it_is_renewed() -> None:
    """That of a server which died ends by itself."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.10", lease=60) as it:
            await it.admit("r1", 10 * CENT)
            it.clock.forward(seconds=50)
            await it.ledger.renew()
            it.clock.forward(seconds=50)
            with pytest.raises(AdmissionRefused):
                await it.admit("r2", CENT)
            it.clock.forward(seconds=60)
            await it.admit("r2", CENT)

            assert ["r2:0"] == list((await it.account()).reservations)

    run(work)


def test_the_first_with_an_account_pays() -> None:
    """The user, then a group, then the key; the user with a new account if nobody has one."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="1.00") as it:
            who = {"groups": frozenset({"g2", "g1"}), "key": "k"}
            await it.put("key:k", balance=DOLLAR)
            await it.admit("r1", CENT, **who)
            assert 1 == len((await it.account("key:k")).reservations)
            await it.put("group:g2", balance=DOLLAR)
            await it.admit("r2", CENT, **who)
            assert 1 == len((await it.account("group:g2")).reservations)
            await it.put("user:alice", balance=DOLLAR)
            await it.admit("r3", CENT, **who)
            assert 1 == len((await it.account("user:alice")).reservations)
            await it.admit("r4", CENT, user="bob")
            assert DOLLAR == await it.balance("user:bob")

    run(work)


def test_two_hundred_runs_cannot_spend_what_is_there_for_twenty() -> None:
    """Through two servers at once; nobody else is refused."""
    store = MemoryLedger()
    settings = {"enforce_balance": True, "start_balance": "0.20"}

    async def work() -> None:
        async with office(store, **settings) as one, office(store, **settings) as other:

            async def one_run(number: int) -> bool:
                it = (one, other)[number % 2]
                try:
                    await it.admit(f"r{number}", CENT)
                except AdmissionRefused:
                    return False
                await asyncio.sleep(0)
                await it.use(f"r{number}", CENT)
                await it.close(f"r{number}")
                return True

            others = asyncio.gather(*(one.admit(f"b{n}", CENT, user="bob") for n in range(20)))
            admitted = sum(await asyncio.gather(*(one_run(number) for number in range(200))))
            await others

            assert 20 == admitted
            assert 0 == await one.balance()
            assert {} == (await one.account()).reservations

    run(work)


def test_a_hundred_runs_cost_far_fewer_writes_than_entries() -> None:
    """Changes of one account that wait are written together."""

    class Slow(MemoryLedger):
        async def change(self, *args, **fields) -> None:
            await asyncio.sleep(0.002)
            await super().change(*args, **fields)

    async def work() -> None:
        async with office(Slow(), enforce_balance=True, start_balance="9.00") as it:

            async def one_run(number: int) -> None:
                await it.admit(f"r{number}", CENT)
                await it.use(f"r{number}", CENT)
                await it.close(f"r{number}")

            await asyncio.gather(*(one_run(number) for number in range(100)))

            assert 101 == len(await it.entries())
            assert it.ledger.book.writes < 20

    run(work)


def test_a_run_is_asked_before_it_goes_on() -> None:
    """Each further call has a reservation of its own, and a longer one has more."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.10") as it:
            await it.admit("r1", 4 * CENT)
            await it.ledger.extend(admission("r1", 8 * CENT))
            assert 8 * CENT == (await it.account()).reserved(it.clock())
            await it.use("r1", 5 * CENT)
            await it.ledger.extend(admission("r1", 5 * CENT, step=1))
            with pytest.raises(AdmissionRefused):
                await it.ledger.extend(admission("r1", 6 * CENT, step=1))
            await it.use("r1", 5 * CENT, step=1)
            await it.close("r1")

            assert 0 == await it.balance()

    run(work)


def test_what_is_remembered_refuses_nobody() -> None:
    """Before a refusal the account is read again, for another process may have added to it."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.00", cache_seconds=999) as it:
            with pytest.raises(AdmissionRefused):
                await it.admit("r1", CENT)
            await it.put("user:alice", balance=DOLLAR)

            await it.admit("r1", CENT)

    run(work)


def test_without_balances_entries_are_only_written_down() -> None:
    """The seed's ``balance.enabled: false`` (11.6): no account, and nobody is refused."""

    async def work() -> None:
        async with office() as it:
            await it.admit("r1", 10**12)
            used = await it.use("r1", CENT)
            await it.ledger.record(used)
            await it.close("r1")

            (one,) = await it.entries()
            assert (-CENT, None, "v", {"output": "1"}) == (
                one.amount,
                one.account,
                one.price_version,
                one.rates,
            )
            assert await it.store.account("user:alice") is None

    run(work)


def test_without_transactions_nothing_is_written() -> None:
    """Unless balances need them. Source: seed 11.9."""

    async def work() -> None:
        async with office(transactions=False) as it:
            await it.use("r1", CENT)
            assert [] == await it.entries()
        async with office(transactions=False, enforce_balance=True) as it:
            await it.admit("r1", CENT)
            await it.use("r1", CENT)
            assert 2 == len(await it.entries())

    run(work)


def test_what_has_no_price_is_flagged_or_refused() -> None:
    """Never a silent zero."""

    async def work() -> None:
        async with office(enforce_balance=True) as it:
            await it.ledger.admit(admission("r1", None))
            await it.use("r1", None)
            assert ["r1:0"] == [one.id for one in await it.entries() if one.unpriced]
        async with office(unpriced="refuse") as it:
            with pytest.raises(AdmissionRefused, match="has no price"):
                await it.ledger.admit(admission("r1", None))

    run(work)


@pytest.mark.parametrize(
    ("unit", "interval", "short", "due"),
    [
        ("seconds", 30, {"seconds": 29}, {"seconds": 1}),
        ("minutes", 5, {"minutes": 4}, {"minutes": 1}),
        ("hours", 2, {"hours": 1}, {"hours": 1}),
        ("days", 30, {"days": 29}, {"days": 1}),
        ("weeks", 1, {"days": 6}, {"days": 1}),
        ("months", 1, {"days": 29}, {"days": 1}),  # from 31 March to 30 April
    ],
)
def test_an_account_is_refilled_when_it_has_run_out_and_it_is_time(
    unit: str, interval: int, short: dict[str, float], due: dict[str, float]
) -> None:
    """Once per interval, however many ask. Source: seed 11.9."""
    refill = {"amount": "0.01", "interval": interval, "unit": unit}

    async def work() -> None:
        async with office(enforce_balance=True, refill=refill) as it:
            await it.put("user:alice", balance=0)
            it.clock.forward(**short)
            with pytest.raises(AdmissionRefused):
                await it.admit("r0", 1)
            it.clock.forward(**due)
            other = Office(it.store, it.clock, {"enforce_balance": True, "refill": refill})
            asked = (one.admit(f"r{n}", 1) for n, one in enumerate([it, other] * 5))
            await asyncio.gather(*asked)

            assert CENT == await it.balance()
            assert 1 == len([one for one in await it.entries() if one.kind == "refill"])

    run(work)


@pytest.mark.parametrize(("catch_up", "expected"), [("one", CENT), ("all", 3 * CENT)])
def test_missed_intervals_are_caught_up_as_the_settings_say(catch_up: str, expected: int) -> None:
    """One of them, as in the seed, or all."""
    refill = {"amount": "0.01", "interval": 1, "unit": "days", "catch_up": catch_up}

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.00", refill=refill) as it:
            await it.put("user:alice", balance=0)
            it.clock.forward(days=3, hours=5)
            await it.admit("r1", 1)
            assert expected == await it.balance()
            since = (await it.account()).refilled_at
            assert since == (
                it.clock() if catch_up == "one" else datetime(2026, 4, 3, 12, tzinfo=UTC)
            )

    run(work)


def test_an_account_is_not_refilled_while_it_lasts() -> None:
    """And one's own way of refilling comes before that of the settings; an amount of 0 is none."""
    refill = {"amount": "0.01", "interval": 1, "unit": "days"}

    async def work() -> None:
        async with office(enforce_balance=True, refill=refill) as it:
            await it.put("user:alice", balance=10 * CENT)
            await it.put("user:bob", balance=0, refill=Refill(amount=7, interval=1, unit="hours"))
            await it.put("user:carol", balance=0, refill=Refill(amount=0))
            it.clock.forward(days=2)
            await it.admit("r1", CENT)
            await it.admit("r2", 7, user="bob")
            with pytest.raises(AdmissionRefused):
                await it.admit("r3", 1, user="carol")

            assert 10 * CENT == await it.balance()
            assert 7 == await it.balance("user:bob")

    run(work)


@pytest.mark.parametrize(("what", "wait"), [("day", 12 * 3600), ("month", 12 * 3600)])
def test_a_budget_ends_with_its_day_or_month(what: str, wait: float) -> None:
    """It is noon of the last of March. What is reserved counts."""

    async def work() -> None:
        async with office(user_limits={what: "0.10"}) as it:
            await it.admit("r1", 6 * CENT)
            with pytest.raises(AdmissionRefused, match=f"a {what}") as caught:
                await it.admit("r2", 6 * CENT)
            assert wait == caught.value.retry_after
            await it.use("r1", 2 * CENT)
            await it.close("r1")
            await it.admit("r3", 8 * CENT)
            await it.use("r3", 8 * CENT)
            await it.close("r3")
            with pytest.raises(AdmissionRefused):
                await it.admit("r4", 1)
            it.clock.forward(hours=12)
            await it.admit("r4", 10 * CENT)

    run(work)


def test_a_keys_own_budget_caps_what_its_user_pays() -> None:
    """The user pays; the key says no. What the user had reserved for it is free again."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="1.00") as it:
            await it.put("key:k", limits=Limits(day=5 * CENT))
            await it.admit("r1", 5 * CENT, key="k")
            await it.use("r1", 5 * CENT, key="k")
            await it.close("r1", key="k")
            with pytest.raises(AdmissionRefused, match="key:k"):
                await it.admit("r2", 1, key="k")
            await it.admit("r3", 1, key="other")

            assert 95 * CENT == await it.balance()
            assert ["r3:0"] == list((await it.account()).reservations)

    run(work)


def test_a_user_that_cannot_pay_leaves_the_key_as_it_was() -> None:
    """A run that was refused has used up nothing but a request."""

    async def work() -> None:
        async with office(enforce_balance=True, start_balance="0.00") as it:
            await it.put("key:k", limits=Limits(tokens=100))
            with pytest.raises(AdmissionRefused, match="user:alice"):
                await it.admit("r1", 1, key="k")

            account = await it.account("key:k")
            assert {} == account.reservations
            assert 100 * 60_000_000 == account.tokens.level

    run(work)


def test_requests_per_minute_flow_back() -> None:
    """And the caller is told what is left."""

    async def work() -> None:
        async with office(user_limits={"requests": 3}) as it:
            left = [(await it.admit(f"r{n}", 0)).requests.remaining for n in range(3)]
            assert [2, 1, 0] == left
            with pytest.raises(AdmissionRefused) as caught:
                await it.admit("r3", 0)
            assert 20.0 == caught.value.retry_after
            assert 0 == caught.value.quota.requests.remaining
            it.clock.forward(seconds=20)
            quota = await it.admit("r3", 0)
            assert (3, 0, 60.0) == attrs.astuple(quota.requests)

    run(work)


def test_tokens_per_minute_are_counted_as_they_were_used() -> None:
    """First what was expected, then what it was; a call that never came gives all of it back."""

    async def work() -> None:
        async with office(user_limits={"tokens": 100}) as it:
            assert 40 == (await it.admit("r1", 0, tokens=60)).tokens.remaining
            with pytest.raises(AdmissionRefused, match="100 tokens a minute"):
                await it.admit("r2", 0, tokens=60)
            await it.use("r1", 0, tokens=10)
            assert 30 == (await it.admit("r2", 0, tokens=60)).tokens.remaining
            await it.close("r1")
            await it.close("r2")
            assert 80 == (await it.admit("r3", 0, tokens=10)).tokens.remaining

    run(work)


def test_more_than_a_minutes_tokens_can_be_asked_for_when_all_are_there() -> None:
    """It is paid back before anything else; nobody would ever be let in otherwise."""

    async def work() -> None:
        async with office(user_limits={"tokens": 100}) as it:
            await it.admit("r1", 0, tokens=250)
            await it.use("r1", 0, tokens=250)
            await it.close("r1")
            with pytest.raises(AdmissionRefused) as caught:
                await it.admit("r2", 0, tokens=50)
            assert 120.0 == caught.value.retry_after

    run(work)


def test_parallel_spends_end_with_the_exact_sum() -> None:
    """The seed's 11.6: ten and more at once on a high balance, and as many additions."""

    async def work() -> None:
        async with office(enforce_balance=True) as it:
            await it.put("user:alice", balance=10**15)
            costs = [11 * 3 * CREDIT, 140_522 * 3750, 5 * 15 * CREDIT, 1, 7] * 5
            await asyncio.gather(*(it.use(f"r{n}", cost) for n, cost in enumerate(costs)))

            assert 10**15 - sum(costs) == await it.balance()

    run(work)


def test_an_entry_says_all_that_is_known() -> None:
    """Who, what, how much, and at which rates."""

    async def work() -> None:
        async with office() as it:
            used = entry("r1", 5, key="k", conversation="c", vendor="openai", estimated=True)
            await it.ledger.record(used)
            await it.ledger.record(
                attrs.evolve(used, tool="search", call=2, usage_type="subagent", incomplete=True)
            )

            first, second = await it.entries()
            assert ("r1:0", "usage", "k", "c", "openai", True) == (
                first.id,
                first.kind,
                first.key,
                first.conversation,
                first.vendor,
                first.estimated,
            )
            assert used.tokens == first.tokens
            assert ("r1:0:2", "tool", "search", "subagent", True) == (
                second.id,
                second.kind,
                second.tool,
                second.usage_type,
                second.incomplete,
            )

    run(work)


def test_a_fault_of_the_clock_takes_nothing_away() -> None:
    """A clock that is put back leaves limits and refills as they were."""

    async def work() -> None:
        async with office(user_limits={"requests": 2}) as it:
            assert isinstance(it.clock, Clock)
            await it.admit("r1", 0)
            it.clock.forward(hours=-1)
            assert 0 == (await it.admit("r2", 0)).requests.remaining

    run(work)
