"""The store: everything that is kept, behind ports that any database can serve."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, Self

import attrs

from hookline.agents import AgentStore
from hookline.keys import KeyStore


@attrs.frozen(kw_only=True)
class Continuation:
    """What a run did before it handed tool calls to the caller.

    When the caller comes back with the results, the run goes on from here, so that tools of the
    server are not executed again and nothing the model said is lost.

    Args:
        id: the run's id.
        user: whose run it was; nobody else's request goes on with it.
        agent: the agent that ran.
        calls: the ids that the caller knows, each with the model's own id of the same call.
        messages: JSON of the messages that the run produced.
        expires_at: when it may be forgotten.
    """

    id: str
    user: str
    agent: str
    calls: Mapping[str, str]
    messages: bytes
    expires_at: datetime


class ContinuationStore(Protocol):
    """Where continuations are kept. Every method may raise ``StoreUnavailable``."""

    async def put(self, continuation: Continuation) -> None:
        """Keep it, until it expires."""

    async def find(self, calls: Sequence[str], *, user: str, agent: str) -> Sequence[Continuation]:
        """Those of this user and agent that hold one of these call ids and have not expired."""

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""


class Store(Protocol):
    """All ports of one database. An async context manager: entering it opens and migrates."""

    @property
    def agents(self) -> AgentStore:
        """Agents."""

    @property
    def keys(self) -> KeyStore:
        """API keys."""

    @property
    def continuations(self) -> ContinuationStore:
        """Runs that wait for the results of a caller's tools."""

    async def ping(self) -> None:
        """Return if the database answers; raise ``StoreUnavailable`` if it does not."""

    async def __aenter__(self) -> Self:
        """Open the database and bring its schema up to date."""

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""


class StoreKind(Protocol):
    """What a ``store`` hook gives: opens stores whose URL has this scheme."""

    scheme: str

    def open(self, url: str) -> Store:
        """The store behind the URL; I/O begins when it is entered."""
