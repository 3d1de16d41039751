"""Bodies that come compressed, unpacked within a limit."""

import zlib
from collections.abc import Callable
from typing import Protocol

from hookline.outbound.failures import FetchFailed

ACCEPTED = "gzip, deflate"
"""The value of ``accept-encoding``: what is unpacked here."""

_GZIP = zlib.MAX_WBITS | 16
_MAGIC = b"\x1f"


class Decoder(Protocol):
    """Unpacks a body as it arrives."""

    def decode(self, data: bytes, most: int) -> bytes:
        """What these bytes unpack to, at most so many. What is over is dropped."""


class Plain:
    """A body that is not compressed."""

    def decode(self, data: bytes, most: int) -> bytes:
        """The bytes."""
        return data[:most]


class Packed:
    """A body in gzip (one member after the other) or deflate (with or without its header)."""

    def __init__(self, window: Callable[[bytes], int]):
        self._window = window
        self._inflate: zlib._Decompress | None = None
        self._members = 0

    def decode(self, data: bytes, most: int) -> bytes:
        """What they unpack to. A bomb is never held unpacked.

        Raises:
            FetchFailed: the bytes are not what the server said they are.
        """
        unpacked = bytearray()
        try:
            while data and len(unpacked) < most and (self._inflate or self._begins(data)):
                self._inflate = self._inflate or self._member(data)
                unpacked += self._inflate.decompress(data, most - len(unpacked))
                data = self._inflate.unused_data
                if self._inflate.eof:
                    self._inflate = None
        except zlib.error as error:
            message = "the server sent a compressed body that cannot be unpacked"
            raise FetchFailed(message) from error
        return bytes(unpacked)

    def _begins(self, data: bytes) -> bool:
        """Whether a member begins here. Behind the first, servers are known to send garbage."""
        return not self._members or data[:1] == _MAGIC

    def _member(self, data: bytes) -> "zlib._Decompress":
        self._members += 1
        return zlib.decompressobj(self._window(data))


def decoder_for(encoding: str) -> Decoder:
    """The decoder for a ``content-encoding``.

    Raises:
        FetchFailed: nobody asked for such a coding.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return Plain()
        case "gzip" | "x-gzip":
            return Packed(lambda data: _GZIP)
        case "deflate":
            return Packed(_window)
    message = "the server compressed its answer in a way that was not asked for"
    raise FetchFailed(message)


def _window(data: bytes) -> int:
    """How to read a deflated body that begins so: servers disagree on what that is."""
    return zlib.MAX_WBITS if data[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
