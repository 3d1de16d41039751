"""The time, anywhere."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from hookline import tool
from hookline.tools import FunctionTool

TimeZone = Annotated[
    str,
    Meta(
        pattern=r"^(UTC|GMT|[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+)+)$",
        max_length=64,
        description="IANA name of a time zone, such as Europe/Berlin.",
    ),
]
DESCRIPTION = "Tell the date of today and the time on the clock of a time zone, as ISO 8601."


def current_time(clock: Callable[[], datetime]) -> FunctionTool:
    """The tool that tells the time by this clock."""

    @tool(name="current_time", description=DESCRIPTION)
    async def tell(timezone: TimeZone = "UTC") -> str:
        return clock().astimezone(_zone(timezone)).isoformat(timespec="seconds")

    return tell


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones, such as "US"
        message = f"there is no time zone {name}; use an IANA name such as Europe/Berlin"
        raise ValueError(message) from error
