"""Accounts: what is added and taken, limits and refills, and who changes them at the same time."""

import asyncio

import attrs
import pytest

from hookline.errors import InvalidRequest, NotFound, VersionConflict
from hookline.keys import new_key
from hookline.ledger import Account, EntryQuery, LedgerEntry, Limits, Refill
from hookline.money import DOLLAR, LARGEST
from support.offices import NOON, ROOT, Office, in_office

ALICE = "user:alice"


async def entries(office: Office) -> list[LedgerEntry]:
    """All entries, the oldest first."""
    return list(reversed(await office.store.ledger.entries(EntryQuery())))


def test_a_credit_opens_an_account():
    """The account holds what was added, one entry says so, and the audit too."""

    async def work(office: Office):
        await office.people("alice")
        kept = await office.administration.accounts.credit(ROOT, ALICE, 5 * DOLLAR, "a gift")
        found = await office.administration.accounts.get(ALICE)
        return kept, found, await entries(office), await office.audited("kind", "action", "detail")

    kept, found, [entry], audited = in_office(work)

    assert (5 * DOLLAR, 1) == (kept.balance, kept.version)
    assert kept == found
    assert ("credit", ALICE, 5 * DOLLAR, "a gift") == (
        entry.kind,
        entry.account,
        entry.amount,
        entry.detail,
    )
    assert ("account", "create", "added $5.00: a gift") == audited[-1]


def test_less_than_nothing_takes_away():
    """A balance may go below zero by it; the entry has the amount as it was given."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        await accounts.credit(ROOT, ALICE, 1)
        kept = await accounts.credit(ROOT, ALICE, -DOLLAR)
        amounts = [entry.amount for entry in await entries(office)]
        return kept.balance, amounts, (await office.audited("action", "detail"))[-1]

    balance, amounts, audited = in_office(work)

    assert 1 - DOLLAR == balance
    assert [1, -DOLLAR] == amounts
    assert ("update", "took $1.00") == audited


def test_each_credit_is_an_entry_of_its_own():
    """The same amount twice is added twice."""

    async def work(office: Office):
        await office.people("alice")
        for _ in range(2):
            await office.administration.accounts.credit(ROOT, ALICE, 7, "the same")
        return await office.administration.accounts.get(ALICE), await entries(office)

    account, written = in_office(work)

    assert (14, 2) == (account.balance, len({entry.id for entry in written}))


def test_users_groups_and_keys_have_accounts():
    """Each kind of those that exist can be paid for."""

    async def work(office: Office):
        await office.people("alice", team={"alice"})
        key, _ = new_key("alice")
        await office.administration.keys.create(ROOT, key)
        ids = [ALICE, "group:team", f"key:{key.id}"]
        for id_ in ids:
            await office.administration.accounts.credit(ROOT, id_, 1)
        return sorted(ids), [account.id for account in await office.store.ledger.accounts()]

    ids, kept = in_office(work)

    assert ids == kept


@pytest.mark.parametrize(
    ("id_", "error", "message"),
    [
        ("user:nobody", NotFound, "there is no user nobody"),
        ("group:nobody", NotFound, "there is no group nobody"),
        ("key:nobody", NotFound, "there is no key nobody"),
        ("alice", InvalidRequest, "alice is no account; write user:ID, group:ID or key:ID"),
        ("user:", InvalidRequest, "user: is no account"),
        ("role:admin", InvalidRequest, "role:admin is no account"),
        ("", InvalidRequest, "is no account"),
    ],
)
def test_an_account_is_of_somebody(id_: str, error: type[Exception], message: str):
    """No change makes an account of nobody; the sentence names who is missing."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        for change in (
            accounts.credit(ROOT, id_, 1),
            accounts.set_limits(ROOT, id_, None),
            accounts.set_refill(ROOT, id_, None),
        ):
            with pytest.raises(error, match=message):
                await change
        return await office.store.ledger.accounts(), await entries(office)

    assert ([], []) == in_office(work)


def test_an_account_that_is_not_there_is_not_found():
    """The sentence says how one comes to be."""

    async def work(office: Office):
        await office.people("alice")
        await office.administration.accounts.get(ALICE)

    with pytest.raises(NotFound, match="user alice has no account; one comes to be with"):
        in_office(work)


def test_limits_and_refill_are_set_and_taken_away():
    """They leave the balance alone, need none, and write no entry."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        limits, refill = Limits(day=DOLLAR, tokens=1000), Refill(amount=DOLLAR, unit="months")
        limited = await accounts.set_limits(ROOT, ALICE, limits)
        refilled = await accounts.set_refill(ROOT, ALICE, refill)
        await accounts.set_limits(ROOT, ALICE, None)
        plain = await accounts.set_refill(ROOT, ALICE, None)
        details = [
            detail for kind, detail in await office.audited("kind", "detail") if kind == "account"
        ]
        return limits, refill, limited, refilled, plain, await entries(office), details

    limits, refill, limited, refilled, plain, written, details = in_office(work)

    assert (limits, None, None) == (limited.limits, limited.refill, limited.balance)
    assert (limits, refill) == (refilled.limits, refilled.refill)
    assert (None, None, 4) == (plain.limits, plain.refill, plain.version)
    assert [] == written
    assert [
        "limits of its own",
        "a refill of its own",
        "the limits of the settings",
        "the refill of the settings",
    ] == details


@pytest.mark.parametrize("name", ["day", "month", "requests", "tokens"])
def test_a_limit_below_zero_is_refused(name: str):
    """Zero is a limit; the sentence names the one that is wrong."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        await accounts.set_limits(ROOT, ALICE, Limits(**{name: 0}))
        with pytest.raises(InvalidRequest, match=f"{name}: a limit cannot be below zero") as caught:
            await accounts.set_limits(ROOT, ALICE, Limits(**{name: -1}))
        return caught.value.param, (await accounts.get(ALICE)).limits

    assert (name, Limits(**{name: 0})) == in_office(work)


