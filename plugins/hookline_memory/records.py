"""Conversations, files, runs, the audit and continuations."""

from collections.abc import Sequence
from datetime import UTC, datetime

import attrs

from hookline.audit import AuditRecord
from hookline.conversations import Conversation
from hookline.documents import refuse_large
from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.history import RunRecord
from hookline.moments import in_utc, utc
from hookline.store import Continuation
from hookline_memory.documents import Clock, Kept, copy, page

_EVER = datetime.max.replace(tzinfo=UTC)


class MemoryConversations:
    """Conversations by owner and id."""

    def __init__(self) -> None:
        self.kept = Kept[tuple[str, str], Conversation]()

    async def keep(self, conversations: Sequence[Conversation]) -> None:
        """Keep new ones; those that are there move on."""
        for new in [in_utc(given) for given in conversations]:
            old = self.kept.get((new.owner, new.id))
            if old is None:
                self.kept[new.owner, new.id] = new
            elif old.updated_at <= new.updated_at:
                self.kept[new.owner, new.id] = attrs.evolve(new, created_at=old.created_at)

    async def get(self, owner: str, conversation: str) -> Conversation | None:
        """The conversation that its owner calls by this id."""
        return self.kept.get((owner, conversation))

    async def list(
        self, owner: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[Conversation]:
        """The owner's conversations ordered by id."""
        ids = {id_: None for whose, id_ in self.kept if whose == owner}
        return [self.kept[owner, id_] for id_ in page(ids, after, limit)]

    async def delete(self, owner: str, conversation: str) -> bool:
        """Forget a conversation; false if there was none."""
        return self.kept.pop((owner, conversation), None) is not None


class MemoryFiles:
    """Files' metadata by id."""

    def __init__(self) -> None:
        self.kept = Kept[str, FileRecord]()

    async def add(self, file: FileRecord) -> None:
        """Keep a new file's metadata."""
        if file.id in self.kept:
            message = f"there is a file {file.id} already; choose another id"
            raise InvalidRequest(message, param="id", reason="duplicate_file")
        await self.put(file)

    async def put(self, file: FileRecord) -> None:
        """Keep a file's metadata, in the place of those with its id, if there are any."""
        self.kept[file.id] = copy(in_utc(file))

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""
        kept = self.kept.get(file)
        return None if kept is None else copy(kept)

    async def named(self, owner: str, conversation: str, name: str) -> FileRecord | None:
        """The owner's file with this name in a conversation; of several the last one."""
        wanted = (owner, conversation, name)
        found = [
            file
            for file in self.kept.values()
            if (file.owner, file.conversation, file.name) == wanted
        ]
        return copy(max(found, key=_id)) if found else None

    async def total(self, owner: str) -> int:
        """Bytes of all files of an owner, expired or not."""
        return sum(file.size for file in self.kept.values() if file.owner == owner)

    async def holds(self, digest: str) -> bool:
        """Whether any file has these bytes."""
        return any(file.digest == digest for file in self.kept.values())

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's."""
        ids = {id_: None for id_, file in self.kept.items() if owner in {None, file.owner}}
        return [copy(self.kept[id_]) for id_ in page(ids, after, limit)]

    async def latest(
        self, *, owner: str | None = None, before: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """The same from the last id backwards."""
        found = [file for file in self.kept.values() if owner in {None, file.owner}]
        below = [file for file in found if not before or file.id < before]
        return [copy(file) for file in sorted(below, key=_id, reverse=True)[:limit]]

    async def delete(self, file: str) -> bool:
        """Forget a file; false if there was none."""
        return self.kept.pop(file, None) is not None

    async def expired(self, at: datetime, *, limit: int = 1000) -> Sequence[FileRecord]:
        """Files that have expired by then, the earliest first."""
        found = [file for file in self.kept.values() if (file.expires_at or _EVER) <= at]
        found.sort(key=lambda file: (file.expires_at or _EVER, file.id))
        return [copy(file) for file in found[:limit]]


class MemoryRuns:
    """The history by id."""

    def __init__(self) -> None:
        self.kept = Kept[str, RunRecord]()

    async def keep(self, records: Sequence[RunRecord]) -> None:
        """Keep records; none that runs takes the place of one that ended."""
        for new in [in_utc(given) for given in records]:
            old = self.kept.get(new.id)
            if old is None or old.state == "running" or new.state != "running":
                self.kept[new.id] = new

    async def get(self, run: str) -> RunRecord | None:
        """The run with this id."""
        return self.kept.get(run)

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[RunRecord]:
        """Runs ordered by id, all or a user's."""
        ids = {id_: None for id_, run in self.kept.items() if user in {None, run.user}}
        return [self.kept[id_] for id_ in page(ids, after, limit)]

    async def forget(self, before: datetime) -> int:
        """Forget the runs that ended before this moment; how many there were."""
        gone = [id_ for id_, run in self.kept.items() if (run.ended_at or _EVER) < before]
        for id_ in gone:
            del self.kept[id_]
        return len(gone)


class MemoryAudit:
    """The audit by id."""

    def __init__(self) -> None:
        self.kept = Kept[str, AuditRecord]()

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Keep records; one that is there already stays as it is."""
        for record in [in_utc(given) for given in records]:
            self.kept.setdefault(record.id, record)

    async def list(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: str = "",
        limit: int = 100,
    ) -> Sequence[AuditRecord]:
        """Newest first; of one kind and subject, if named."""
        found = (
            record
            for record in self.kept.values()
            if kind in {None, record.kind} and subject in {None, record.subject}
            if not before or record.id < before
        )
        return sorted(found, key=lambda record: record.id, reverse=True)[:limit]


class MemoryContinuations:
    """Continuations by id."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self.kept = Kept[str, Continuation]()

    async def put(self, continuation: Continuation) -> None:
        """Keep it, until it expires."""
        refuse_large(len(continuation.messages), f"the unfinished run {continuation.id}")
        self.kept[continuation.id] = attrs.evolve(
            continuation,
            calls=dict(continuation.calls),
            expires_at=utc(continuation.expires_at),
        )

    async def find(self, calls: Sequence[str], *, user: str, agent: str) -> Sequence[Continuation]:
        """Those of this user and agent that hold one of these call ids and have not expired."""
        at, wanted = self._clock(), frozenset(calls)
        found = (
            attrs.evolve(kept, calls=dict(kept.calls))
            for kept in self.kept.values()
            if kept.user == user and kept.agent == agent and at < kept.expires_at
            if not wanted.isdisjoint(kept.calls)
        )
        return sorted(found, key=lambda kept: (kept.expires_at, kept.id))

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        gone = [id_ for id_, kept in self.kept.items() if kept.expires_at <= at]
        for id_ in gone:
            del self.kept[id_]
        return len(gone)


def _id(file: FileRecord) -> str:
    return file.id
