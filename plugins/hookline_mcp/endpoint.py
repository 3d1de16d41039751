"""Servers that are asked by HTTP: limits, the guard of targets, failures as answers."""

from collections.abc import AsyncIterator
from typing import Any

import attrs
import httpx2
import msgspec

from hookline.outbound import Lookup, OutboundError, Targets, system_lookup
from hookline_mcp.servers import Endpoint

UNREACHED = -31_901
"""The code of an answer that stands for a request which no server has seen."""

BROKEN = -31_902
"""The code of an answer that stands for a request of which nobody knows what became."""

UNAUTHORIZED = -31_903
"""The code of an answer that stands for one of HTTP with the status 401 or 403."""

FORGOTTEN = -31_904
"""The code of an answer that stands for a session which the server knows nothing of any more."""

SESSION = "mcp-session-id"
PARTING = 1.0
"""Seconds that the end of a session may take."""

WRITE_SECONDS = 30.0
AT_A_TIME = 1_000
"""Connections to one server: each call that is under way has one."""

EVENTS = "text/event-stream"
_CONNECTING = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@attrs.frozen
class Bounds:
    """Limits of a session.

    Args:
        connect: seconds that connecting may take.
        message: bytes of a message.
        targets: where requests may go; ``None`` allows every target.
        lookup: makes addresses of names.
    """

    connect: float
    message: int
    targets: Targets | None
    lookup: Lookup = system_lookup


class EndpointTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of one session.

    A request that fails is answered with an error of the protocol, so that one failure is one call
    that failed: the SDK would end the whole session. A name is looked up once for a request, and
    the connection goes to an address that was checked. Answers come unpacked, and have a limit.
    """

    def __init__(self, bounds: Bounds):
        self._bounds = bounds
        limits = httpx2.Limits(max_connections=AT_A_TIME, max_keepalive_connections=20)
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it."""
        try:
            response = await self._inner.handle_async_request(await self._directed(request))
        except OutboundError as error:
            return _failure(UNREACHED, str(error))
        except _CONNECTING:
            return _failure(UNREACHED, f"{_origin(request.url)} cannot be reached")
        except OSError:
            return _failure(UNREACHED, f"the host of {_origin(request.url)} is not known")
        except httpx2.TransportError:
            return _failure(BROKEN, f"the connection to {_origin(request.url)} broke")
        if response.status_code in {401, 403}:
            await response.aclose()
            text = f"the server wants other credentials (status {response.status_code})"
            return _failure(UNAUTHORIZED, text)
        if response.status_code == 404 and SESSION in request.headers:
            await response.aclose()
            return _failure(FORGOTTEN, "the server has forgotten the session")
        return await self._limited(response)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _directed(self, request: httpx2.Request) -> httpx2.Request:
        """The request, on its way to an address that may be asked."""
        extensions: dict[str, Any] = dict(request.extensions)
        if request.method == "DELETE":
            extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), PARTING)
        url, targets = request.url, self._bounds.targets
        if targets is not None:
            target = targets.check_url(str(url))
            addresses = await self._bounds.lookup(target.host)
            for address in addresses:
                targets.check_address(address, host=target.host)
            url = url.copy_with(host=addresses[0])
            extensions["sni_hostname"] = target.host
        return httpx2.Request(
            request.method,
            url,
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )

    async def _limited(self, response: httpx2.Response) -> httpx2.Response:
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            return _failure(BROKEN, "the server packed its answer, which it was not asked to")
        if response.headers.get("content-type", "").lower().startswith(EVENTS):
            return response  # the SDK limits each event
        response.stream = _LimitedStream(response.stream, self._bounds.message)
        return response


class _LimitedStream(httpx2.AsyncByteStream):
    """A body with a limit."""

    def __init__(self, stream: Any, limit: int):
        self._stream = stream
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its pieces."""
        try:
            async for piece in self._stream:
                self._left -= len(piece)
                if self._left < 0:
                    message = "the answer is larger than it may be"
                    raise httpx2.StreamError(message)
                yield piece
        except httpx2.TransportError as error:  # which would end the session
            message = "the answer broke off"
            raise httpx2.StreamError(message) from error

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()


def client_for(endpoint: Endpoint, bounds: Bounds) -> httpx2.AsyncClient:
    """The client of one session. Keeps no cookies from elsewhere, follows no redirect by itself."""
    headers = {"accept-encoding": "identity", "user-agent": "Hookline", **dict(endpoint.headers)}
    seconds = bounds.connect
    return httpx2.AsyncClient(
        transport=EndpointTransport(bounds),
        headers=headers,
        timeout=httpx2.Timeout(connect=seconds, pool=seconds, write=WRITE_SECONDS, read=None),
        trust_env=False,
    )


def _failure(code: int, text: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": text}}
    return httpx2.Response(
        503,
        headers={"content-type": "application/json"},
        content=msgspec.json.encode(body),
    )


def _origin(url: httpx2.URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.host}{port}"
