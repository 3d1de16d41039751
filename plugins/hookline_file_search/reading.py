"""Reading: the text of a file, in sections, within limits of time and size."""

import threading
import time
from collections.abc import Sequence

import attrs


@attrs.frozen
class Section:
    """A piece of a file's text. ``page`` begins at 1; ``heading`` is what it stands under."""

    text: str
    page: int | None = None
    heading: str = ""


@attrs.frozen
class Reading:
    """What was read of a file. ``missing`` says what was not, or is empty."""

    sections: Sequence[Section]
    missing: str = ""


class Unreadable(Exception):
    """A file has no text that can be read; the message says why, as the rest of a sentence."""


class OutOfTime(BaseException):
    """Reading takes too long, or nobody waits for it any more.

    No ``Exception``, for a parser that goes on after any of them must not go on after this one.
    """


class Watch:
    """How long reading may take: started in the thread that reads, and stopped from any."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._end = float("inf")
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to count; waiting for a thread does not count."""
        self._end = time.monotonic() + self._seconds

    def stop(self) -> None:
        """Let the reader end at its next look."""
        self._stopped.set()

    def look(self, *_: object) -> None:
        """Raise ``OutOfTime`` if reading has to end."""
        if self._stopped.is_set() or time.monotonic() > self._end:
            raise OutOfTime


def clean(text: str) -> str:
    """The text without what no text should have: half characters, and the character zero."""
    return text.replace("\x00", "").encode(errors="replace").decode()
