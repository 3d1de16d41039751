"""Intervals between refills."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.ledger import IntervalUnit, Refill
from hookline_ledger.intervals import after, next_day, next_month, passed

MOMENTS = st.integers(946_684_800, 3_786_912_000).map(lambda at: datetime.fromtimestamp(at, UTC))
UNITS: list[IntervalUnit] = ["seconds", "minutes", "hours", "days", "weeks", "months"]


@given(MOMENTS, MOMENTS, st.sampled_from(UNITS), st.integers(1, 40))
def test_as_many_have_passed_as_fit(
    since: datetime, at: datetime, unit: IntervalUnit, interval: int
) -> None:
    """The last one ended by then, the next one has not."""
    refill = Refill(amount=1, interval=interval, unit=unit)

    count = passed(since, refill, at)

    assert count == 0 or after(since, refill, count) <= at
    assert at < after(since, refill, count + 1)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (datetime(2026, 1, 31, 9, tzinfo=UTC), datetime(2026, 2, 28, 9, tzinfo=UTC)),
        (datetime(2028, 1, 31, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
        (datetime(2026, 12, 15, tzinfo=UTC), datetime(2027, 1, 15, tzinfo=UTC)),
    ],
)
def test_a_month_is_one_of_the_calendar(since: datetime, expected: datetime) -> None:
    """A shorter one ends with its last day."""
    assert expected == after(since, Refill(amount=1, interval=1, unit="months"))


def test_days_and_months_begin_at_midnight() -> None:
    """Of UTC."""
    at = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

    assert datetime(2027, 1, 1, tzinfo=UTC) == next_day(at) == next_month(at)
