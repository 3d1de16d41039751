"""Revoked keys: what they started ends, whoever revoked them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

import structlog

from hookline.background import end
from hookline.keys import KeyStore
from hookline.moments import now
from hookline.runs import Run

log = structlog.get_logger("hookline.permissions")
ASK_SECONDS = 10.0
"""How long one question to the store may take."""


class RevocationWatch:
    """Looks whether the keys of running runs are still good, and ends the runs where not.

    It asks the store, so that a key that another process revoked counts too. While nothing runs, it
    asks nothing. An async context manager.

    Args:
        keys: where keys are kept.
        running: the runs that have not ended.
        forget: called when a key turned out to be bad: what was remembered of it does not hold.
        interval: seconds between two looks.
    """

    def __init__(
        self,
        keys: KeyStore,
        *,
        running: Callable[[], Sequence[Run]],
        forget: Callable[[], None],
        interval: float,
    ):
        self._keys = keys
        self._running = running
        self._forget = forget
        self._interval = interval
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """End the runs whose keys are revoked or expired."""
        shown = {run.scope.principal.key for run in self._running()} - {None}
        if not shown:
            return
        keys = [key for key in shown if key is not None]
        async with asyncio.timeout(ASK_SECONDS):
            invalid = await self._keys.invalid(keys, now())
        if not invalid:
            return
        self._forget()
        for run in self._running():
            if run.scope.principal.key in invalid:
                run.cancel("key_revoked")

    async def __aenter__(self) -> Self:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch(), name="revoked keys")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop."""
        await end(self._task)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  a store that fails now may answer next time
                log.warning("permission.keys_not_checked", error=repr(error))
