"""How values stand in columns: moments as integers, documents as JSON text."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from hookline.documents import refuse_large
from hookline.errors import StoreUnavailable

ThingT = TypeVar("ThingT")
_encode = msgspec.json.Encoder(order="deterministic").encode


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


def _unreadable(what: str, error: Exception) -> StoreUnavailable:
    message = f"{what} cannot be read from the store: {error}; was it kept by a newer Hookline?"
    return StoreUnavailable(message)
