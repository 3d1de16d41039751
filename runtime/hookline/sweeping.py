"""Sweeping: what has expired is removed, and bytes that a crash left behind."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, Self

import structlog

from hookline.background import end
from hookline.blobs import FOLDERS, Blobs
from hookline.errors import StoreUnavailable
from hookline.files import FileStore
from hookline.filing import Files
from hookline.holdings import Holdings
from hookline.moments import now

log = structlog.get_logger("hookline.files")
INTERVAL = 60.0
"""Seconds between two sweeps. Each goes through one of 256 folders: all are seen in 4.3 hours."""
MOMENT = 600.0
"""Seconds after which nobody comes back for what they put aside."""
DAY = 86_400.0
"""Seconds after which nobody writes to an upload any more."""


class Expiring(Protocol):
    """Keeps what is forgotten once its time has come."""

    async def expire(self, at: datetime) -> int:
        """Forget what has expired by then; how much that was."""


class Sweep:
    """Sweeps as long as it is entered. Any number of servers may sweep the same files.

    Args:
        files: that are removed.
        records: what is known of them.
        blobs: their bytes.
        others: what else expires.
        interval: seconds between two sweeps.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        files: Files,
        records: FileStore,
        blobs: Blobs,
        *,
        others: Sequence[Expiring] = (),
        interval: float = INTERVAL,
        clock: Callable[[], datetime] = now,
    ):
        self._files = files
        self._records = records
        self._blobs = blobs
        self._bytes = Holdings(records, blobs)
        self._others = others
        self._interval = interval
        self._clock = clock
        self._next = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to sweep."""
        self._task = asyncio.create_task(self._sweep())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop."""
        await end(self._task)

    async def remove_expired(self) -> int:
        """Remove files that have expired; how many there were."""
        removed = 0
        while page := await self._records.expired(self._clock()):
            for file in page:
                removed += await self._files.delete(file)
        return removed

    async def forget_expired(self) -> int:
        """Let the others forget what has expired; how much that was."""
        return sum([await other.expire(self._clock()) for other in self._others])

    async def clear(self, folder: str) -> None:
        """Remove the bytes in one of the 256 folders that no file has."""
        for digest in await self._blobs.in_folder(folder):
            await self._bytes.release(digest)

    async def clear_temporary(self) -> None:
        """Decide on what was put aside long ago, and remove what began to come in long ago."""
        for name in await self._blobs.left_aside(MOMENT):
            await self._bytes.settle(name)
        await self._blobs.forget_incoming(DAY)

    async def _sweep(self) -> None:
        while True:
            try:
                forgotten = await self.forget_expired()
                if forgotten:
                    log.info("records.expired", forgotten=forgotten)
                removed = await self.remove_expired()
                if removed:
                    log.info("files.expired", removed=removed)
                await self.clear_temporary()
                await self.clear(FOLDERS[self._next])
                self._next = (self._next + 1) % len(FOLDERS)
            except StoreUnavailable as error:
                log.warning("files.not_swept", error=str(error))
            except Exception:
                log.exception("files.sweep_failed")
            await asyncio.sleep(self._interval)
