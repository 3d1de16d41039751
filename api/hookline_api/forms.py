"""Forms with a file (``multipart/form-data``), read as they come in: no file is in memory."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import attrs
from litestar import Request
from litestar.exceptions import InternalServerException
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from hookline.drafts import Draft
from hookline.errors import FileTooLarge, InvalidRequest

FORM = "multipart/form-data"
FIELDS = 32
"""Fields that a form may have."""
FIELDS_SIZE = 65_536
"""Bytes that all fields but the file may have together."""


@attrs.frozen
class Form:
    """A form that was read: the name of its file, if there was one, and its other fields."""

    filename: str | None
    fields: Mapping[str, str]


async def read_form(request: Request[Any, Any, Any], name: str, draft: Draft) -> Form:
    """Read a form to its end; the file in the field ``name`` goes into the draft.

    Raises:
        InvalidRequest: it is no form, or has too many fields, or what the draft raises.
    """
    reader = _Reader(name, draft)
    boundary = _boundary(request.headers.get("content-type", ""))
    try:
        with PushMultipartParser(
            boundary, max_segment_count=FIELDS, max_header_size=16_384
        ) as form:
            async with aclosing(_pieces(request)) as pieces:
                async for piece in pieces:
                    for event in form.parse(piece):
                        await reader.take(event)
    except ParserLimitReached as error:
        message = f"the form has more than {FIELDS} fields, or a header that is too long"
        raise InvalidRequest(message) from error
    except MultipartError as error:
        message = f"the body is not a complete form: {error}"
        raise InvalidRequest(message) from error
    return Form(reader.filename, reader.fields)


def check_length(request: Request[Any, Any, Any], limit: int) -> None:
    """Refuse a body that says itself that its file is too large, before any of it is read.

    Raises:
        FileTooLarge: it is.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isascii() and announced.isdecimal() and int(announced) > limit + FIELDS_SIZE:
        message = f"a file may have {limit:,} bytes, and this one has more"
        raise FileTooLarge(message, param="file", reason="file_too_large")


class _Reader:
    """Takes the parts of a form one after the other."""

    def __init__(self, name: str, draft: Draft):
        self.filename: str | None = None
        self.fields: dict[str, str] = {}
        self._name = name
        self._draft = draft
        self._part: MultipartSegment | None = None
        self._text = bytearray()
        self._size = 0

    async def take(self, event: MultipartSegment | bytes | None) -> None:
        """The head of a part, a piece of it, or its end."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._is_file:
            await self._draft.write(bytes(event))
        else:
            self._add(event)

    @property
    def _is_file(self) -> bool:
        return self._part is not None and bool(self._part.filename)

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._text = part, bytearray()
        if not part.filename:
            return
        if part.name != self._name or self.filename is not None:
            message = f"{part.name}: send one file, in the field {self._name}"
            raise InvalidRequest(message, param=part.name)
        self.filename = part.filename

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > FIELDS_SIZE:
            message = f"the fields beside the file may have {FIELDS_SIZE:,} bytes"
            raise InvalidRequest(message)
        self._text += piece

    def _end(self) -> None:
        if self._part is not None and not self._is_file:
            self.fields[self._part.name] = self._text.decode(errors="replace")
        self._part = None


def _boundary(content_type: str) -> str:
    kind, options = parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if kind != FORM or not boundary:
        message = f"send the file as {FORM}, in the field file"
        raise InvalidRequest(message)
    return boundary


async def _pieces(request: Request[Any, Any, Any]) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(request.stream()) as stream:
            async for piece in stream:
                if piece:
                    yield piece
    except InternalServerException as error:
        message = "the client closed the connection before the body was complete"
        raise InvalidRequest(message) from error
