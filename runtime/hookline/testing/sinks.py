"""An event sink that remembers what it is given."""

from collections import defaultdict
from collections.abc import Sequence

import attrs

from hookline.events import Event
from hookline.scope import RunScope


@attrs.frozen
class Batch:
    """What one call of ``write`` brought."""

    scope: RunScope
    position: int
    events: Sequence[Event]


class RecordingSink:
    """Remembers the events of every run.

    Args:
        error: what to raise instead; set and reset it at any time.
    """

    def __init__(self, *, error: Exception | None = None):
        self.error = error
        self.batches: list[Batch] = []
        self._events: dict[str, list[Event]] = defaultdict(list)

    async def write(self, scope: RunScope, position: int, events: Sequence[Event]) -> None:
        """Remember the events.

        Raises:
            AssertionError: they do not go on where the last ones of this run ended.
        """
        if self.error is not None:
            raise self.error
        expected = len(self._events[scope.run])
        assert position == expected, f"run {scope.run}: position {position} after {expected} events"
        self.batches.append(Batch(scope, position, tuple(events)))
        self._events[scope.run].extend(events)

    def events_of(self, run: str) -> Sequence[Event]:
        """All events of one run so far."""
        return tuple(self._events.get(run, ()))
