"""Styles: how values are written into paths, queries, headers and cookies.

Source: OpenAPI, Parameter Object, and RFC 6570. A list or an object inside another is written as
JSON, which neither of them says anything of.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from hookline_actions.failures import ArgumentRefused
from hookline_actions.operations import Style

RESERVED = ":/?@!$'()*,;"
"""Reserved characters that ``allowReserved`` lets stand: those that do not end a value in a query.
"""

Quote = Callable[[str], str]
Pair = tuple[str, str]


def text(value: Any) -> str:
    """A single value as text: what JSON writes, without the quotation marks of a string."""
    if isinstance(value, str):
        return value
    return "" if value is None else as_json(value)


def as_json(value: Any) -> str:
    """A value as JSON.

    Raises:
        ArgumentRefused: it has half of a character.
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError as error:
        message = "a text has a lone surrogate, which cannot be sent"
        raise ArgumentRefused(message) from error


def percent(value: str) -> str:
    """Text with every character percent-encoded that is not unreserved.

    Raises:
        ArgumentRefused: it has half of a character.
    """
    return _percent(value, "")


def percent_reserved(value: str) -> str:
    """The same, with reserved characters left as they are."""
    return _percent(value, RESERVED)


def _percent(value: str, safe: str) -> str:
    try:
        return quote(value, safe=safe)
    except UnicodeEncodeError as error:
        message = "a text has a lone surrogate, which cannot be sent"
        raise ArgumentRefused(message) from error


def simple(value: Any, *, explode: bool, encode: Quote) -> str:
    """``a,b`` · ``k,v`` · ``k=v``."""
    return _joined(value, explode=explode, encode=encode, between=",")


def label(value: Any, *, explode: bool, encode: Quote) -> str:
    """``.a,b`` · ``.a.b`` · ``.k=v``."""
    return "." + _joined(value, explode=explode, encode=encode, between="." if explode else ",")


def matrix(name: str, value: Any, *, explode: bool, encode: Quote) -> str:
    """``;name=a,b`` · ``;name=a;name=b`` · ``;k=v``."""
    if explode and isinstance(value, Mapping | list):
        return "".join(_matrix(key, encode(inner)) for key, inner in exploded(name, value))
    return _matrix(name, _joined(value, explode=False, encode=encode, between=","))


def query(name: str, value: Any, *, style: Style, explode: bool, encode: Quote) -> str:
    """A parameter of a query, without ``?`` or ``&`` at its ends; empty if nothing is sent."""
    if style == "deepObject":
        return "&".join(f"{percent(key)}={encode(inner)}" for key, inner in deep(name, value))
    if not isinstance(value, Mapping | list) or explode:
        pairs = exploded(name, value)
        return "&".join(f"{percent(key)}={encode(inner)}" for key, inner in pairs)
    between = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")
    if not value:
        return f"{percent(name)}="
    return f"{percent(name)}={between.join(encode(one) for one in _flat(value))}"


def exploded(name: str, value: Any) -> list[Pair]:
    """A pair for every item of a list, or every property of an object; else one."""
    if isinstance(value, Mapping):
        return [(str(key), text(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [(name, text(inner)) for inner in value]
    return [(name, text(value))]


def deep(name: str, value: Any) -> list[Pair]:
    """``name[k]=v``, as deep as the object is."""
    if isinstance(value, Mapping):
        return [pair for key, inner in value.items() for pair in deep(f"{name}[{key}]", inner)]
    return exploded(name, value)


def _flat(value: Mapping[str, Any] | Sequence[Any]) -> list[str]:
    if isinstance(value, Mapping):
        return [part for key, inner in value.items() for part in (str(key), text(inner))]
    return [text(inner) for inner in value]


def _joined(value: Any, *, explode: bool, encode: Quote, between: str) -> str:
    if isinstance(value, Mapping) and explode:
        return between.join(f"{encode(str(k))}={encode(text(v))}" for k, v in value.items())
    if isinstance(value, Mapping | list):
        return between.join(encode(part) for part in _flat(value))
    return encode(text(value))


def _matrix(name: str, encoded: str) -> str:
    return f";{percent(name)}={encoded}" if encoded else f";{percent(name)}"
