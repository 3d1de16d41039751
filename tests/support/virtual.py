"""A loop whose time passes only when there is nothing else to do: hours take no time at all."""

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def time(self) -> float:
        return self.seconds

    def clock(self) -> datetime:
        """This moment, as the loop has it."""
        return BEGINNING + timedelta(seconds=self.seconds)

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            timer = self._scheduled[0]
            heapq.heappop(self._scheduled)
            timer._scheduled = False
            self._timer_cancelled_count -= 1
        if not self._ready and self._scheduled:
            self.seconds = max(self.seconds, self._scheduled[0]._when)
        super()._run_once()

    def finish(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine."""
        return self.run_until_complete(work)
