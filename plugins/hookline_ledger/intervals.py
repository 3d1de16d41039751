"""Intervals between refills, days and months. All in UTC."""

import calendar
from datetime import datetime, timedelta

from hookline.ledger import IntervalUnit, Refill

_LENGTHS: dict[IntervalUnit, timedelta] = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}
MONTHS = 12


def after(since: datetime, refill: Refill, intervals: int = 1) -> datetime:
    """The moment so many intervals later; of a month that is shorter, its last day."""
    count = refill.interval * intervals
    if refill.unit != "months":
        return since + count * _LENGTHS[refill.unit]
    month = since.month - 1 + count
    year, month = since.year + month // MONTHS, month % MONTHS + 1
    last = calendar.monthrange(year, month)[1]
    return since.replace(year=year, month=month, day=min(since.day, last))


def passed(since: datetime, refill: Refill, at: datetime) -> int:
    """How many whole intervals have passed."""
    if refill.unit != "months":
        return max(0, (at - since) // (refill.interval * _LENGTHS[refill.unit]))
    count = max(0, (at.year - since.year) * MONTHS + at.month - since.month) // refill.interval
    while count > 0 and after(since, refill, count) > at:
        count -= 1
    return count


def day_of(at: datetime) -> datetime:
    """When the day began."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def month_of(at: datetime) -> datetime:
    """When the month began."""
    return day_of(at).replace(day=1)


def next_day(at: datetime) -> datetime:
    """When the next day begins."""
    return day_of(at) + timedelta(days=1)


def next_month(at: datetime) -> datetime:
    """When the next month begins."""
    return after(month_of(at), Refill(amount=0, interval=1, unit="months"))
