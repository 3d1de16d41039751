"""Event sinks: observers of every run, for audit, tracing or a message bus."""

from collections.abc import Sequence
from typing import Protocol

from hookline.events import Event
from hookline.scope import RunScope


class EventSink(Protocol):
    """Follows the log of every run, as a reader of its own.

    A failure is logged and ends the sink's reading of that run; the run goes on.
    """

    async def write(self, scope: RunScope, position: int, events: Sequence[Event]) -> None:
        """Take the events of a run from number ``position`` on."""
