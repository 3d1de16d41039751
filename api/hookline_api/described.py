"""What the API's document says of answers: each status of an error has one meaning."""

from collections.abc import Mapping
from typing import Any

from litestar import MediaType
from litestar.openapi.datastructures import ResponseSpec

from hookline.wire import ErrorBody

MEANINGS: Mapping[int, str] = {
    400: "A field of the request is wrong; `param` names it",
    401: "No API key, or not a valid one",
    402: "A usage recorder refused, for want of money",
    403: "The caller may not do this",
    404: "There is no such thing",
    409: "Another version is there than the change was made for, or the id is taken",
    413: "The body is larger than `[server] body_limit`, or a file than `[files] limit`",
    416: "The file has none of the bytes that `Range` asks for",
    428: "The header `If-Match` is missing",
    429: "A limit is reached; `Retry-After` says when to try again",
    502: "The upstream failed, or could not be understood",
    503: "The server cannot answer now; `Retry-After` says when to try again",
    504: "The upstream, or the run, took too long",
}
ALWAYS = (400, 401, 403, 503)
"""What every operation that needs a key may answer."""


def errors(*further: int) -> dict[int, ResponseSpec]:
    """The errors of an operation that needs a key: those of all of them, and these statuses."""
    return {
        status: documented(ErrorBody, MEANINGS[status]) for status in sorted({*ALWAYS, *further})
    }


def documented(shape: Any, description: str, media_type: str = MediaType.JSON) -> ResponseSpec:
    """An answer of this shape, or with no body, without examples.

    Litestar would make examples up, others with each start: the document would never be the same.
    """
    return ResponseSpec(
        shape, description=description, media_type=media_type, generate_examples=False
    )
