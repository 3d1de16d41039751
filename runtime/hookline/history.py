"""The history of runs: who ran what, when, and how it ended. Not what was said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import attrs

RunState = Literal["running", "finished", "failed", "cancelled"]


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run, as it is known after it began or ended.

    ``reason`` is the ``finish_reason``, the code of the failure, or why it was cancelled.
    """

    id: str
    user: str
    key: str | None = None
    agent: str
    version: int
    conversation: str | None = None
    state: RunState
    reason: str = ""
    started_at: datetime
    ended_at: datetime | None = None


class RunStore(Protocol):
    """Where the history is kept. Every method may raise ``StoreUnavailable``."""

    async def keep(self, records: Sequence[RunRecord]) -> None:
        """Keep records, each in the place of the one with its id.

        One that says ``running`` never takes the place of one that says how the run ended.
        """

    async def get(self, run: str) -> RunRecord | None:
        """The run with this id."""

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[RunRecord]:
        """Runs ordered by id, all or a user's: those with an id above ``after``."""

    async def forget(self, before: datetime) -> int:
        """Forget the runs that ended before this moment; how many there were."""
