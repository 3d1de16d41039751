"""Errors on the wire: one shape, and one table of statuses.

::

    Failure            an error ready to be sent: status, headers, ``{"error": {...}}``
    HooklineError
    ├── AddressUnavailable     the server cannot listen where it should
    └── RequestError
        ├── AlreadyExists          the id is taken
        └── PreconditionRequired   a change does not say what it was made for
"""

import math
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from hookline.errors import (
    AccessDenied,
    AdmissionRefused,
    AgentNotFound,
    HooklineError,
    InvalidRequest,
    ProviderError,
    RequestError,
    Unauthenticated,
    Unavailable,
    VersionConflict,
)
from hookline.events import RunCancelled, RunFailed
from hookline.quotas import Quota, RateLimit
from hookline.runs import INTERNAL
from hookline.wire import ErrorBody, ErrorDetail

log = structlog.get_logger("hookline.api")
encode = msgspec.json.Encoder().encode

STATUSES: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "invalid_request_error"),
    "file_too_large": (413, "invalid_request_error"),
    "unauthenticated": (401, "invalid_request_error"),
    "insufficient_quota": (402, "insufficient_quota"),
    "access_denied": (403, "permission_error"),
    "permission_denied": (403, "permission_error"),
    "not_found": (404, "invalid_request_error"),
    "model_not_found": (404, "invalid_request_error"),
    "provider_not_allowed": (403, "invalid_request_error"),
    "context_length_exceeded": (400, "invalid_request_error"),
    "version_conflict": (409, "invalid_request_error"),
    "run_busy": (409, "invalid_request_error"),
    "already_exists": (409, "invalid_request_error"),
    "precondition_required": (428, "invalid_request_error"),
    "provider_error": (502, "server_error"),
    "provider_refused": (502, "server_error"),
    "provider_broken": (502, "server_error"),
    "provider_timeout": (504, "server_error"),
    "deadline_exceeded": (504, "server_error"),
    "tool_unavailable": (503, "server_error"),
    "unavailable": (503, "server_error"),
    "store_unavailable": (503, "server_error"),
    "part_unavailable": (503, "server_error"),
    "shutting_down": (503, "server_error"),
    "cancelled": (503, "server_error"),
}
"""Status and type of each ``code`` in ``hookline.errors``; what is not here is a 500."""

TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
"""Types of statuses that an upstream gave. Other 4xx are ``invalid_request_error``."""

RETRY_AFTER = 1
"""Seconds after which a caller of a server that is not ready may try again."""

CANCELLED: Mapping[str, str] = {
    "client_gone": "the client closed the connection",
    "operator": "the run was cancelled",
    "shutdown": "the server is shutting down; try again in a moment",
    "key_revoked": "the API key was revoked, or it expired",
}


class AddressUnavailable(HooklineError):
    """The server cannot listen on its host and port; nothing was started."""

    code = "address_unavailable"


class AlreadyExists(RequestError):
    """What shall be created has the id of something that is there."""

    code = "already_exists"


class PreconditionRequired(RequestError):
    """A change must say which version it was made for, and does not."""

    code = "precondition_required"


@attrs.frozen
class Failure:
    """An error ready to be sent."""

    status: int
    detail: ErrorDetail
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def body(self) -> bytes:
        """The error as JSON."""
        return encode(ErrorBody(self.detail))

    def response(self) -> Response[bytes]:
        """The error as the answer to a request."""
        return Response(
            self.body,
            status_code=self.status,
            media_type="application/json",
            headers=dict(self.headers),
        )


def failure_of(error: HooklineError, what: str = "agent") -> Failure:
    """What a caller gets to see of an error. ``what`` is how the path calls an agent."""
    status, type_ = STATUSES.get(error.code, (500, "server_error"))
    message, headers = str(error) or INTERNAL, {}
    param: str | None = None
    code: str | None = error.code
    match error:
        case InvalidRequest():
            param, code = error.param, error.reason
        case Unauthenticated():
            code, headers = error.reason, {"www-authenticate": "Bearer"}
        case AgentNotFound():
            message = f"{what.capitalize()} not found: {error}"
        case AccessDenied():
            message = f"No remote access to {what}: {error}"
        case VersionConflict(current=current) if current:
            headers = {"etag": f'"{current}"'}
        case AdmissionRefused(retry_after=float() | int()):
            status, type_, code = 429, "rate_limit_error", "rate_limit_exceeded"
            headers = {**_retry(error.retry_after), **quota_headers(error.quota)}
        case Unavailable():
            headers = _retry(RETRY_AFTER)
        case ProviderError():
            return _provider_failure(
                error.code, message, error.status, error.reason, error.retry_after
            )
        case _:
            pass
    return Failure(status, ErrorDetail(message, type_, param, code), headers)


