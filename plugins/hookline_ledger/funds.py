"""Funds: what an account holds, what of it is reserved, and how it is filled again.

Everything here is a function from an account to what becomes of it, so that it can be tried again
when somebody else has changed the account in the meantime.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from hookline.errors import AdmissionRefused
from hookline.ledger import Account, LedgerEntry, Refill, Reservation
from hookline.moments import micros
from hookline.money import shown
from hookline_ledger.intervals import after, passed
from hookline_ledger.settings import RefillSettings


def opened(id_: str, balance: int | None, at: datetime) -> Account:
    """A new account."""
    return Account(id=id_, balance=balance, refilled_at=at, created_at=at, updated_at=at)


def start_entry(account: Account) -> LedgerEntry:
    """The entry that a new account begins with."""
    return LedgerEntry(
        id=f"start:{account.id}",
        kind="start",
        account=account.id,
        amount=account.balance or 0,
        at=account.created_at,
    )


def reserve(account: Account, call: str, amount: int, tokens: int, until: datetime) -> Account:
    """The account with money and tokens for a call, in the place of what the call had."""
    kept = Reservation(amount=amount, until=until, tokens=tokens)
    return attrs.evolve(account, reservations={**account.reservations, call: kept})


def without(account: Account, calls: Sequence[str]) -> Account:
    """The account without what these calls had reserved."""
    rest = {call: kept for call, kept in account.reservations.items() if call not in calls}
    return attrs.evolve(account, reservations=rest)


def of_run(account: Account, run: str) -> Sequence[str]:
    """The calls of a run that have something reserved."""
    return [call for call in account.reservations if call.partition(":")[0] == run]


def expired(account: Account, at: datetime) -> Sequence[str]:
    """The calls whose reservations have ended, because nobody has renewed them."""
    return [call for call, kept in account.reservations.items() if kept.until <= at]


def renewed(account: Account, runs: frozenset[str], until: datetime) -> Account:
    """The account with what these runs have reserved, for longer."""
    return attrs.evolve(
        account,
        reservations={
            call: attrs.evolve(kept, until=max(kept.until, until))
            if call.partition(":")[0] in runs
            else kept
            for call, kept in account.reservations.items()
        },
    )


def available(account: Account, at: datetime, besides: str) -> int:
    """What is left for a call, besides what it has itself."""
    own = account.reservations.get(besides)
    mine = own.amount if own is not None and own.until > at else 0
    return (account.balance or 0) - account.reserved(at) + mine


def check_funds(account: Account, call: str, amount: int, at: datetime) -> None:
    """Refuse what the account cannot pay for. Source: the seed's 11.9, ``balance >= cost``.

    Raises:
        AdmissionRefused: with the balance and the estimate.
    """
    left = available(account, at, call)
    if left < amount:
        balance = account.balance or 0
        message = (
            f"the balance of {account.id} is {shown(balance)}, of which "
            f"{shown(balance - left)} is reserved, and this may cost {shown(amount)}; "
            f"add to the balance, or set a lower max_tokens"
        )
        raise AdmissionRefused(message)


def refill_of(account: Account, settings: RefillSettings | None, nanos: int) -> Refill | None:
    """How an account is refilled: its own way, or that of the settings; an amount of 0 is none."""
    if account.refill is not None:
        return account.refill if account.refill.amount else None
    if settings is None or not nanos:
        return None
    return Refill(amount=nanos, interval=settings.interval, unit=settings.unit)


def refilled(
    account: Account, refill: Refill, at: datetime, *, all_missed: bool
) -> tuple[Account, LedgerEntry | None]:
    """The account after a refill that is due, and its entry; as it is if none is due.

    The entry's id names the interval, so it is made once however many ask.
    """
    since = account.refilled_at or account.created_at
    count = passed(since, refill, at)
    if count < 1:
        return account, None
    intervals = count if all_missed else 1
    entry = LedgerEntry(
        id=f"refill:{account.id}:{micros(since)}",
        kind="refill",
        account=account.id,
        amount=refill.amount * intervals,
        at=at,
        detail=f"{intervals} of {refill.interval} {refill.unit}",
    )
    filled = attrs.evolve(
        account,
        balance=(account.balance or 0) + entry.amount,
        refilled_at=after(since, refill, count) if all_missed else at,
    )
    return filled, entry


def seconds_from(at: datetime, seconds: float) -> datetime:
    """So many seconds later."""
    return at + timedelta(seconds=seconds)
