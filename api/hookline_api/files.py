"""``/v1/files``: upload, list, read and delete files, as OpenAI's clients do."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from litestar import HttpMethod, Request, Response, delete, get, post, route
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from hookline.errors import InvalidRequest
from hookline.file_access import FileAccess, FileQuery, Order
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.runtime import Runtime
from hookline.wire import ErrorDetail
from hookline_api.auth import may_use, principal_of
from hookline_api.described import documented, errors
from hookline_api.errors import Failure
from hookline_api.file_forms import UploadOperation
from hookline_api.forms import Form, check_length, read_form
from hookline_api.ranges import Part, Unsatisfiable, attachment, known, part_of, still_holds

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
PURPOSES = get_args(Purpose)
"""What OpenAI's clients upload files for. Files serve all purposes alike; it is a label."""
_DIGITS = re.compile(r"[0-9]{1,9}")
SHORTEST, LONGEST = 3_600, 2_592_000
"""Seconds after which a file may expire. Source: OpenAI, ``expires_after.seconds``."""
SAFE: Mapping[str, str] = {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""Headers that keep a file from being shown as a page of this server's."""


class FileDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file. Times are in seconds since 1970."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"]
    expires_at: int | None = None


class FileList(Struct, frozen=True, kw_only=True):
    """Files; the next ones are asked for with ``after=last_id``. Both ids are empty if none are."""

    object: Literal["list"] = "list"
    data: list[FileDocument]
    first_id: str
    last_id: str
    has_more: bool


class FileDeleted(Struct, frozen=True, kw_only=True):
    """What is said of a file that is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


Range = Annotated[
    str | None,
    HeaderParameter(name="Range", required=False, description="Bytes: `bytes=0-999`"),
]
IfRange = Annotated[
    str | None,
    HeaderParameter(
        name="If-Range", required=False, description="The ETag for which `Range` is meant"
    ),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(name="If-None-Match", required=False, description="ETags that the caller has"),
]
Only = Annotated[
    str | None,
    QueryParameter(
        name="purpose", required=False, max_length=100, description="Only files with it"
    ),
]
Ordered = Annotated[
    Order, QueryParameter(name="order", description="`desc`, the newest first, or `asc`")
]
After = Annotated[
    str, QueryParameter(name="after", max_length=1000, description="Begin after this id")
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=10_000, description="At most so many")]
CONTENT = {
    200: documented(bytes, "All bytes", media_type="*/*"),
    206: documented(bytes, "The bytes of `Range`", media_type="*/*"),
    304: documented(None, "The caller has them"),
}
ETAG = ResponseHeader(name="ETag", documentation_only=True, description="Of the bytes")


@post(
    "/files",
    guards=[may_use],
    operation_class=UploadOperation,
    operation_id="createFile",
    summary="Upload a file",
    tags=["files"],
    status_code=200,
    request_max_body_size=None,  # the file's own limit holds, as its bytes come in
    responses={200: documented(FileDocument, "The file")} | errors(413),
)
async def create_file(request: Request[Any, Any, Any]) -> Response[FileDocument]:
    """Keep a file of the caller's. Its type is found from its bytes and its name."""
    runtime: Runtime = request.app.state.runtime
    check_length(request, runtime.registry.config.files.limit)
    files, owner = runtime.registry.files, principal_of(request).user
    async with files.draft(owner) as draft:
        form = await read_form(request, "file", draft)
        file = await files.save(
            draft,
            owner=owner,
            name=_name(form),
            purpose=_purpose(form),
            expires_at=_expiry(form, files.now()),
        )
    return Response(document(file), status_code=200)


@get(
    "/files",
    guards=[may_use],
    operation_id="listFiles",
    summary="List files",
    tags=["files"],
    responses=errors(),
)
async def list_files(
    request: Request[Any, Any, Any],
    *,
    purpose: Only = None,
    order: Ordered = "desc",
    after: After = "",
    limit: Limit = 10_000,
) -> FileList:
    """The caller's files, and those of others that it may see."""
    query = FileQuery(purpose=purpose, order=order, after=after, limit=limit)
    found = await access_of(request).list(principal_of(request), query)
    data = [document(file) for file in found[:limit]]
    return FileList(
        data=data,
        first_id=data[0].id if data else "",
        last_id=data[-1].id if data else "",
        has_more=len(found) > limit,
    )


@get(
    "/files/{file_id:str}",
    guards=[may_use],
    operation_id="retrieveFile",
    summary="Get one file",
    tags=["files"],
    responses=errors(404),
)
async def get_file(request: Request[Any, Any, Any], file_id: FromPath[str]) -> FileDocument:
    """What is known of a file."""
    return document(await access_of(request).find(principal_of(request), file_id))


