"""The client: requests that only go where the policy allows."""

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import urlencode

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hookline.outbound.decoding import ACCEPTED, Decoder, decoder_for
from hookline.outbound.exchange import Body, Excess, Fetched, Limits, checked
from hookline.outbound.failures import FetchFailed, FetchTimeout, TargetRefused
from hookline.outbound.hops import REDIRECTS, Hop
from hookline.outbound.lookups import Lookup, system_lookup
from hookline.outbound.targets import Target, Targets

USER_AGENT = "Hookline"

_METHOD = re.compile(r"[A-Z]+")
_PIECE = 64 * 1024
_PACKING = 64 * 1024
"""Bytes that a packed body may have more than an unpacked one: headers, empty blocks."""
_LIMITS = Limits()


class GuardedClient:
    """An HTTP client for URLs that others choose. An async context manager: it holds connections.

    A name is looked up once for a connection; every address that comes back must be allowed, and
    the connection goes to one of these addresses. Each redirect is checked like the first URL.
    No cookies are kept, no proxy is used, and nothing is taken from the environment.

    Args:
        targets: where requests may go.
        lookup: makes addresses of names.
    """

    def __init__(self, targets: Targets, *, lookup: Lookup = system_lookup):
        self.targets = targets
        self._resolver = _GuardedResolver(targets, lookup)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session. Connections are made when they are needed."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,  # it would unpack a piece whole, however much that is
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] = (),
        body: Body | None = None,
        limits: Limits = _LIMITS,
    ) -> Fetched:
        """Ask a server. Any status is an answer.

        Args:
            method: of HTTP, in capitals.
            url: with ``http`` or ``https``.
            headers: such as ``authorization``; other servers that redirects lead to do not get
                them, nor the body.
            params: put behind the query of the URL.
            body: what is sent.
            limits: of time, size and redirects.

        Raises:
            TargetRefused: the policy does not allow the URL, its address, or a redirect.
            FetchTimeout: it took longer than the limits say.
            FetchFailed: there is no connection, or no answer that can be read.
        """
        hop = self._first(method, _with_params(url, params), headers or {}, body)
        try:
            async with asyncio.timeout(limits.total):
                return await self._follow(hop, limits)
        except TimeoutError:
            message = f"{hop.target.origin} did not answer within {limits.total:g} s"
            raise FetchTimeout(message) from None

    def _first(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> Hop:
        if not _METHOD.fullmatch(method):
            message = "the method of a request has capitals only"
            raise FetchFailed(message)
        sent = {"user-agent": USER_AGENT, "accept": "*/*", **checked(headers)}
        if body is not None:
            sent["content-type"] = body.content_type
        return Hop(method, self.targets.check_url(url), sent, body.data if body else None)

    async def _follow(self, hop: Hop, limits: Limits) -> Fetched:
        for _ in range(limits.redirects + 1):
            fetched = await self._fetch(hop, limits)
            location = fetched.headers.get("location")
            if fetched.status not in REDIRECTS or not location or not limits.redirects:
                return fetched
            hop = hop.redirected(fetched.status, location, self.targets)
        message = f"{hop.target.origin} is behind more than {limits.redirects} redirects"
        raise FetchFailed(message)

    async def _fetch(self, hop: Hop, limits: Limits) -> Fetched:
        """One request and its answer. What goes wrong in aiohttp is said in our own words.

        Its own words hold the whole URL, so they are not even kept as the cause.
        """
        origin = hop.target.origin
        try:
            async with self._send(hop, limits) as response:
                try:
                    return await _read(response, hop, limits)
                finally:
                    if not response.content.at_eof():
                        response.close()
        except (aiohttp.ConnectionTimeoutError, aiohttp.ServerTimeoutError):
            message = f"{origin} could not be connected to within {limits.connect:g} s"
            raise FetchTimeout(message) from None
        except aiohttp.ClientConnectorDNSError:
            message = f"the host of {origin} is not known"
            raise FetchFailed(message) from None
        except aiohttp.ClientSSLError:
            message = f"{origin} has no certificate that can be trusted"
            raise FetchFailed(message) from None
        except aiohttp.ClientConnectorError:
            message = f"{origin} could not be connected to"
            raise FetchFailed(message) from None
        except (aiohttp.ClientError, OSError, ValueError):
            message = f"{origin} did not answer as HTTP servers do, or not to the end"
            raise FetchFailed(message) from None

    def _send(self, hop: Hop, limits: Limits) -> "aiohttp.client._RequestContextManager":
        if self._session is None:
            message = "the client is not open; enter it with `async with`"
            raise RuntimeError(message)
        return self._session.request(
            hop.method,
            _as_checked(hop.target),
            headers={**hop.headers, "accept-encoding": ACCEPTED},
            data=hop.body,
            skip_auto_headers=["content-type"],  # it would name one where there is no body
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
        )


class _GuardedResolver(AbstractResolver):
    """Looks a name up, and hands out its addresses if every one of them is allowed."""

    def __init__(self, targets: Targets, lookup: Lookup):
        self._targets = targets
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses, of whatever family."""
        addresses = await self._lookup(host)
        if not addresses:
            message = "no address"
            raise OSError(message)
        for address in addresses:
            self._targets.check_address(address, host=host)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=flags
    )


def _with_params(url: str, params: Sequence[tuple[str, str]]) -> str:
    if not params:
        return url
    bare = url.partition("#")[0]
    return f"{bare}{'&' if '?' in bare else '?'}{urlencode(params)}"


def _as_checked(target: Target) -> URL:
    """The URL for aiohttp, which must read the same server in it as was checked."""
    url = URL(target.url, encoded=True)
    if (url.scheme, url.raw_host, url.port) != (target.scheme, target.host, target.port):
        message = "the host of the URL can be read in two ways"
        raise TargetRefused(message)
    return url


async def _read(response: aiohttp.ClientResponse, hop: Hop, limits: Limits) -> Fetched:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    body = await _body(response, decoder_for(headers.get("content-encoding", "")), limits.size)
    truncated = len(body) > limits.size
    if truncated and limits.excess is Excess.REFUSED:
        message = f"the answer of {hop.target.origin} has more than {limits.size} bytes"
        raise FetchFailed(message)
    return Fetched(response.status, headers, body[: limits.size], hop.target.url, truncated)


async def _body(response: aiohttp.ClientResponse, decoder: Decoder, limit: int) -> bytes:
    """The body, and one byte more than the limit if there is more."""
    body = bytearray()
    received = 0
    async for piece in response.content.iter_chunked(_PIECE):
        received += len(piece)
        body += decoder.decode(piece, limit + 1 - len(body))
        if len(body) > limit:
            break
        if received > limit + _PACKING:
            message = "the server sent a body that is larger packed than unpacked"
            raise FetchFailed(message)
    return bytes(body)
