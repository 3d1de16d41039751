"""Holdings: bytes that are there as long as a file has them.

Bytes are kept once, however many files have them. They are removed when no file has them any more,
and never while one has: whoever removes puts them aside, asks again, and puts them back if a file
has come to have them; whoever saves says that a file has them, and then looks whether they are
there. This holds across servers that share store and blobs, as long as each sees what another wrote
before. A server that dies in between leaves bytes that nobody needs, or that are aside; the sweep
of any server (``hookline.sweeping``) removes the first and puts back the second.
"""

import asyncio
from collections.abc import AsyncGenerator

import structlog

from hookline.blobs import PIECE, Blobs
from hookline.drafts import Draft
from hookline.errors import NotFound, StoreUnavailable
from hookline.files import FileRecord, FileStore

log = structlog.get_logger("hookline.files")
TRIES = 5
"""How often bytes are looked for that another server may have put aside for a moment."""
PAUSE = 0.1
"""Seconds between the tries."""


class Holdings:
    """The bytes of the files that a store knows.

    Args:
        records: says whether a file has some bytes.
        blobs: where they are.
    """

    def __init__(self, records: FileStore, blobs: Blobs):
        self._records = records
        self._blobs = blobs

    async def hold(self, draft: Draft) -> None:
        """Make sure that bytes are there which a file has from now on.

        Raises:
            StoreUnavailable: they cannot be kept.
        """
        for _ in range(TRIES):
            if await self._blobs.has(draft.digest, draft.size):
                return
            await self._blobs.keep(draft)

    async def read(self, file: FileRecord, start: int, end: int | None) -> bytes:
        """The bytes from ``start`` up to ``end``.

        Raises:
            NotFound: they are gone.
            StoreUnavailable: they cannot be read now.
        """
        for pause in (*[PAUSE] * (TRIES - 1), 0):
            try:
                return await self._blobs.read(file.digest, start, end)
            except FileNotFoundError:
                await asyncio.sleep(pause)
        message = f"the bytes of {file.id} are gone"
        raise NotFound(message)

    async def pieces(
        self, file: FileRecord, start: int, end: int | None
    ) -> AsyncGenerator[bytes, None]:
        """The same, at most ``PIECE`` bytes at a time."""
        end = file.size if end is None else min(end, file.size)
        while start < end:
            until = min(start + PIECE, end)
            yield await self.read(file, start, until)
            start = until

    async def release(self, digest: str) -> None:
        """Remove bytes, unless a file has them.

        Raises:
            StoreUnavailable: it cannot be done now.
        """
        if await self._records.holds(digest):
            return
        name = await self._blobs.put_aside(digest)
        if name is not None:
            await self.settle(name)

    async def release_sometime(self, digest: str) -> None:
        """Remove bytes, unless a file has them; if it cannot be done now, the sweep does it."""
        try:
            await self.release(digest)
        except StoreUnavailable as error:
            log.warning("file.bytes_left", digest=digest, error=str(error))

    async def settle(self, name: str) -> None:
        """Remove bytes that were put aside, or put them back if a file has them.

        Raises:
            StoreUnavailable: it cannot be done now.
        """
        if await self._records.holds(name.partition(".")[0]):
            await self._blobs.put_back(name)
        else:
            await self._blobs.remove(name)