@delete(
    "/files/{file_id:str}",
    guards=[may_use],
    operation_id="deleteFile",
    summary="Delete a file",
    tags=["files"],
    status_code=200,
    responses=errors(404),
)
async def delete_file(request: Request[Any, Any, Any], file_id: FromPath[str]) -> FileDeleted:
    """Remove a file, and its bytes if no other file has the same."""
    file = await access_of(request).find(principal_of(request), file_id, "delete")
    await files_of(request).delete(file)
    return FileDeleted(id=file.id)


@get(
    "/files/{file_id:str}/content",
    guards=[may_use],
    operation_id="downloadFile",
    summary="Get the bytes of a file",
    tags=["files"],
    response_headers=[ETAG],
    responses=CONTENT | errors(404, 416),
)
async def get_content(
    request: Request[Any, Any, Any],
    file_id: FromPath[str],
    *,
    wanted: Range = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response[Any]:
    """All bytes, or a part of them. Several parts at once are answered with all bytes."""
    file = await access_of(request).find(principal_of(request), file_id)
    headers = _headers(file)
    if known(if_none_match, headers["etag"]):
        return Response(None, status_code=304, headers=headers)
    part = part_of(wanted, file.size) if still_holds(if_range, headers["etag"]) else None
    if isinstance(part, Unsatisfiable):
        return _beyond(file)
    status = 200 if part is None else 206
    if part is None:
        part = Part(0, file.size)
    else:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{file.size}"
    headers["content-length"] = str(part.end - part.start)
    pieces = files_of(request).pieces(file, part.start, part.end)
    first = await anext(pieces, b"")  # a failure is said here, while it can be
    return Stream(
        _bytes(first, pieces), status_code=status, media_type=file.media_type, headers=headers
    )


@route(
    "/files/{file_id:str}/content",
    http_method=HttpMethod.HEAD,
    guards=[may_use],
    status_code=200,
    include_in_schema=False,
)
async def head_content(request: Request[Any, Any, Any], file_id: FromPath[str]) -> Response[None]:
    """What would be said of all bytes, without them."""
    file = await access_of(request).find(principal_of(request), file_id)
    headers = {**_headers(file), "content-length": str(file.size)}
    return Response(None, media_type=file.media_type, headers=headers)


def _headers(file: FileRecord) -> dict[str, str]:
    """What is said of a file's bytes, whichever of them are sent."""
    etag = f'"{file.digest}"'
    return {**SAFE, "etag": etag, "content-disposition": attachment(file.name)}


async def _bytes(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


def _beyond(file: FileRecord) -> Response[bytes]:
    """The answer to somebody who wants bytes that the file has not."""
    message = f"{file.id} has {file.size:,} bytes, and none of those that Range asks for"
    detail = ErrorDetail(message, "invalid_request_error", "Range", "range_not_satisfiable")
    return Failure(416, detail, {"content-range": f"bytes */{file.size}"}).response()


def document(file: FileRecord) -> FileDocument:
    """A file as it is shown."""
    return FileDocument(
        id=file.id,
        object="file",
        bytes=file.size,
        created_at=int(file.created_at.timestamp()),
        filename=file.name,
        purpose=file.purpose,
        status="processed",
        expires_at=None if file.expires_at is None else int(file.expires_at.timestamp()),
    )


def files_of(request: Request[Any, Any, Any]) -> Files:
    """The server's files."""
    files: Files = request.app.state.runtime.registry.files
    return files


def access_of(request: Request[Any, Any, Any]) -> FileAccess:
    """Who may see and remove them."""
    runtime: Runtime = request.app.state.runtime
    return FileAccess(runtime.access, runtime.registry.files, runtime.registry.store.files)


def _name(form: Form) -> str:
    if form.filename is None:
        message = "file is required: send it with a filename"
        raise InvalidRequest(message, param="file")
    return form.filename


def _purpose(form: Form) -> str:
    purpose = form.fields.get("purpose", "")
    if purpose not in PURPOSES:
        message = f"purpose is required; it must be one of: {', '.join(PURPOSES)}"
        raise InvalidRequest(message, param="purpose")
    return purpose


def _expiry(form: Form, at: datetime) -> datetime | None:
    anchor = form.fields.get("expires_after[anchor]")
    seconds = form.fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at":
        message = "expires_after[anchor] must be created_at"
        raise InvalidRequest(message, param="expires_after[anchor]")
    number = int(seconds) if seconds is not None and _DIGITS.fullmatch(seconds) else -1
    if not SHORTEST <= number <= LONGEST:
        message = f"expires_after[seconds] must be from {SHORTEST} to {LONGEST}"
        raise InvalidRequest(message, param="expires_after[seconds]")
    return at + timedelta(seconds=number)
