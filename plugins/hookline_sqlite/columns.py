"""How values stand in columns: moments as integers, documents as JSON text."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs
import msgspec

from hookline.documents import refuse_large
from hookline.errors import StoreUnavailable
from hookline.moments import utc

ThingT = TypeVar("ThingT")
_encode = msgspec.json.Encoder(order="deterministic").encode
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
    encoded = _encode(document)
    refuse_large(len(encoded), what)
    return encoded.decode()


def document(column: str, type_: Any, what: str) -> Any:
    """Read JSON text; what a newer Hookline added to it is passed over.

    Raises:
        StoreUnavailable: it cannot be read; ``what`` names it.
    """
    try:
        return msgspec.json.decode(column, type=type_)
    except msgspec.DecodeError as error:
        raise _unreadable(what, error) from error


def thing(content: Mapping[str, Any], type_: type[ThingT], what: str) -> ThingT:
    """Make a thing of its content; what a newer Hookline added to that is passed over.

    Raises:
        StoreUnavailable: it cannot be made; ``what`` names it.
    """
    try:
        return msgspec.convert(content, type_)
    except msgspec.ValidationError as error:
        raise _unreadable(what, error) from error


def times_in_utc(thing: ThingT) -> ThingT:
    """The thing with all its times in UTC, as they come back.

    Raises:
        ValueError: a time has no zone.
    """
    given: Any = thing
    times = {
        field.name: utc(value)
        for field in attrs.fields(type(given))
        if isinstance(value := getattr(given, field.name), datetime)
    }
    evolved: ThingT = attrs.evolve(given, **times)
    return evolved


def _unreadable(what: str, error: Exception) -> StoreUnavailable:
    message = f"{what} cannot be read from the store: {error}; was it kept by a newer Hookline?"
    return StoreUnavailable(message)