def failure_of_run(ended: RunFailed | RunCancelled) -> Failure:
    """What a caller gets to see of a run that failed or was cancelled."""
    if isinstance(ended, RunCancelled) and ended.reason == "key_revoked":
        return failure_of(Unauthenticated(CANCELLED[ended.reason]))
    if isinstance(ended, RunCancelled):
        detail = ErrorDetail(CANCELLED[ended.reason], "server_error", None, "cancelled")
        return Failure(STATUSES["cancelled"][0], detail, _retry(RETRY_AFTER))
    if ended.code.startswith("provider_"):
        return _provider_failure(
            ended.code, ended.message, ended.status, ended.reason, ended.retry_after
        )
    status, type_ = STATUSES.get(ended.code, (500, "server_error"))
    return Failure(status, ErrorDetail(ended.message, type_, None, ended.code))


def _provider_failure(
    code: str, message: str, status: int | None, reason: str | None, retry_after: float | None
) -> Failure:
    own, type_ = STATUSES[code]
    if status is not None and 400 <= status <= 599:
        own = status
        default = "server_error" if status >= 500 else "invalid_request_error"
        type_ = TYPES.get(status, default)
    return Failure(own, ErrorDetail(message, type_, None, reason or code), _retry(retry_after))


def _retry(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": str(max(1, math.ceil(seconds)))}


def quota_headers(quota: Quota | None) -> dict[str, str]:
    """The limits that a request falls under, as OpenAI's headers ``x-ratelimit-*`` say them."""
    headers: dict[str, str] = {}
    for name in ("requests", "tokens"):
        limit: RateLimit | None = getattr(quota, name, None)
        if limit is not None:
            headers[f"x-ratelimit-limit-{name}"] = str(limit.limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(limit.remaining)
            headers[f"x-ratelimit-reset-{name}"] = duration(limit.reset)
    return headers


def duration(seconds: float) -> str:
    """A duration as OpenAI writes it: ``120ms``, ``1s``, ``6m0s``, ``1h0m0s``."""
    millis = max(0, math.ceil(seconds * 1000))
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    shown = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return shown
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{shown}" if hours else f"{minutes}m{shown}"


def on_hookline_error(_: Request[Any, Any, Any], error: HooklineError) -> Response[bytes]:
    """Answer with an error of ours."""
    return failure_of(error).response()


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer with an error of Litestar's: no such path, wrong method, body too large."""
    status = error.status_code
    if isinstance(error, ValidationException):
        return failure_of(_about_input(error)).response()
    messages = {
        404: f"Unknown request URL: {request.method} {request.url.path}",
        405: f"Not allowed to {request.method} {request.url.path}",
        413: "Request body is too large; [server] body_limit sets how large it may be",
    }
    message = messages.get(status, error.detail) if status < 500 else INTERNAL
    if status >= 500:
        log.error("request.failed", error=repr(error))
    type_ = "server_error" if status >= 500 else "invalid_request_error"
    codes = {404: "unknown_url", 405: "method_not_allowed", 413: "request_too_large"}
    detail = ErrorDetail(message, type_, None, codes.get(status))
    headers = {name: _ordered(str(value)) for name, value in (error.headers or {}).items()}
    return Failure(status, detail, headers).response()


def _ordered(value: str) -> str:
    """The words of a header such as ``allow``, which come from a set, in one order."""
    return ", ".join(sorted(value.split(", ")))


def _about_input(error: ValidationException) -> InvalidRequest:
    """What Litestar found wrong before we saw the input: an empty body, a query parameter."""
    found = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    if found.get("key") in {None, "data"}:
        message = "Request body is required"
        return InvalidRequest(message)
    return InvalidRequest(f"{found['key']}: {found.get('message')}", param=found["key"])


def on_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer with a generic error; the log has the rest."""
    log.error("request.crashed", path=request.url.path, exc_info=error)
    return Failure(500, ErrorDetail(INTERNAL, "server_error", None, "internal_error")).response()
