"""Allowances: a long answer asks the recorders for more before it has used up what they gave."""

import asyncio
from math import inf
from typing import Protocol, Self

import attrs
import structlog

from hookline.meter import BudgetSpent, Meter
from hookline.usage import Admission

log = structlog.get_logger("hookline.usage")
LOOKS = 4
"""How often an answer is looked at while it uses up what it was given."""


class Streamed(Protocol):
    """What has come of an answer so far."""

    @property
    def pieces(self) -> int:
        """How many pieces of text."""

    def count(self) -> int:
        """About how many tokens."""


class Allowance:
    """What one model call may stream. An async context manager around it.

    Half of it used up, the recorders are asked for as much again, while the answer goes on. Only
    one that has used it up waits for them; if they fail then, it goes on, because they let it begin
    and what it consumes is recorded all the same.

    Args:
        meter: of the run.
        admission: what the call was given.
        streamed: what has come of it.
        limited: whether the provider itself keeps to the limit, so that nothing is to be asked.

    Attributes:
        look_at: after how many pieces ``look`` is to be called.
    """

    def __init__(self, meter: Meter, admission: Admission, streamed: Streamed, *, limited: bool):
        self._meter = meter
        self._admission = admission
        self._streamed = streamed
        self._step = admission.expected_output
        self._asked: asyncio.Task[None] | None = None
        self.look_at: float = inf
        if meter.extends and not limited:
            self.look_at = max(1, self._step // LOOKS)

    async def look(self) -> None:
        """See how far it has come.

        Raises:
            BudgetSpent: it has used up what it was given, and gets no more.
        """
        counted, given = self._streamed.count(), self._admission.expected_output
        if self._asked is None and counted * 2 >= given:
            wider = attrs.evolve(self._admission, expected_output=given + self._step)
            self._asked = asyncio.get_running_loop().create_task(self._ask(wider))
        if self._asked is not None and counted >= given:
            await asyncio.wait([self._asked])
        if self._asked is not None and self._asked.done():
            self._answered(counted)
        pieces = self._streamed.pieces
        left = self._admission.expected_output - counted
        self.look_at = pieces + max(1, left * pieces // max(1, counted) // LOOKS)

    def _answered(self, counted: int) -> None:
        asked = self._asked
        if asked is None or asked.cancelled():
            return
        error = asked.exception()
        if isinstance(error, BudgetSpent):
            if counted >= self._admission.expected_output:
                raise error
            return
        if error is not None:
            log.warning("usage.extension_skipped", run=self._admission.scope.run, error=repr(error))
        self._asked = None

    async def _ask(self, wider: Admission) -> None:
        refused = False
        try:
            await self._meter.extend(wider)
        except BudgetSpent:
            refused = True
            raise
        finally:
            if not refused:
                self._admission = wider

    async def __aenter__(self) -> Self:
        """Nothing is asked yet."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Ask no more."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.wait([self._asked])
            if not self._asked.cancelled():
                self._asked.exception()
