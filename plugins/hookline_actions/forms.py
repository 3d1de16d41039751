"""Forms: how the body of a request is written."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from hookline.outbound import Body as SentBody
from hookline_actions import styles
from hookline_actions.failures import ArgumentRefused
from hookline_actions.operations import Body, BodyForm, Encoding

_PLAIN = Encoding()
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""Source: the WHATWG's multipart/form-data encoding algorithm."""


def body_for(body: Body, arguments: Mapping[str, Any]) -> SentBody | None:
    """The body that these arguments make; ``None`` if they give none and none is needed.

    Raises:
        ArgumentRefused: it cannot be written.
    """
    if body.properties is None:
        if body.argument not in arguments:
            return None
        value = arguments[body.argument]
    else:
        value = {
            name: arguments[argument]
            for argument, name in body.properties.items()
            if argument in arguments
        }
        if not value and not body.required:
            return None
    match body.form:
        case BodyForm.JSON:
            return SentBody(_encoded(styles.as_json(value)), body.media_type)
        case BodyForm.URLENCODED:
            return SentBody(_urlencoded(body, _fields(value)).encode(), body.media_type)
        case BodyForm.MULTIPART:
            boundary = secrets.token_hex(16)
            data = b"".join(_multipart(body, _fields(value), boundary))
            return SentBody(data, f"multipart/form-data; boundary={boundary}")
        case BodyForm.TEXT:
            media_type = body.media_type
            if media_type.startswith("text/") and "charset" not in media_type:
                media_type = f"{media_type}; charset=utf-8"
            return SentBody(_encoded(styles.text(value)), media_type)


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    message = "the body of a form is an object"
    raise ArgumentRefused(message)


def _urlencoded(body: Body, fields: Mapping[str, Any]) -> str:
    parts = [
        _pairs(name, value, body.encodings.get(name, _PLAIN)) for name, value in fields.items()
    ]
    return "&".join(part for part in parts if part)


def _pairs(name: str, value: Any, encoding: Encoding) -> str:
    """A property as ``name=value``: by its style, else objects as JSON and lists item by item."""
    encode = styles.percent_reserved if encoding.allow_reserved else styles.percent
    whole = encoding.media_type.endswith("json") or isinstance(value, Mapping)
    if encoding.style is None and whole:
        return f"{styles.percent(name)}={encode(styles.as_json(value))}"
    style = encoding.style or "form"
    return styles.query(name, value, style=style, explode=encoding.explode, encode=encode)


def _multipart(body: Body, fields: Mapping[str, Any], boundary: str) -> Iterator[bytes]:
    for name, value in fields.items():
        encoding = body.encodings.get(name, _PLAIN)
        for one in value if isinstance(value, list) else [value]:
            yield _encoded(f"--{boundary}\r\n{_head(name, one, encoding)}\r\n\r\n")
            whole = isinstance(one, Mapping | list) or encoding.media_type.endswith("json")
            yield _encoded(styles.as_json(one) if whole else styles.text(one))
            yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _head(name: str, value: Any, encoding: Encoding) -> str:
    quoted = name.translate(_ESCAPES)
    file = f'; filename="{quoted}"' if encoding.file else ""
    media_type = encoding.media_type
    if not media_type and isinstance(value, Mapping | list):
        media_type = "application/json"
    if not media_type and encoding.file:
        media_type = "application/octet-stream"
    kind = f"\r\nContent-Type: {media_type.translate(_ESCAPES)}" if media_type else ""
    return f'Content-Disposition: form-data; name="{quoted}"{file}{kind}'


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = "a text has a lone surrogate, which cannot be sent"
        raise ArgumentRefused(message) from error
