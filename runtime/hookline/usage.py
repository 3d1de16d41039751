"""Usage: what every model call consumed, and who is told."""

from datetime import datetime
from typing import Literal, Protocol

import attrs

from hookline.agents import Agent
from hookline.moments import now
from hookline.scope import RunScope

Outcome = Literal["finished", "failed", "cancelled"]
BYTES_PER_TOKEN = 4
"""How many UTF-8 bytes stand for a token where nobody counted: OpenAI's rule of thumb."""


@attrs.frozen(kw_only=True)
class TokenCounts:
    """Tokens of one model call. Input includes cached tokens, output includes reasoning."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0


@attrs.frozen(kw_only=True)
class UsageEntry:
    """What one model call consumed. ``id`` is made of run and step: recording twice is harmless."""

    run: str
    step: int
    agent: str
    provider: str
    model: str
    user: str
    tokens: TokenCounts
    key: str | None = None
    conversation: str | None = None
    estimated: bool = False
    at: datetime = attrs.field(factory=now)

    @property
    def id(self) -> str:
        """The same for every attempt to record this entry."""
        return f"{self.run}:{self.step}"


@attrs.frozen(kw_only=True)
class Admission:
    """What a recorder knows when it admits a run: who wants what, and how large it may get.

    ``estimated_input`` and ``max_output`` are in tokens; ``max_output`` is ``None`` if the request
    and the agent set no limit.
    """

    scope: RunScope
    agent: Agent
    estimated_input: int
    max_output: int | None


class UsageRecorder(Protocol):
    """Is told of every run and every model call.

    ``admit`` fails closed. ``record`` and ``close`` are called in the order of events, apart from
    the stream, and again after a failure until they succeed.
    """

    async def admit(self, admission: Admission) -> None:
        """Let the run begin, or raise ``AdmissionRefused``."""

    async def record(self, entry: UsageEntry) -> None:
        """Write down what a model call consumed; the entry's id tells a repetition."""

    async def close(self, scope: RunScope, outcome: Outcome) -> None:
        """The run has ended, in whatever way."""


def estimate(*texts: str | bytes) -> int:
    """About how many tokens the texts have, where no provider counted them. At least 1."""
    size = sum(len(t if isinstance(t, bytes) else t.encode()) for t in texts)
    return max(1, -(-size // BYTES_PER_TOKEN))