def test_a_group_is_not_limited():
    """It can pay and be refilled; the sentence says whom to limit, and nothing is changed."""

    async def work(office: Office):
        await office.people("alice", team={"alice"})
        accounts = office.administration.accounts
        with pytest.raises(InvalidRequest, match="group:team: a group can pay, and is not limited"):
            await accounts.set_limits(ROOT, "group:team", Limits(day=1))
        assert [] == await office.store.ledger.accounts()
        return await accounts.set_refill(ROOT, "group:team", Refill(amount=1))

    assert Refill(amount=1) == in_office(work).refill


@pytest.mark.parametrize("refill", [Refill(amount=-1), Refill(amount=1, interval=0)])
def test_a_refill_that_cannot_be_is_refused(refill: Refill):
    """An amount below zero, and an interval that never passes."""

    async def work(office: Office):
        await office.people("alice")
        await office.administration.accounts.set_refill(ROOT, ALICE, refill)

    with pytest.raises(InvalidRequest, match="refill: the amount must not be below zero"):
        in_office(work)


def test_a_credit_of_nothing_is_refused():
    """It would be an entry that says nothing."""

    async def work(office: Office):
        await office.people("alice")
        await office.administration.accounts.credit(ROOT, ALICE, 0)

    with pytest.raises(InvalidRequest, match="amount: 0 changes nothing"):
        in_office(work)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_balance_stays_within_what_can_be_kept(sign: int):
    """What would take it further is refused and leaves no entry; the way back is open."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        await accounts.credit(ROOT, ALICE, sign * LARGEST)
        with pytest.raises(InvalidRequest, match="amount: the balance would be"):
            await accounts.credit(ROOT, ALICE, sign)
        found = await office.store.ledger.account(ALICE)
        assert found is not None
        beyond = attrs.evolve(found, version=found.version + 1, balance=sign * 2 * LARGEST)
        await office.store.ledger.change(beyond, expected=found.version)
        kept = await accounts.credit(ROOT, ALICE, -sign)
        return kept.balance, [entry.amount for entry in await entries(office)]

    balance, amounts = in_office(work)

    assert sign * (2 * LARGEST - 1) == balance
    assert [sign * LARGEST, -sign] == amounts


def test_whoever_names_a_version_gets_that_one_or_nothing():
    """Another version is a conflict, with nothing changed and nothing in the audit."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        made = await accounts.set_limits(ROOT, ALICE, Limits(day=1), expected=0)
        before = office.changes
        for change in (
            accounts.set_limits(ROOT, ALICE, Limits(day=2), expected=0),
            accounts.set_refill(ROOT, ALICE, Refill(amount=1), expected=2),
        ):
            with pytest.raises(VersionConflict, match="user:alice has version 1 now"):
                await change
        return made, await accounts.get(ALICE), office.changes - before

    made, found, changes = in_office(work)

    assert (made, 0) == (found, changes)


def test_credits_at_the_same_time_are_all_added():
    """Each of many succeeds, once, and the balance is the sum of the entries."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        await asyncio.gather(*(accounts.credit(ROOT, ALICE, 2**n) for n in range(20)))
        return await accounts.get(ALICE), await entries(office)

    account, written = in_office(work)

    assert (2**20 - 1, 20) == (account.balance, account.version)
    assert account.balance == sum(entry.amount for entry in written)


def test_what_a_run_changes_meanwhile_stays():
    """The change is made again of what is there then."""

    class Overtaken:
        """A ledger on which somebody spends just before the first change."""

        def __init__(self, office: Office):
            self._inner = office.store.ledger
            self.overtaken = 0

        def __getattr__(self, name: str):
            return getattr(self._inner, name)

        async def change(self, account: Account, entries=(), *, expected: int, durable=True):
            if not self.overtaken:
                self.overtaken += 1
                current = await self._inner.account(account.id)
                spent = attrs.evolve(current, balance=current.balance - 3, version=expected + 1)
                await self._inner.change(spent, expected=expected, durable=False)
            await self._inner.change(account, entries, expected=expected, durable=durable)

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        await accounts.credit(ROOT, ALICE, 10)
        office.store.ledger = Overtaken(office)
        kept = await accounts.set_limits(ROOT, ALICE, Limits(day=1))
        return kept, (await office.audited("kind")).count(("account",))

    kept, records = in_office(work)

    assert (7, 3, Limits(day=1)) == (kept.balance, kept.version, kept.limits)
    assert 2 == records


def test_a_change_keeps_when_it_was_made():
    """An account remembers when it came to be, and when it was changed last."""

    async def work(office: Office):
        await office.people("alice")
        accounts = office.administration.accounts
        first = await accounts.credit(ROOT, ALICE, 1)
        return first, await accounts.credit(ROOT, ALICE, 1)

    first, second = in_office(work)

    assert first.created_at == first.updated_at == first.refilled_at == second.created_at
    assert NOON < first.updated_at < second.updated_at
    assert first.refilled_at == second.refilled_at
