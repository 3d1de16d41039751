"""What a caller says about a request besides its URL, and what comes back."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode

import attrs
import msgspec

from hookline.charsets import as_named
from hookline.outbound.failures import FetchFailed


@attrs.frozen
class Body:
    """What is sent, and its ``content-type``."""

    data: bytes = attrs.field(repr=False)
    content_type: str

    @classmethod
    def json(cls, value: Any) -> Self:
        """A value as JSON."""
        return cls(msgspec.json.encode(value), "application/json")

    @classmethod
    def form(cls, fields: Sequence[tuple[str, str]]) -> Self:
        """Fields as a form; a name may come more than once."""
        return cls(urlencode(fields).encode(), "application/x-www-form-urlencoded")


class Excess(Enum):
    """What becomes of an answer that is larger than it may be."""

    CUT = "cut"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class Limits:
    """How long a request may take and how much may come back.

    Args:
        connect: seconds to look up the name and to connect, for each server on the way.
        total: seconds until the last byte is there, redirects included.
        size: bytes of the body, unpacked.
        excess: whether a larger body is cut, or fails.
        redirects: how many are followed. With 0 the redirect itself is the answer.
    """

    connect: float = 10.0
    total: float = 30.0
    size: int = 5_000_000
    excess: Excess = Excess.REFUSED
    redirects: int = 0


@attrs.frozen
class Fetched:
    """An answer, whatever its status.

    Args:
        status: of HTTP.
        headers: names in lower case; values of one name are joined by a comma.
        body: unpacked.
        url: what was answered, after redirects.
        truncated: there was more than ``Limits.size``.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    url: str = attrs.field(repr=False)
    truncated: bool = False

    @property
    def status_line(self) -> str:
        """The status as people say it, such as ``404 Not Found``."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    @property
    def content_type(self) -> str:
        """The media type alone, in lower case; empty if the server did not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """The body as text in the character set that the server named, else UTF-8.

        What cannot be read is replaced.
        """
        return as_named(self.body, self.headers.get("content-type", ""))


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OURS = frozenset(
    {
        "host",
        "connection",
        "keep-alive",
        "content-length",
        "transfer-encoding",
        "accept-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
    }
)
"""Headers that decide where a request goes and where it ends."""


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with names in lower case.

    Raises:
        FetchFailed: a header may not be set, or would end before its end.
    """
    kept: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            message = "a header has a character that headers cannot have"
            raise FetchFailed(message)
        if lower in _OURS or lower.startswith("proxy-"):
            message = f"the header {lower} cannot be set"
            raise FetchFailed(message)
        kept[lower] = value
    return kept
