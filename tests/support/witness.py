"""OpenAI's client with a witness in between, who holds every byte against OpenAI's own types.

::

    with client(server) as openai:
        openai.chat.completions.create(...)
    # leaving has checked every body and every chunk that went over the wire
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import attrs
import httpx2
from openai import AsyncOpenAI, OpenAI

from support.conformance import check
from support.server import KEY, RunningServer


@attrs.define
class Exchange:
    """A request and its answer; ``body`` grows while it is read."""

    request: httpx2.Request
    response: httpx2.Response
    body: bytearray = attrs.field(factory=bytearray)

    def check(self) -> None:
        """Hold the answer against OpenAI's types."""
        path, headers = self.request.url.path, self.request.headers
        dialect = headers.get("hookline-dialect", "openai")
        kind = self.response.headers["content-type"]
        assert self.response.headers["x-request-id"]
        check(path, self.response.status_code, kind, bytes(self.body), dialect)


class _Stream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that is read by the client and kept by the witness."""

    def __init__(self, stream: Any, body: bytearray):
        self._stream = stream
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for data in self._stream:
            self._body += data
            yield data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._stream:
            self._body += data
            yield data

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Witness(httpx2.HTTPTransport):
    """The transport of a client, which keeps what goes through it."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        exchange = Exchange(request, response)
        self.exchanges.append(exchange)
        response.stream = _Stream(response.stream, exchange.body)
        return response


class AsyncWitness(httpx2.AsyncHTTPTransport):
    """The same, of an asynchronous client."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        exchange = Exchange(request, response)
        self.exchanges.append(exchange)
        response.stream = _Stream(response.stream, exchange.body)
        return response


def _options(server: RunningServer, options: dict[str, Any]) -> dict[str, Any]:
    path = options.pop("path", "/v1")
    return {"base_url": server.origin + path, "api_key": KEY, "max_retries": 0, **options}


@contextmanager
def client(server: RunningServer, **options: Any) -> Iterator[OpenAI]:
    """OpenAI's client; leaving checks all that it received. ``path`` is ``/v1`` unless given."""
    witness = Witness()
    http_client = httpx2.Client(transport=witness, timeout=20)
    with OpenAI(http_client=http_client, **_options(server, options)) as openai:
        yield openai
    assert witness.exchanges, "the client asked for nothing"
    for exchange in witness.exchanges:
        exchange.check()


@asynccontextmanager
async def async_client(server: RunningServer, **options: Any) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's asynchronous client; leaving checks all that it received."""
    witness = AsyncWitness()
    http_client = httpx2.AsyncClient(transport=witness, timeout=20)
    async with AsyncOpenAI(http_client=http_client, **_options(server, options)) as openai:
        yield openai
    assert witness.exchanges, "the client asked for nothing"
    for exchange in witness.exchanges:
        exchange.check()
