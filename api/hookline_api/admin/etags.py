"""ETags: the version of a document, so that nobody overwrites what they have not seen."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter

from hookline.errors import InvalidRequest
from hookline_api.described import documented
from hookline_api.errors import PreconditionRequired

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        required=False,
        description="The ETag of the version that is changed, or `*` for whatever is there",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-None-Match",
        required=False,
        description="ETags of versions that need not be sent again",
    ),
]
NOT_MODIFIED = {304: documented(None, "The caller has this version")}
ETAG = ResponseHeader(
    name="ETag", documentation_only=True, description="The version, in quotation marks"
)
LOCATION = ResponseHeader(
    name="Location", documentation_only=True, description="Where it is from now on"
)
_STRONG = re.compile(r'"([0-9]{1,9})"')


def etag_of(version: int) -> str:
    """The strong ETag of a version."""
    return f'"{version}"'


def expected(if_match: str | None) -> int | None:
    """The version that a change is made for; ``None`` for whatever is there.

    Raises:
        InvalidRequest: the header is neither an ETag of ours nor ``*``.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = _STRONG.fullmatch(if_match.strip())
    if match is None:
        message = 'If-Match must be one ETag as the server gave it, such as "3", or *'
        raise InvalidRequest(message, param="If-Match")
    return int(match[1])


def required(if_match: str | None) -> int | None:
    """The same, for a request that must say what it replaces.

    Raises:
        PreconditionRequired: it does not.
        InvalidRequest: the header is neither an ETag of ours nor ``*``.
    """
    if if_match is None:
        message = (
            "send the ETag of the version that you change as If-Match, or * for whatever is there"
        )
        raise PreconditionRequired(message)
    return expected(if_match)


def answer(
    body: Any, version: int, *, if_none_match: str | None = None, created: str | None = None
) -> Response[Any]:
    """A versioned document with its ETag.

    Args:
        body: the document.
        version: its version.
        if_none_match: the versions that the caller has, as the header says it.
        created: its path, if the request created it.
    """
    headers = {"etag": etag_of(version)}
    if _known(if_none_match, version):
        return Response(None, status_code=304, headers=headers)
    if created is None:
        return Response(body, headers=headers)
    return Response(body, status_code=201, headers={**headers, "location": quote(created)})


def _known(if_none_match: str | None, version: int) -> bool:
    """Whether the caller has this version; weak and strong ETags count alike. RFC 9110, 13.1.2."""
    tags = [tag.strip() for tag in (if_none_match or "").split(",")]
    return "*" in tags or any(tag.removeprefix("W/") == etag_of(version) for tag in tags)
