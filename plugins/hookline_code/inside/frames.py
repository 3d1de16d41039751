"""Messages between the server and a sandbox: a JSON object, and bytes that follow it."""

import json
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

LENGTH = struct.Struct(">I")
HEADER_LIMIT = 4 * 1024 * 1024
"""Bytes of the JSON object at most."""

BLOBS = "blobs"
"""Where the object says how many bytes each blob has."""


def encode(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """A message as it is sent."""
    text = json.dumps({**header, BLOBS: [len(blob) for blob in blobs]}).encode()
    return b"".join((LENGTH.pack(len(text)), text, *blobs))


def read(source: int) -> tuple[dict[str, Any], list[bytes]]:
    """The next message from a file descriptor.

    Raises:
        EOFError: the other side is gone.
    """
    (length,) = LENGTH.unpack(_exactly(source, LENGTH.size))
    header = json.loads(_exactly(source, length))
    return header, [_exactly(source, size) for size in header[BLOBS]]


def write(target: int, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Send a message to a file descriptor."""
    view = memoryview(encode(header, blobs))
    while view:
        view = view[os.write(target, view) :]


def _exactly(source: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = os.read(source, min(size - len(content), 1 << 20))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)
