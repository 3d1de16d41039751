"""When keys were last used, written down in batches."""

import asyncio
from datetime import datetime
from typing import Self

from structlog.typing import FilteringBoundLogger

from hookline.background import end
from hookline.keys import KeyStore

FLUSH_SECONDS = 10.0
"""How long one write may take."""


class LastUse:
    """Collects when keys were used, and writes it down in the background and at the end.

    A write that fails is logged and tried again the next time; requests never wait for it.

    Args:
        keys: where it is written.
        interval: seconds between writes.
        logger: for what fails.
    """

    def __init__(self, keys: KeyStore, interval: float, logger: FilteringBoundLogger):
        self._keys = keys
        self._interval = interval
        self._logger = logger
        self._used: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: str, at: datetime) -> None:
        """The key was used at this moment."""
        self._used[key_id] = at

    async def flush(self) -> None:
        """Write down what there is; what cannot be written stays for the next time."""
        used = dict(self._used)
        if not used:
            return
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._keys.touch(used)
        except Exception as error:  # noqa: BLE001  any store, any failure: requests go on
            self._logger.warning("keys.last_use_not_written", keys=len(used), error=str(error))
            return
        for key_id, at in used.items():
            if self._used.get(key_id) == at:
                del self._used[key_id]

    async def __aenter__(self) -> Self:
        """Begin to write in the background."""
        self._task = asyncio.create_task(self._write_on(), name="acl: last use of keys")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop, and write down what is left."""
        await end(self._task)
        await self.flush()

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self.flush()
