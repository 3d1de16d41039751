"""Accounts, as HTTP and the command line show them."""

from typing import Any

import msgspec

from hookline.ledger import Account, Limits, Refill
from hookline.moments import now
from hookline.money import credits_of, dollars


def shown(account: Account) -> dict[str, Any]:
    """An account: money in dollars as text, and the balance in nano-dollars and credits besides."""
    reserved = account.reserved(now())
    balance = account.balance
    money: dict[str, Any] = {"balance": None, "nanos": None, "credits": None, "reserved": None}
    if balance is not None:
        money = {
            "balance": dollars(balance),
            "nanos": balance,
            "credits": credits_of(balance),
            "reserved": dollars(reserved),
        }
    return {
        "object": "account",
        "id": account.id,
        "version": account.version,
        **money,
        "limits": _limits(account.limits),
        "refill": _refill(account.refill),
        "refilled_at": msgspec.to_builtins(account.refilled_at),
        "created_at": msgspec.to_builtins(account.created_at),
        "updated_at": msgspec.to_builtins(account.updated_at),
    }


def _limits(limits: Limits | None) -> dict[str, Any] | None:
    if limits is None:
        return None
    return {
        "day": None if limits.day is None else dollars(limits.day),
        "month": None if limits.month is None else dollars(limits.month),
        "requests": limits.requests,
        "tokens": limits.tokens,
    }


def _refill(refill: Refill | None) -> dict[str, Any] | None:
    if refill is None:
        return None
    return {"amount": dollars(refill.amount), "interval": refill.interval, "unit": refill.unit}
