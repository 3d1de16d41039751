"""Amounts are exact, and limits are told as they are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import InvalidRequest
from hookline.money import LARGEST, credits_of, dollars, nanos, shown
from hookline.quotas import Quota, RateLimit

AMOUNTS = st.integers(-LARGEST, LARGEST)


@given(AMOUNTS)
def test_what_is_shown_is_what_there_is(amount: int) -> None:
    """To dollars and back, and to credits, nothing is lost."""
    assert amount == nanos(dollars(amount))
    assert Decimal(amount) == Decimal(credits_of(amount)) * 1000


@pytest.mark.parametrize(
    ("amount", "text", "credit", "sentence"),
    [
        (0, "0.00", "0", "$0.00"),
        (5_000_000_000, "5.00", "5000000", "$5.00"),
        (-42_000, "-0.000042", "-42", "-$0.000042"),
        (1, "0.000000001", "0.001", "$0.000000001"),
        (-1_500_000_000, "-1.50", "-1500000", "-$1.50"),
    ],
)
def test_amounts_read_as_people_write_them(
    amount: int, text: str, credit: str, sentence: str
) -> None:
    """With two decimals, or as many as it takes."""
    assert (text, credit, sentence) == (dollars(amount), credits_of(amount), shown(amount))


@pytest.mark.parametrize(
    "text", ["", "five", "1,5", "0.0000000001", "1000000000.01", "NaN", "Infinity", "1e99"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """With the field, and how to write it."""
    with pytest.raises(InvalidRequest, match="write it like 5 or") as caught:
        nanos(text, "day")

    assert "day" == caught.value.param


def test_of_two_limits_the_tighter_counts() -> None:
    """That of which less is left; if it is the same, the one that takes longer."""
    one = RateLimit(limit=10, remaining=3, reset=1.0)
    other = RateLimit(limit=5, remaining=2, reset=9.0)
    slower = RateLimit(limit=5, remaining=2, reset=10.0)

    assert Quota(requests=other) == Quota(requests=one) | Quota(requests=other)
    assert Quota(requests=slower) == Quota(requests=other) | Quota(requests=slower)
    assert Quota(requests=one, tokens=other) == Quota(requests=one) | Quota(tokens=other)
