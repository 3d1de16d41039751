"""Accounts, as HTTP and the command line show them."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from hookline.ledger import Account, IntervalUnit, Limits, Refill, Spent
from hookline.moments import now
from hookline.money import credits_of, dollars


class LimitsDocument(Struct, frozen=True, kw_only=True):
    """Limits: dollars in a day and a month of UTC, requests and tokens a minute."""

    day: str | None = None
    month: str | None = None
    requests: int | None = None
    tokens: int | None = None


class RefillDocument(Struct, frozen=True, kw_only=True):
    """Dollars that are added once per interval, when the account has run out."""

    amount: str
    interval: int
    unit: IntervalUnit


class SpentDocument(Struct, frozen=True, kw_only=True):
    """Dollars that were spent on this day and in this month of UTC, as text."""

    day: str
    month: str


class AccountDocument(Struct, frozen=True, kw_only=True):
    """An account. Money is dollars as text, exactly; ``nanos`` is the balance in nano-dollars.

    ``balance`` is ``null`` if nothing is paid from it, and it only has limits. ``limits`` and
    ``refill`` are ``null`` where those of the settings hold. ``spent`` is what the limits of day
    and month are compared with; it is only counted for an account that pays or is limited.
    """

    object: Literal["account"] = "account"
    id: str
    version: int
    balance: str | None
    nanos: int | None
    credits: str | None
    reserved: str | None
    spent: SpentDocument
    limits: LimitsDocument | None
    refill: RefillDocument | None
    refilled_at: datetime | None
    created_at: datetime
    updated_at: datetime


def document(account: Account) -> AccountDocument:
    """An account as it is shown."""
    balance, at = account.balance, now()
    return AccountDocument(
        id=account.id,
        version=account.version,
        balance=None if balance is None else dollars(balance),
        nanos=balance,
        credits=None if balance is None else credits_of(balance),
        reserved=None if balance is None else dollars(account.reserved(at)),
        spent=_spent(account, at.date()),
        limits=_limits(account.limits),
        refill=_refill(account.refill),
        refilled_at=account.refilled_at,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )


def _spent(account: Account, today: date) -> SpentDocument:
    return SpentDocument(
        day=_amount(account.day, today), month=_amount(account.month, today.replace(day=1))
    )


def _amount(spent: Spent | None, began: date) -> str:
    """Dollars that were spent since then; what an account has from a time before is over."""
    return dollars(spent.amount if spent and spent.since.date() >= began else 0)


def _limits(limits: Limits | None) -> LimitsDocument | None:
    if limits is None:
        return None
    return LimitsDocument(
        day=None if limits.day is None else dollars(limits.day),
        month=None if limits.month is None else dollars(limits.month),
        requests=limits.requests,
        tokens=limits.tokens,
    )


def _refill(refill: Refill | None) -> RefillDocument | None:
    if refill is None:
        return None
    return RefillDocument(amount=dollars(refill.amount), interval=refill.interval, unit=refill.unit)
