"""Requests byte for byte on a socket, and what comes back."""

import http.client
import json
import select
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from support.server import KEY

AUTHORIZED = f"authorization: Bearer {KEY}".encode()
CHAT = "/v1/chat/completions"
SECONDS = 10


@attrs.frozen
class Reply:
    """An answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Wire:
    """A connection to a server at ``origin``, opened anew whenever the server has closed it."""

    def __init__(self, origin: str):
        host, _, port = origin.removeprefix("http://").partition(":")
        self._address = (host, int(port))
        self._socket: socket.socket | None = None

    def open(self, seconds: float = SECONDS) -> socket.socket:
        """Connect, and be patient for so many seconds."""
        self._socket = socket.create_connection(self._address, seconds)
        return self._socket

    def send(self, request: bytes) -> Reply:
        """Send a whole request, such as ``request()`` makes, and read the answer."""
        connection = self._kept() or self.open()
        response = http.client.HTTPResponse(connection, method=_method(request))
        ended = True
        try:
            connection.sendall(request)
            response.begin()
            reply = Reply(response.status, response.msg, response.read())
            ended = response.will_close
        finally:
            response.close()
            if ended:
                self.close()
        return reply

    def _kept(self) -> socket.socket | None:
        """The connection, unless the server has tired of waiting for another request."""
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()
        return self._socket

    def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _method(request: bytes) -> str:
    return request.partition(b" ")[0].decode("latin-1")


@contextmanager
def connected(origin: str) -> Iterator[Wire]:
    """A connection that is closed in the end."""
    wire = Wire(origin)
    try:
        yield wire
    finally:
        wire.close()


def request(
    body: bytes | None = None,
    *headers: bytes,
    method: str = "POST",
    path: str = CHAT,
    authorized: bool = True,
) -> bytes:
    """A request as bytes. Without a body it has no ``content-length`` either."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"host: localhost", *headers]
    if authorized:
        lines.append(AUTHORIZED)
    if body is not None:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def in_chunks(pieces: Iterable[bytes]) -> bytes:
    """The same, with a body of chunks and no length."""
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return request(None, b"transfer-encoding: chunked") + framed + b"0\r\n\r\n"
