"""A site: an HTTP server on 127.0.0.1 whose answers are written byte for byte.

::

    async with Site({"/": page(b"Hello")}) as site:
        ...                                   # ask for site.url + "/"
        assert [b"GET / HTTP/1.1"] == [request.line for request in site.requests]
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer, at whatever pace."""

PATIENCE = 10.0
"""Seconds after which something that should have happened is given up."""


@attrs.frozen
class Received:
    """A request as it came."""

    line: bytes
    headers: Mapping[str, str]
    body: bytes


class Site:
    """Answers each path with what ``answers`` has for it, else with 404.

    Each connection serves one request, or, with ``keep``, as many as come.

    Attributes:
        requests: what came.
        connections: how many were made.
        left: set when a client has closed its connection before the answer was over.
    """

    def __init__(
        self,
        answers: Mapping[str, Write],
        host: str = "127.0.0.1",
        *,
        keep: bool = False,
        tls: ssl.SSLContext | None = None,
    ):
        self.requests: list[Received] = []
        self.connections = 0
        self.left = asyncio.Event()
        self._answers = answers
        self._host = host
        self._keep = keep
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._tls)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://{self._host}:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
            while self._keep:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read(reader)
        self.requests.append(request)
        path = request.line.split()[1].decode().partition("?")[0]
        write = self._answers.get(path, MISSING)
        if self._keep:
            await write(writer)
            return
        answer = asyncio.create_task(write(writer))
        gone = asyncio.create_task(reader.read(1))
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done() or answer.exception():
            self.left.set()
        for task in (answer, gone):
            task.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers = {}
    for one in rest:
        name, _, value = one.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(line, headers, body)


def answer(status: str, body: bytes = b"", **headers: str) -> Write:
    """A whole answer; the names of headers are written with underscores."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def page(body: bytes, content_type: str = "text/html; charset=utf-8", **headers: str) -> Write:
    """A page."""
    return answer("200 OK", body, content_type=content_type, **headers)


def redirect(location: str, status: str = "302 Found") -> Write:
    """A redirect."""
    return answer(status, location=location)


def raw(data: bytes) -> Write:
    """Bytes."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return write


def dripping(head: bytes, drop: bytes, pause: float) -> Write:
    """Bytes, and then the same few again and again, until the client leaves."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(pause)

    return write


def self_signed(folder: Path) -> ssl.SSLContext:
    """TLS with a certificate that nobody vouches for. ``folder`` is where it is kept."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "site.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def hanging(writer: asyncio.StreamWriter) -> None:
    """Nothing, for ever."""
    await asyncio.Event().wait()


MISSING = answer("404 Not Found", b"There is no such page.", content_type="text/plain")
