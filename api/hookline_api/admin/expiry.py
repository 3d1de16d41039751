"""When something that is given ends."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from hookline.errors import InvalidRequest
from hookline.moments import now, utc

ExpiresAt = Annotated[
    datetime, Meta(tz=True, description="RFC 3339, with a zone", examples=["2040-01-01T00:00:00Z"])
]


def until(moment: datetime | None) -> datetime | None:
    """The moment in UTC.

    Raises:
        InvalidRequest: it is not in the future.
    """
    try:
        end = moment and utc(moment)
    except OverflowError:
        end = datetime.min.replace(tzinfo=now().tzinfo)
    if end is not None and end <= now():
        message = "expires_at must be in the future, and before the year 10000"
        raise InvalidRequest(message, param="expires_at")
    return end
