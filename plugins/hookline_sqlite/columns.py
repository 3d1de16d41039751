"""How values stand in columns: moments as integers, documents as JSON text."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hookline.errors import InvalidRequest, StoreUnavailable
from hookline.moments import utc

LIMIT = 16_000_000
"""Bytes of the largest document, as in MongoDB, so that an agent can move from one to the other."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly.

    Raises:
        ValueError: the moment has no zone.
    """
    return (utc(moment) - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The moment in UTC that ``micros`` stands for."""
    return _EPOCH + timedelta(microseconds=value)


def text(document: Any, what: str) -> str:
    """A document as JSON text.

    Raises:
        InvalidRequest: it is larger than ``LIMIT``; ``what`` names it.
    """
    encoded = msgspec.json.encode(document)
    refuse_large(len(encoded), what)
    return encoded.decode()


def refuse_large(size: int, what: str) -> None:
    """Raise ``InvalidRequest`` if something has more than ``LIMIT`` bytes."""
    if size > LIMIT:
        message = f"{what} is too large: {size:,} bytes, and {LIMIT:,} can be kept"
        raise InvalidRequest(message, reason="document_too_large")


def document(column: str, type_: Any, what: str) -> Any:
    """Read JSON text; what a newer Hookline added to it is passed over.

    Raises:
        StoreUnavailable: it cannot be read; ``what`` names it.
    """
    try:
        return msgspec.json.decode(column, type=type_)
    except msgspec.DecodeError as error:
        message = f"{what} cannot be read from the store: {error}; was it kept by a newer Hookline?"
        raise StoreUnavailable(message) from error
