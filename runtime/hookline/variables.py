"""Variables in instructions: the date, and who is talking. Source: seed 8.4."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hookline.errors import ConfigError, InvalidRequest

METADATA = "time_zone"
"""The field of a request's ``metadata`` that names the user's time zone."""

_VARIABLE = re.compile(
    r"\{\{(current_date|current_datetime|iso_datetime|current_user)\}\}", re.IGNORECASE
)


def zone_of(metadata: Mapping[str, str], default: str) -> ZoneInfo:
    """The time zone of a request, by its IANA name; the server's unless it says.

    Raises:
        InvalidRequest: there is no such zone.
    """
    name = metadata.get(METADATA, default)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, no name, or that of a folder
        message = f"metadata.{METADATA}: there is no time zone {name!r}; use an IANA name"
        raise InvalidRequest(message, param=f"metadata.{METADATA}") from error


def check_zone(name: str) -> None:
    """Refuse a time zone of the config that there is not.

    Raises:
        ConfigError: it names the key.
    """
    try:
        zone_of({}, name)
    except InvalidRequest as error:
        message = f"runs.time_zone: there is no time zone {name!r}; use an IANA name"
        raise ConfigError(message) from error


def fill(text: str, *, at: datetime, zone: ZoneInfo, user_name: str | None) -> str:
    """Put in the values of all variables; ``{{current_user}}`` stays if nobody has a name.

    Args:
        text: instructions.
        at: this moment.
        zone: where the user is.
        user_name: of the user.
    """
    if "{{" not in text:
        return text
    there = at.astimezone(zone)
    day = (there.weekday() + 1) % 7  # 0 is Sunday
    moment = at.astimezone(UTC)
    values = {
        "current_date": f"{there:%Y-%m-%d} ({day})",
        "current_datetime": f"{there:%Y-%m-%d %H:%M:%S} ({day})",
        "iso_datetime": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "current_user": user_name,
    }
    return _VARIABLE.sub(lambda match: values[match[1].lower()] or match[0], text)
