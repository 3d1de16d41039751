"""Moments to come, as they are written on the command line."""

import re
from datetime import UTC, datetime, timedelta

import click

_SPAN = re.compile(r"(?P<count>\d{1,5})(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_to_come(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """A time from now on, or a date, as a moment to come; one without a zone is one of UTC."""
    if text is None:
        return None
    at = datetime.now(UTC)
    span = _SPAN.fullmatch(text)
    if span:
        return at + timedelta(**{_UNITS[span["unit"]]: int(span["count"])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is neither like 30d or 12h nor an ISO date"
        raise click.BadParameter(message) from error
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if moment <= at:
        message = f"{text!r} lies in the past"
        raise click.BadParameter(message)
    return moment
