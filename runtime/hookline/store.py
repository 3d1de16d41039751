"""The store: everything that is kept, behind ports that any database can serve."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, Self

import attrs

from hookline.agents import AgentStore
from hookline.archive import Archive
from hookline.audit import AuditStore
from hookline.conversations import ConversationStore
from hookline.files import FileStore
from hookline.grants import GrantStore
from hookline.groups import GroupStore
from hookline.history import RunStore
from hookline.keys import KeyStore
from hookline.ledger import LedgerStore
from hookline.outbox import OutboxStore
from hookline.records import RecordStore
from hookline.roles import RoleStore
from hookline.users import UserStore


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
        """Keep it, until it expires, in the place of one with its id.

        Raises:
            InvalidRequest: it is larger than ``documents.LIMIT``; nothing is changed.
        """

    async def find(self, calls: Sequence[str], *, user: str, agent: str) -> Sequence[Continuation]:
        """Those of this user and agent that hold one of these call ids and have not expired."""

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""


@attrs.frozen(kw_only=True)
class StoreStatus:
    """What ``hookline store status`` says.

    Args:
        name: of the database, without a password.
        version: of its schema; 0 if there is none yet.
        current: the version that this Hookline needs.
        missing: what ``migrate`` would make, such as the names of indexes.
        facts: what else is worth knowing, such as the server's version.
    """

    name: str
    version: int
    current: int
    missing: Sequence[str] = ()
    facts: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def ready(self) -> bool:
        """Whether a server can work with the store as it is."""
        return self.version == self.current and not self.missing


class Store(Protocol):
    """All ports of one database. An async context manager: entering it opens the database.

    An empty database is prepared on entering. Whether one of an earlier version is brought up to
    date too is the store's choice; one that does not do that raises ``StoreUnavailable``, which
    names ``hookline store migrate`` as the remedy.
    """

    @property
    def agents(self) -> AgentStore:
        """Agents and their versions."""

    @property
    def keys(self) -> KeyStore:
        """API keys."""

    @property
    def users(self) -> UserStore:
        """Users."""

    @property
    def groups(self) -> GroupStore:
        """Groups of users."""

    @property
    def roles(self) -> RoleStore:
        """Roles of users."""

    @property
    def grants(self) -> GrantStore:
        """Grants."""

    @property
    def conversations(self) -> ConversationStore:
        """Conversations."""

    @property
    def files(self) -> FileStore:
        """What is known of files."""

    @property
    def runs(self) -> RunStore:
        """The history of runs."""

    @property
    def audit(self) -> AuditStore:
        """Who changed what."""

    @property
    def continuations(self) -> ContinuationStore:
        """Runs that wait for the results of a caller's tools."""

    @property
    def outbox(self) -> OutboxStore:
        """What recorders have not been told yet."""

    @property
    def ledger(self) -> LedgerStore:
        """Accounts and entries."""

    @property
    def records(self) -> RecordStore:
        """What plugins keep of their own."""

    @property
    def archive(self) -> Archive:
        """All of that as it is, for copying."""

    async def ping(self) -> None:
        """Return if the database answers; raise ``StoreUnavailable`` if it does not."""

    async def status(self) -> StoreStatus:
        """What state the database is in. May be asked before the store is entered."""

    async def migrate(self) -> Sequence[str]:
        """Bring the schema up to date; what was done, in words. Not while it is entered.

        Processes that migrate at the same moment do not get in each other's way.
        """

    async def __aenter__(self) -> Self:
        """Open the database."""

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""


class StoreKind(Protocol):
    """What a ``store`` hook gives: opens stores whose URL has this scheme."""

    scheme: str

    def open(self, url: str) -> Store:
        """The store behind the URL; I/O begins when it is entered."""
