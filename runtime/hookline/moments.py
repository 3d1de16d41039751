"""Moments: always aware, always in UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, as stores keep it.

    Raises:
        ValueError: the moment has no zone.
    """
    if moment.tzinfo is None:
        message = f"{moment} has no time zone; use an aware datetime"
        raise ValueError(message)
    return moment.astimezone(UTC)
