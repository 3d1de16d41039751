"""Drafts: bytes that are coming in, hashed on the way into a temporary file of this machine."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

HEAD = 4096
"""Bytes of the beginning that are remembered, to find out what they are."""
GATHERED = 512 * 1024
"""Bytes that are gathered in memory before they are written."""


class Draft:
    """The bytes of a file before they are kept.

    Args:
        folder: where the temporary file shall be.
        check: is told how many bytes there will be before more are taken; raises to refuse them.
    """

    def __init__(self, folder: Path, check: Callable[[int], None]):
        self.size = 0
        self.head = b""
        self._check = check
        self._hash = hashlib.sha256()
        self._gathered = bytearray()
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self.path = Path(name)

    @property
    def digest(self) -> str:
        """The SHA-256 of all bytes so far, as hex."""
        return self._hash.hexdigest()

    async def write(self, piece: bytes) -> None:
        """Take more bytes; at most ``GATHERED`` of them and this piece are in memory."""
        self._check(self.size + len(piece))
        self.size += len(piece)
        if len(self.head) < HEAD:
            self.head += piece[: HEAD - len(self.head)]
        self._gathered += piece
        if len(self._gathered) >= GATHERED:
            await self._flush()

    async def finish(self) -> None:
        """Have all bytes on the disk, synced; none may follow."""
        await self._flush()
        if not self._file.closed:
            await asyncio.to_thread(self._sync)

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    async def _flush(self) -> None:
        if self._gathered:
            gathered, self._gathered = bytes(self._gathered), bytearray()
            await asyncio.to_thread(self._append, gathered)

    def _append(self, gathered: bytes) -> None:
        self._hash.update(gathered)
        rest = memoryview(gathered)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
