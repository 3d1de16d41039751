"""What the store said of a digest, for a short time."""

import time
from collections.abc import Callable

import attrs

from hookline.keys import ApiKey

UNKNOWN_SECONDS = 1.0
"""How long at most a digest is known to be nobody's: a key just made works soon."""

UNKNOWN_ENTRIES = 1_000
"""How many of those there are at most. Random tokens push out each other, and never a key."""


@attrs.frozen
class Answer:
    """What the store said: a key, or that there is none."""

    key: ApiKey | None


@attrs.frozen
class _Entry:
    answer: Answer
    until: float


class KeyCache:
    """Answers by digest, until their time is over, they are forgotten, or there are too many.

    Args:
        seconds: how long a key is remembered; 0 for not at all.
        entries: how many keys are remembered; the oldest goes first.
        clock: seconds that only go forward.
    """

    def __init__(self, seconds: float, entries: int, clock: Callable[[], float] = time.monotonic):
        self.changes = 0
        """How often something was forgotten: an answer asked for before that is out of date."""
        self._seconds = seconds
        self._limits = (entries, UNKNOWN_ENTRIES)
        self._clock = clock
        self._known: dict[str, _Entry] = {}
        self._unknown: dict[str, _Entry] = {}

    def get(self, digest: str) -> Answer | None:
        """What the store said of this digest; ``None`` if it has to be asked."""
        entry = self._known.get(digest) or self._unknown.get(digest)
        return entry.answer if entry is not None and self._clock() < entry.until else None

    def keep(self, digest: str, key: ApiKey | None, *, changes: int) -> None:
        """Remember what the store said, unless something was forgotten since ``changes``."""
        if self._seconds == 0 or changes != self.changes:
            return
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)
        if key is None:
            entries, limit = self._unknown, self._limits[1]
            seconds = min(self._seconds, UNKNOWN_SECONDS)
        else:
            entries, limit, seconds = self._known, self._limits[0], self._seconds
        if len(entries) >= limit:
            del entries[next(iter(entries))]
        entries[digest] = _Entry(Answer(key), self._clock() + seconds)

    def forget(self, key_id: str) -> None:
        """Drop a key, and all digests that were nobody's: one of them may be its now."""
        self.changes += 1
        self._unknown.clear()
        for digest, entry in list(self._known.items()):
            if entry.answer.key is not None and entry.answer.key.id == key_id:
                del self._known[digest]

    def clear(self) -> None:
        """Drop everything."""
        self.changes += 1
        self._known.clear()
        self._unknown.clear()
