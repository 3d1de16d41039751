"""Requests: what is sent for an operation and its arguments."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import attrs

from hookline.outbound import Body as SentBody
from hookline_actions import styles
from hookline_actions.failures import ArgumentRefused
from hookline_actions.forms import body_for
from hookline_actions.operations import Operation, Parameter, Place
from hookline_actions.parameters import TEMPLATE

ACCEPT = "application/json, text/*;q=0.9, */*;q=0.5"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SEPARATOR = re.compile(r"[/\\]")


@attrs.frozen(kw_only=True)
class Request:
    """A request that can be sent.

    Args:
        url: with everything percent-encoded that must be.
        query: percent-encoded, to be put behind ``?``.
        headers: by name.
        cookies: names and values, percent-encoded.
    """

    method: str
    url: str
    query: Sequence[str] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict)
    cookies: Sequence[str] = ()
    body: SentBody | None = None

    @property
    def whole_url(self) -> str:
        """The URL with its query."""
        between = "&" if "?" in self.url else "?"
        return f"{self.url}{between}{'&'.join(self.query)}" if self.query else self.url

    @property
    def all_headers(self) -> Mapping[str, str]:
        """The headers with that of the cookies."""
        if not self.cookies:
            return self.headers
        return {**self.headers, "Cookie": "; ".join(self.cookies)}


def build(operation: Operation, arguments: Mapping[str, Any]) -> Request:
    """The request that these arguments make. They follow the schema of the operation.

    Raises:
        ArgumentRefused: an argument cannot be sent, or would lead to another path.
    """
    query: list[str] = []
    headers = {"Accept": ACCEPT}
    cookies: list[str] = []
    for parameter in operation.parameters:
        if parameter.argument not in arguments:
            continue
        value = arguments[parameter.argument]
        match parameter.place:
            case Place.PATH:
                continue
            case Place.QUERY:
                query.append(_query(parameter, value))
            case Place.HEADER:
                headers[parameter.name] = _header(parameter, value)
            case Place.COOKIE:
                cookies += _cookies(parameter, value)
    return Request(
        method=operation.method,
        url=operation.base + _path(operation, arguments),
        query=[part for part in query if part],
        headers=headers,
        cookies=cookies,
        body=None if operation.body is None else body_for(operation.body, arguments),
    )


def _path(operation: Operation, arguments: Mapping[str, Any]) -> str:
    by_name = {one.name: one for one in operation.parameters if one.place is Place.PATH}

    def expanded(match: re.Match[str]) -> str:
        parameter = by_name[match[1]]
        if parameter.argument not in arguments:
            message = f"{parameter.argument} is missing"
            raise ArgumentRefused(message)
        return _segment(parameter, arguments[parameter.argument])

    segments = operation.path.split("/")
    return "/".join(_checked(TEMPLATE.sub(expanded, one), one) for one in segments)


def _checked(segment: str, template: str) -> str:
    """A segment that stays where the template has put it.

    Servers and proxies differ in whether they decode a path before they read its dots and slashes.
    """
    if segment == template:
        return segment
    if not segment:
        message = f"{template}: a path has no empty part; give a value"
        raise ArgumentRefused(message)
    for part in _SEPARATOR.split(_decoded(segment)):
        if part.partition(";")[0].strip() in {".", ".."}:
            message = f"{template}: a value with . or .. would lead to another path"
            raise ArgumentRefused(message)
    return segment


def _decoded(text: str) -> str:
    """What a text can come to mean, however often it is decoded."""
    while (decoded := unquote(text)) != text:
        text = decoded
    return text


def _segment(parameter: Parameter, value: Any) -> str:
    if parameter.media_type:
        return styles.percent(_written(parameter, value))
    encode, explode = styles.percent, parameter.explode
    if parameter.style == "label":
        return styles.label(value, explode=explode, encode=encode)
    if parameter.style == "matrix":
        return styles.matrix(parameter.name, value, explode=explode, encode=encode)
    return styles.simple(value, explode=explode, encode=encode)


def _query(parameter: Parameter, value: Any) -> str:
    encode = styles.percent_reserved if parameter.allow_reserved else styles.percent
    if parameter.media_type:
        return f"{styles.percent(parameter.name)}={encode(_written(parameter, value))}"
    return styles.query(
        parameter.name, value, style=parameter.style, explode=parameter.explode, encode=encode
    )


def _header(parameter: Parameter, value: Any) -> str:
    if parameter.media_type:
        written = _written(parameter, value)
    else:
        written = styles.simple(value, explode=parameter.explode, encode=str)
    if _CONTROL.search(written) or not written.isascii():
        message = f"{parameter.argument}: a header has printable ASCII characters only"
        raise ArgumentRefused(message)
    return written.strip()


def _cookies(parameter: Parameter, value: Any) -> list[str]:
    if parameter.media_type:
        written = styles.percent(_written(parameter, value))
        return [f"{styles.percent(parameter.name)}={written}"]
    joined = styles.query(
        parameter.name, value, style="form", explode=parameter.explode, encode=styles.percent
    )
    return [part for part in joined.split("&") if part]


def _written(parameter: Parameter, value: Any) -> str:
    """The value of a parameter with ``content``."""
    if parameter.media_type.partition(";")[0].strip().lower().endswith("json"):
        return styles.as_json(value)
    return styles.text(value)
