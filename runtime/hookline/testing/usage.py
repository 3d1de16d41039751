"""A usage recorder that remembers what it is told, and fails or refuses when told to."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from hookline.errors import AdmissionRefused
from hookline.usage import Admission, Closing, Outcome, UsageEntry

Method = Literal["admit", "record", "close"]


class RecorderDown(Exception):
    """What a ``RecordingRecorder`` raises when it was told to fail."""


class RecordingRecorder:
    """Remembers admissions, entries and closings, in the order in which they came.

    Args:
        refusal: why no run is admitted; ``None`` to admit all.
        retry_after: seconds that a refusal asks for.
    """

    def __init__(self, *, refusal: str | None = None, retry_after: float | None = None):
        self.refusal = refusal
        self.retry_after = retry_after
        self.admissions: list[Admission] = []
        self.entries: list[UsageEntry] = []
        self.closings: list[Closing] = []
        self.failures: Counter[Method] = Counter()
        self._to_fail: Counter[Method] = Counter()

    def fail(self, method: Method, *, times: int = 1) -> None:
        """Let the next calls of a method raise ``RecorderDown``; ``failures`` counts them."""
        self._to_fail[method] = times

    async def admit(self, admission: Admission) -> None:
        """Remember the admission, or refuse it."""
        self._fail_if_told("admit")
        if self.refusal is not None:
            raise AdmissionRefused(self.refusal, retry_after=self.retry_after)
        self.admissions.append(admission)

    async def record(self, entry: UsageEntry) -> None:
        """Remember the entry, every time it comes."""
        self._fail_if_told("record")
        self.entries.append(entry)

    async def close(self, closing: Closing) -> None:
        """Remember how the run ended, every time it is told."""
        self._fail_if_told("close")
        self.closings.append(closing)

    def entries_of(self, run: str) -> Sequence[UsageEntry]:
        """The entries of one run."""
        return [entry for entry in self.entries if entry.run == run]

    def outcomes_of(self, run: str) -> Sequence[Outcome]:
        """How the run ended: one outcome, unless something closed it twice."""
        return [closing.outcome for closing in self.closings if closing.run == run]

    def _fail_if_told(self, method: Method) -> None:
        if self._to_fail[method] > 0:
            self._to_fail[method] -= 1
            self.failures[method] += 1
            message = f"told to fail in {method}"
            raise RecorderDown(message)
