"""What every request gets: an id, a line in the log. Pure ASGI, so that errors get them too."""

import re
import secrets
import time

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("hookline.requests")
HEADER = b"x-request-id"
_SAFE = re.compile(rb"^[A-Za-z0-9_.:-]{1,128}$")


class RequestLog:
    """Gives each request an id, in the header ``x-request-id`` and in the log.

    An id that the caller, or a proxy before us, gave is kept if it is harmless.

    Args:
        app: what answers.
        access_log: whether a line is written per request.
    """

    def __init__(self, app: ASGIApp, *, access_log: bool):
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as ASGI wants it."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        id_ = _request_id(scope)
        status = 0
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, id_)]
            await send(message)

        structlog.contextvars.bind_contextvars(request=id_.decode())
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            structlog.contextvars.unbind_contextvars("request")
            if self._access_log:
                log.info(
                    "request.finished",
                    request=id_.decode(),
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                )


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == HEADER and _SAFE.match(value):
            return value
    return new_request_id()


def new_request_id() -> bytes:
    """An id for a request that came without one."""
    return b"req_" + secrets.token_hex(12).encode()
