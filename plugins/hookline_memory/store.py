"""The store in this process's memory, and the URL that leads to it."""

from collections.abc import Mapping, Sequence
from typing import Self

from hookline.archive import Archive
from hookline.audit import AuditRecord
from hookline.conversations import Conversation
from hookline.files import FileRecord
from hookline.grants import Grant
from hookline.history import RunRecord
from hookline.moments import now
from hookline.roles import Role
from hookline.store import Continuation, StoreStatus
from hookline.users import User
from hookline_memory.agents import MemoryAgents
from hookline_memory.archive import (
    DocumentShelf,
    KeyShelf,
    MemoryArchive,
    Shelf,
    Things,
    VersionShelf,
)
from hookline_memory.documents import Clock, MemoryDocuments
from hookline_memory.grants import MemoryGrants
from hookline_memory.people import MemoryGroups, MemoryKeys
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
            "agent_versions": VersionShelf(self.agents),
            "keys": KeyShelf(self.keys),
            "grants": Things(Grant, self.grants.kept, lambda grant: grant.id),
            "conversations": Things(
                Conversation, self.conversations.kept, lambda talk: (talk.owner, talk.id)
            ),
            "files": Things(FileRecord, self.files.kept, lambda file: file.id),
            "runs": Things(RunRecord, self.runs.kept, lambda run: run.id),
            "audit": Things(AuditRecord, self.audit.kept, lambda record: record.id),
            "continuations": Things(
                Continuation, self.continuations.kept, lambda continuation: continuation.id
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
