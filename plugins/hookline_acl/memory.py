"""What the store said a moment ago."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs

UNKNOWN_SECONDS = 1.0
"""How long at most it is remembered that there is nothing: a key just made works soon."""

UNKNOWN_ENTRIES = 1_000
"""How many of those are remembered at most. Random tokens push out each other, and never a key."""

KeyT = TypeVar("KeyT")
AnswerT = TypeVar("AnswerT")


@attrs.frozen
class _Entry(Generic[AnswerT]):
    answer: AnswerT
    until: float


class Memory(Generic[KeyT, AnswerT]):
    """Answers by key, until their time is over, they are forgotten, or there are too many.

    Who asks for what is just being looked up waits for that answer, or its error. Errors are not
    remembered, and no answer is given whose time is over.

    Args:
        seconds: how long an answer is remembered, from when it was asked for; 0 for not at all.
        entries: how many are remembered; the oldest goes first.
        clock: seconds that only go forward.
    """

    def __init__(self, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic):
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._known: dict[KeyT, _Entry[AnswerT]] = {}
        self._unknown: dict[KeyT, _Entry[AnswerT]] = {}
        self._flights: dict[KeyT, asyncio.Future[AnswerT]] = {}

    def __len__(self) -> int:
        """How many answers are remembered."""
        return len(self._known) + len(self._unknown)

    async def get(self, key: KeyT, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """The answer that is remembered, or else what ``ask`` says now."""
        if self._seconds == 0:
            return await ask()
        while True:
            entry = self._known.get(key) or self._unknown.get(key)
            if entry is not None and self._clock() < entry.until:
                return entry.answer
            flight = self._flights.get(key)
            if flight is None:
                return await self._look_up(key, ask)
            await asyncio.wait([flight])
            if not flight.cancelled():
                return flight.result()

    def drop(self, key: KeyT, answer: AnswerT) -> None:
        """Do not give this answer again."""
        entry = self._known.get(key)
        if entry is not None and entry.answer is answer:
            del self._known[key]

    def forget(self) -> None:
        """Drop everything, and keep nothing of what is being looked up at the moment."""
        self._known.clear()
        self._unknown.clear()
        self._flights = {}

    async def _look_up(self, key: KeyT, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        # A flight ends with the request that began it; one of those that wait then begins anew.
        flights, began = self._flights, self._clock()
        flight = flights[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await ask()
            flight.set_result(answer)
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # read here, in case that nobody waits for it
            raise
        finally:
            flight.cancel()
            del flights[key]
        # After ``forget`` there is another dict, and this answer is out of date.
        if flights is self._flights:
            self._keep(key, answer, began)
        return answer

    def _keep(self, key: KeyT, answer: AnswerT, began: float) -> None:
        self._known.pop(key, None)
        self._unknown.pop(key, None)
        entries, limit, seconds = self._known, self._entries, self._seconds
        if answer is None:
            entries, limit = self._unknown, UNKNOWN_ENTRIES
            seconds = min(seconds, UNKNOWN_SECONDS)
        if len(entries) >= limit:
            del entries[next(iter(entries))]
        entries[key] = _Entry(answer, began + seconds)
