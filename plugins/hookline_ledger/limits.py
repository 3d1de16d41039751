"""Limits: money per day and month, requests and tokens per minute.

What is left of a limit per minute flows back all the time, as much in a minute as the limit is; so
there is no moment at which everybody may begin anew.
"""

from datetime import datetime, timedelta

import attrs

from hookline.errors import AdmissionRefused
from hookline.ledger import Account, Bucket, Limits, Spent
from hookline.money import shown
from hookline.quotas import Quota, RateLimit
from hookline_ledger.intervals import day_of, month_of, next_day, next_month

UNIT = 60_000_000
"""Parts of one request or token: what flows back in a microsecond at one a minute is one part."""

_MICROSECOND = timedelta(microseconds=1)
NONE = Limits()


def spent(account: Account, at: datetime) -> tuple[int, int]:
    """What was spent on this day, and in this month."""
    today = account.day.amount if account.day and account.day.since == day_of(at) else 0
    month = account.month.amount if account.month and account.month.since == month_of(at) else 0
    return today, month


def spend(account: Account, amount: int, at: datetime) -> Account:
    """The account after so much was spent."""
    today, month = spent(account, at)
    return attrs.evolve(
        account,
        day=Spent(since=day_of(at), amount=today + amount),
        month=Spent(since=month_of(at), amount=month + amount),
    )


def check_money(account: Account, limits: Limits, amount: int, at: datetime) -> None:
    """Refuse what would exceed the limits of day or month.

    Raises:
        AdmissionRefused: it would; the caller may try again when the next one begins.
    """
    reserved = account.reserved(at)
    for name, limit, used, ends in (
        ("day", limits.day, spent(account, at)[0], next_day(at)),
        ("month", limits.month, spent(account, at)[1], next_month(at)),
    ):
        if limit is not None and used + reserved + amount > limit:
            message = (
                f"the budget of {account.id} is {shown(limit)} a {name}: {shown(used)} are "
                f"spent, {shown(reserved)} reserved, and this may cost {shown(amount)}; "
                f"it begins anew at {ends:%Y-%m-%dT%H:%M:%SZ}"
            )
            raise AdmissionRefused(
                message,
                retry_after=(ends - at).total_seconds(),
                quota=quota(account, limits, at),
            )


def take(account: Account, limits: Limits, *, requests: int, tokens: int, at: datetime) -> Account:
    """The account after so many requests and tokens were asked for.

    More tokens than the limit itself may be asked for when all of it is there.

    Raises:
        AdmissionRefused: there is not enough left; the caller may try again when there is.
    """
    return attrs.evolve(
        account,
        requests=_take(account, "requests", account.requests, limits.requests, requests, at),
        tokens=_take(account, "tokens", account.tokens, limits.tokens, tokens, at),
    )


def give_back(account: Account, limits: Limits, tokens: int, at: datetime) -> Account:
    """The account after a call needed fewer tokens than it asked for; more, if below zero."""
    if limits.tokens is None or account.tokens is None:
        return account
    level = _level(account.tokens, limits.tokens, at) + tokens * UNIT
    level = min(level, limits.tokens * UNIT)
    return attrs.evolve(account, tokens=Bucket(level=level, at=at))


def quota(account: Account, limits: Limits, at: datetime) -> Quota | None:
    """What is left per minute; ``None`` without such limits."""
    if limits.requests is None and limits.tokens is None:
        return None
    return Quota(
        requests=_left(account.requests, limits.requests, at),
        tokens=_left(account.tokens, limits.tokens, at),
    )


def _take(
    account: Account, what: str, bucket: Bucket | None, limit: int | None, wanted: int, at: datetime
) -> Bucket | None:
    if limit is None:
        return None
    level = _level(bucket, limit, at)
    needed = min(wanted, limit) * UNIT
    if wanted and level < needed:
        seconds = _seconds(needed - level, limit)
        message = (
            f"the limit of {account.id} is {limit} {what} a minute, and {max(level, 0) // UNIT} of "
            f"{wanted} are left; try again in {seconds:.1f} s"
        )
        left = {what: RateLimit(limit=limit, remaining=max(level, 0) // UNIT, reset=seconds)}
        raise AdmissionRefused(message, retry_after=seconds, quota=Quota(**left))
    return Bucket(level=level - wanted * UNIT, at=at)


def _level(bucket: Bucket | None, limit: int, at: datetime) -> int:
    if bucket is None:
        return limit * UNIT
    flown = max(0, (at - bucket.at) // _MICROSECOND) * limit
    return min(bucket.level + flown, limit * UNIT)


def _left(bucket: Bucket | None, limit: int | None, at: datetime) -> RateLimit | None:
    if limit is None:
        return None
    level = _level(bucket, limit, at)
    return RateLimit(
        limit=limit, remaining=max(level, 0) // UNIT, reset=_seconds(limit * UNIT - level, limit)
    )


def _seconds(parts: int, limit: int) -> float:
    """How long it takes until so many parts have flown back."""
    return -(-parts // limit) / 1_000_000
