"""The store in this process's memory, and the URL that leads to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from hookline.agents import Agent
from hookline.archive import Archive, conversation_id, record_id, version_id
from hookline.audit import AuditRecord
from hookline.conversations import Conversation
from hookline.files import FileRecord
from hookline.grants import Grant
from hookline.history import RunRecord
from hookline.keys import ApiKey
from hookline.ledger import Account, LedgerEntry
from hookline.moments import now
from hookline.outbox import OutboxRun
from hookline.records import Record
from hookline.roles import Role
from hookline.store import Continuation, StoreStatus
from hookline.users import User
from hookline_memory.agents import MemoryAgents
from hookline_memory.archive import DocumentShelf, MemoryArchive, Shelf, ThingShelf
from hookline_memory.documents import Clock, MemoryDocuments
from hookline_memory.grants import MemoryGrants
from hookline_memory.ledger import MemoryLedger
from hookline_memory.outbox import MemoryOutbox
from hookline_memory.people import MemoryGroups, MemoryKeys
from hookline_memory.plugin_records import MemoryPluginRecords
from hookline_memory.records import (
    MemoryAudit,
    MemoryContinuations,
    MemoryConversations,
    MemoryFiles,
    MemoryRuns,
)


class MemoryStore:
    """All ports in this process's memory. For tests and the demo: nothing outlives the object."""

    def __init__(self, clock: Clock = now):
        self.grants = MemoryGrants()
        self.agents = MemoryAgents(self.grants, clock)
        self.keys = MemoryKeys(clock)
        self.users = MemoryDocuments(User, "user", clock)
        self.groups = MemoryGroups(clock)
        self.roles = MemoryDocuments(Role, "role", clock)
        self.conversations = MemoryConversations()
        self.files = MemoryFiles()
        self.runs = MemoryRuns()
        self.audit = MemoryAudit()
        self.continuations = MemoryContinuations(clock)
        self.outbox = MemoryOutbox()
        self.ledger = MemoryLedger()
        self.records = MemoryPluginRecords(clock)
        self.archive: Archive = MemoryArchive(self._shelves())

    async def ping(self) -> None:
        """Return: memory always answers."""

    async def status(self) -> StoreStatus:
        """Memory needs no preparation."""
        return StoreStatus(name="memory://", version=1, current=1)

    async def migrate(self) -> Sequence[str]:
        """Nothing to do."""
        return ()

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing to close."""

    def _shelves(self) -> Mapping[str, Shelf]:
        return {
            "roles": DocumentShelf(self.roles),
            "users": DocumentShelf(self.users),
            "groups": DocumentShelf(self.groups),
            "agents": DocumentShelf(self.agents),
            "agent_versions": ThingShelf(
                Agent,
                self.agents.replaced,
                lambda agent: (agent.id, agent.version),
                lambda key: version_id(*key),
            ),
            "keys": ThingShelf(ApiKey, self.keys.kept, _id),
            "grants": ThingShelf(Grant, self.grants.kept, _id),
            "conversations": ThingShelf(
                Conversation,
                self.conversations.kept,
                lambda talk: (talk.owner, talk.id),
                lambda key: conversation_id(*key),
            ),
            "files": ThingShelf(FileRecord, self.files.kept, _id),
            "runs": ThingShelf(RunRecord, self.runs.kept, _id),
            "audit": ThingShelf(AuditRecord, self.audit.kept, _id),
            "continuations": ThingShelf(Continuation, self.continuations.kept, _id),
            "accounts": ThingShelf(Account, self.ledger.kept, _id),
            "ledger": ThingShelf(LedgerEntry, self.ledger.written, _id),
            "outbox": ThingShelf(OutboxRun, self.outbox.kept, _id),
            "records": ThingShelf(
                Record,
                self.records.kept,
                lambda record: (record.collection, record.id),
                lambda key: record_id(*key),
            ),
        }


class MemoryStores:
    """Opens ``memory://``: a new, empty store each time."""

    scheme = "memory"

    def __init__(self, clock: Clock = now):
        self._clock = clock

    def open(self, url: str) -> MemoryStore:
        """A new store; the URL says nothing further."""
        return MemoryStore(self._clock)


def _id(thing: Any) -> str:
    id_: str = thing.id
    return id_
