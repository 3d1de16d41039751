"""Meters: what one run consumes, from its first model call to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from hookline.errors import AdmissionRefused, HooklineError, StoreUnavailable
from hookline.moments import now
from hookline.outbox import OutboxRun
from hookline.outbox_writer import TAKEN_OVER, OutboxWriter
from hookline.usage import Admission, Outcome, Price, TokenCounts, UsageEntry

NOTED_TOKENS = 50
"""Tokens that a call has streamed since it was noted in the outbox, before it is noted again."""

CAUTION = 2
"""How many times the estimated tokens a prompt may have: other languages than English have more of
them, and so has what vendors put around each message."""

Count = Callable[[], int]
Pricing = Callable[[UsageEntry], Price | None]


class BudgetSpent(HooklineError):
    """A usage recorder lets the run go no further; what it has said is kept."""

    code = "budget_spent"


class Meter(Protocol):
    """Counts what a run consumes."""

    extends: bool
    """Whether anybody may refuse to let the run go on."""

    async def open(self, admission: Admission, entry: UsageEntry, count: Count) -> None:
        """A model call is about to be made; it is noted before that.

        Args:
            admission: what the call may need.
            entry: what will be recorded if nothing more is ever heard of the call.
            count: says how many tokens of output it has streamed so far.

        Raises:
            BudgetSpent: a recorder lets the run go no further.
            PartUnavailable: a recorder failed, so the run goes no further either.
            StoreUnavailable: it cannot be noted.
        """

    async def extend(self, admission: Admission) -> None:
        """The call under way gets longer than expected.

        Raises:
            BudgetSpent: a recorder lets it go no further.
            PartUnavailable: a recorder failed.
        """

    def record(self, entry: UsageEntry) -> None:
        """A model call or a tool call has ended. Never blocks.

        Of tools, only those that have a price are recorded.
        """

    def drop(self, entry: str) -> None:
        """The call of this id is over, and all that it consumed has been recorded."""

    async def close(self, outcome: Outcome) -> None:
        """The run has ended: what it consumed is written, so that it cannot be lost.

        Raises:
            StoreUnavailable: that could not be done in time. It is tried again all the same.
        """


class Unmetered:
    """The meter of a server without usage recorders."""

    extends = False

    async def open(self, admission: Admission, entry: UsageEntry, count: Count) -> None:
        """Nobody wants to know."""

    async def extend(self, admission: Admission) -> None:
        """Nobody refuses."""

    def record(self, entry: UsageEntry) -> None:
        """Nobody records it."""

    def drop(self, entry: str) -> None:
        """Nothing was noted."""

    async def close(self, outcome: Outcome) -> None:
        """Nothing is to be written."""


@attrs.define
class _Call:
    """A model call under way, and how much of its output the outbox knows of."""

    entry: UsageEntry
    count: Count
    noted: int = 0


@attrs.frozen(kw_only=True)
class Desk:
    """What the meters of a server share.

    Args:
        writer: to the outbox.
        ask: the recorders, whether a run may go on.
        price: of an entry.
        wrote: is told of each state of a run that the outbox has taken.
        lost: is told of the last state of a run that is another server's now, and of what that one
            went by unless the outbox knows better.
        patience: seconds for which the end of a run waits for the outbox.
        extends: whether any recorder may refuse to let a run go on.
    """

    writer: OutboxWriter
    ask: Callable[[Admission], Awaitable[None]]
    price: Pricing
    wrote: Callable[[OutboxRun], None]
    lost: Callable[[OutboxRun, OutboxRun], Awaitable[None]]
    patience: float
    extends: bool


class RunMeter:
    """The meter of a run that recorders are told of.

    Args:
        desk: what it shares with others.
        run: as it begins.

    Attributes:
        noted: whether the outbox has the run.
    """

    def __init__(self, desk: Desk, run: OutboxRun):
        self.extends = desk.extends
        self.noted = False
        self._desk = desk
        self._run = run
        self._kept = run
        self._entries: list[UsageEntry] = []
        self._calls: dict[str, _Call] = {}
        self._ending: asyncio.Task[None] | None = None

    async def begin(self, entry: UsageEntry) -> None:
        """Note the run with its first call, which the recorders have admitted.

        Raises:
            StoreUnavailable: it cannot be noted.
        """
        self._calls[entry.id] = _Call(entry, _nothing)
        await self._write()

    async def open(self, admission: Admission, entry: UsageEntry, count: Count) -> None:
        """A model call is about to be made; the first one has been noted when the run began."""
        call = self._calls.get(entry.id)
        if call is not None:
            call.count = count
            return
        self._calls[entry.id] = _Call(entry, count)
        try:
            await self.extend(admission)
            await self._write()
        except BaseException:
            del self._calls[entry.id]
            raise

    async def extend(self, admission: Admission) -> None:
        """Ask the recorders."""
        call = self._calls[admission.id]
        try:
            await self._desk.ask(estimated(admission, call.entry, self._desk.price))
        except AdmissionRefused as error:
            raise BudgetSpent(str(error)) from error

    def record(self, entry: UsageEntry) -> None:
        """Keep the entry, with what it cost, until the run is written next."""
        self._calls.pop(entry.id, None)
        price = self._desk.price(entry)
        if entry.tool is None or price is not None:
            self._entries.append(attrs.evolve(entry, price=price))

    def drop(self, entry: str) -> None:
        """Keep nothing of a call."""
        self._calls.pop(entry, None)

    def note(self) -> None:
        """Have the outbox know of what calls have streamed since the last time."""
        grown = False
        for call in self._calls.values():
            counted = call.count()
            if counted - call.noted >= NOTED_TOKENS:
                call.noted, grown = counted, True
        if grown and self._ending is None:
            self._kept = self._state()
            self._desk.writer.note(self._kept)

    async def close(self, outcome: Outcome) -> None:
        """Write the end of the run, and wait for that."""
        ended = attrs.evolve(
            self._state(),
            open=(),
            ended=True,
            closing=attrs.evolve(self._run.closing, outcome=outcome, at=now()),
        )
        self._ending = asyncio.get_running_loop().create_task(self._end(ended))
        try:
            async with asyncio.timeout(self._desk.patience):
                await asyncio.shield(self._ending)
        except TimeoutError as error:
            message = "the store does not take down what the run has consumed; it is tried again"
            raise StoreUnavailable(message) from error

    async def _end(self, ended: OutboxRun) -> None:
        if await self._desk.writer.write(ended, durable=True, must=True):
            self._desk.wrote(ended)
        else:
            await self._desk.lost(ended, self._kept)

    async def _write(self) -> None:
        state = self._state()
        # Recorders are told of nothing that the store might forget.
        if not await self._desk.writer.write(state, durable=bool(state.entries)):
            raise StoreUnavailable(TAKEN_OVER)
        self._kept, self.noted = state, True
        self._desk.wrote(state)

    def _state(self) -> OutboxRun:
        open_ = [
            attrs.evolve(
                call.entry, tokens=attrs.evolve(call.entry.tokens, output=call.noted), at=now()
            )
            for call in self._calls.values()
        ]
        return attrs.evolve(self._run, entries=tuple(self._entries), open=open_, updated_at=now())


def estimated(admission: Admission, entry: UsageEntry, price: Pricing) -> Admission:
    """The admission with what the call may cost at most, as far as that is known."""
    most = admission.estimated_input * CAUTION
    tokens = TokenCounts(input=most, output=admission.expected_output)
    found = price(attrs.evolve(entry, tokens=tokens))
    return attrs.evolve(admission, estimate=None if found is None else found.amount)


def _nothing() -> int:
    return 0
