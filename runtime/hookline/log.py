"""The event log: a run writes it, any number of readers follow it at their own pace."""

import asyncio
from collections.abc import Sequence
from math import inf
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
    """An event log in a list. Readers drain it, so under load many events go out in one write.

    Readers that wait for a limited time share one alarm. It is set again only when it has rung, so
    a token costs no timer.
    """

    __slots__ = ("_alarm", "_alarm_at", "_closed", "_events", "_waiters")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._waiters: dict[asyncio.Future[None], float] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
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
        if self._alarm is not None:
            self._alarm.cancel()

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
        until = inf if seconds is None else loop.time() + seconds
        self._waiters[waiter] = until
        if until < self._alarm_at:
            self._set_alarm(until)
        try:
            await waiter
        finally:
            self._waiters.pop(waiter, None)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        """Wake those whose time is up, and set the alarm for the next."""
        now, self._alarm, self._alarm_at = self._alarm_at, None, inf
        for waiter, until in list(self._waiters.items()):
            if until <= now and not waiter.done():
                waiter.set_result(None)
        next_ = min((until for until in self._waiters.values() if until > now), default=inf)
        if next_ < inf:
            self._set_alarm(next_)


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
