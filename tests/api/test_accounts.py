"""Accounts as they are shown."""

from datetime import UTC, datetime, timedelta

import pytest

from hookline.ledger import Account, Spent
from hookline.moments import now
from hookline.money import DOLLAR
from hookline_api.accounts import SpentDocument, document

THEN = datetime(2026, 3, 31, tzinfo=UTC)


def account(day: datetime | None, month: datetime | None) -> Account:
    """An account that spent a dollar since the one, and two since the other."""
    return Account(
        id="user:alice",
        day=Spent(since=day, amount=DOLLAR) if day else None,
        month=Spent(since=month, amount=2 * DOLLAR) if month else None,
        created_at=THEN,
        updated_at=THEN,
    )


def test_what_was_spent_today_and_this_month_is_shown() -> None:
    """What is compared with the limits of day and month."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)

    shown = document(account(today, today.replace(day=1))).spent

    assert SpentDocument(day="1.00", month="2.00") == shown


@pytest.mark.parametrize("before", [THEN, None])
def test_what_was_spent_before_is_over(before: datetime | None) -> None:
    """A new day and a new month begin at 0, though nobody has asked for anything in them yet."""
    yesterday = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)

    assert SpentDocument(day="0.00", month="0.00") == document(account(yesterday, before)).spent
