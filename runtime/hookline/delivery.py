"""Telling usage recorders: in order, apart from the stream, again until it is taken."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Self

import stamina
import structlog

from hookline.errors import AdmissionRefused, PartUnavailable
from hookline.parts import Part
from hookline.scope import RunScope
from hookline.usage import Admission, Outcome, UsageEntry, UsageRecorder

log = structlog.get_logger("hookline.usage")
Closing = tuple[RunScope, Outcome]


class _Queue:
    """What one recorder has not taken yet, and the task that hands it over."""

    def __init__(self, part: Part[UsageRecorder]):
        self._part = part
        self._items: deque[UsageEntry | Closing] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, item: UsageEntry | Closing) -> None:
        self._items.append(item)
        self._empty.clear()
        self._filled.set()

    def __len__(self) -> int:
        return len(self._items)

    async def drained(self) -> None:
        await self._empty.wait()

    async def work(self) -> None:
        """Hand over one item after another, for ever."""
        backoff = stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_max=30.0)
        while True:
            await self._filled.wait()
            while self._items:
                await backoff(Exception, self._hand_over, self._items[0])
                self._items.popleft()
            self._filled.clear()
            self._empty.set()

    async def _hand_over(self, item: UsageEntry | Closing) -> None:
        try:
            async with self._part.call("record") as recorder:
                if isinstance(item, UsageEntry):
                    await recorder.record(item)
                else:
                    await recorder.close(*item)
        except Exception as error:
            log.warning("usage.record_retried", recorder=self._part.name, error=repr(error))
            raise


class UsageDelivery:
    """All usage recorders as one. An async context manager; leaving it waits for the recorders.

    Args:
        parts: the recorders.
        grace: how many seconds to wait for them at shutdown.
    """

    def __init__(self, parts: Sequence[Part[UsageRecorder]], *, grace: float = 10.0):
        self.parts = parts
        self._grace = grace
        self._queues = [_Queue(part) for part in parts]
        self._tasks: list[asyncio.Task[None]] = []

    async def admit(self, admission: Admission) -> None:
        """Ask every recorder whether the run may begin.

        If one says no, those that had said yes are told that the run has ended.

        Raises:
            AdmissionRefused: one of them says no.
            PartUnavailable: one of them failed, which means no.
        """
        for index, part in enumerate(self.parts):
            try:
                await _ask(part, admission)
            except BaseException:
                for queue in self._queues[:index]:
                    queue.put((admission.scope, "failed"))
                raise

    def record(self, entry: UsageEntry) -> None:
        """Have an entry recorded by all of them. Never blocks."""
        for queue in self._queues:
            queue.put(entry)

    def close(self, scope: RunScope, outcome: Outcome) -> None:
        """Have the end of a run recorded by all of them. Never blocks."""
        for queue in self._queues:
            queue.put((scope, outcome))

    async def __aenter__(self) -> Self:
        """Begin to deliver."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(queue.work()) for queue in self._queues]
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Wait for the recorders, for a time; say what they did not take."""
        waits = [asyncio.ensure_future(queue.drained()) for queue in self._queues]
        if waits:
            await asyncio.wait(waits, timeout=self._grace)
        for part, queue, wait in zip(self.parts, self._queues, waits, strict=True):
            wait.cancel()
            if len(queue):
                log.error("usage.not_recorded", recorder=part.name, entries=len(queue))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *waits, return_exceptions=True)


async def _ask(part: Part[UsageRecorder], admission: Admission) -> None:
    try:
        async with part.call("admit") as recorder:
            await recorder.admit(admission)
    except AdmissionRefused:
        raise
    except Exception as error:
        log.exception("usage.admission_failed", recorder=part.name)
        message = "the usage recorder does not answer; try again later"
        raise PartUnavailable(message) from error
