"""The event log: a run writes it, any number of readers follow it at their own pace."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from hookline.events import Event


class EventLog(Protocol):
    """The events of one run, in order, numbered from 0 without gaps.

    One task appends. Readers hold a position of their own, so a slow one keeps nobody waiting, and
    one that wakes late gets all that has come since, in one piece.
    """

    def append(self, event: Event) -> None:
        """Add an event. Never blocks."""

    def close(self) -> None:
        """Nothing will follow. Readers get what is left, then an empty sequence."""

    async def read(self, after: int, wait: float | None = None) -> Sequence[Event] | None:
        """All events from number ``after`` on; waits until there is one. Empty at the end.

        ``wait`` is how many seconds to wait at most; ``None`` is the answer when they are over.
        """


class EventLogs(Protocol):
    """Makes and finds the logs of runs; what an ``event_log`` hook gives.

    ``scheme`` is that of the URL under ``[event_log]`` in the config.
    """

    scheme: str

    async def create(self, run: str) -> EventLog:
        """A new, empty log for the run with this id."""

    async def find(self, run: str) -> EventLog | None:
        """The log of a run that is under way or has just ended."""

    async def release(self, run: str) -> None:
        """The run has ended and its readers are done: the log may be forgotten."""


class MemoryLog:
    """An event log in a list. Readers drain it, so under load many events go out in one write."""

    __slots__ = ("_closed", "_events", "_waiters")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._closed = False

    def append(self, event: Event) -> None:
        """Add an event and wake the readers that wait."""
        self._events.append(event)
        if self._waiters:
            self._wake()

    def close(self) -> None:
        """End the log."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def read(self, after: int, wait: float | None = None) -> Sequence[Event] | None:
        """All events from number ``after`` on; empty when the log is closed and drained."""
        while len(self._events) <= after and not self._closed:
            await self._wait(wait)
            # One who asks for a number that is still far off may be woken long before it comes.
            if wait is not None and len(self._events) <= after and not self._closed:
                return None
        return self._events[after:]

    async def _wait(self, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        self._waiters.append(waiter)
        timer = None if seconds is None else loop.call_later(seconds, _give_up, waiter)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            with suppress(ValueError):  # gone already, unless time was up or the reader left
                self._waiters.remove(waiter)


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class MemoryLogs:
    """Event logs in this process: ``memory://``."""

    scheme = "memory"

    def __init__(self) -> None:
        self._logs: dict[str, MemoryLog] = {}

    async def create(self, run: str) -> MemoryLog:
        """A new, empty log."""
        log = self._logs[run] = MemoryLog()
        return log

    async def find(self, run: str) -> MemoryLog | None:
        """The log of a run that has not been released."""
        return self._logs.get(run)

    async def release(self, run: str) -> None:
        """Forget the log of a run."""
        self._logs.pop(run, None)
