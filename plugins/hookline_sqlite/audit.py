"""Who changed what."""

from collections.abc import Sequence
from typing import Any

import aiosqlite

from hookline.audit import AuditRecord
from hookline_sqlite.database import Database
from hookline_sqlite.records import SqliteRecords

_CONDITION = """
(:kind IS NULL OR kind = :kind) AND (:subject IS NULL OR subject = :subject)
AND (:before = '' OR id < :before)
ORDER BY id DESC LIMIT :limit
"""


class SqliteAudit(SqliteRecords[AuditRecord]):
    """The audit in the table ``audit``."""

    def __init__(self, database: Database):
        super().__init__(database, "audit", AuditRecord, ("kind", "subject"))

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Keep records; one that is there already stays as it is."""
        checked = self.checked(records)

        async def work(connection: aiosqlite.Connection) -> None:
            for new in checked:
                old, _ = await self.known(connection, new.id)
                if old is None:
                    await self.place(connection, new)

        await self.database.write(work)

    async def list(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: str = "",
        limit: int = 100,
    ) -> Sequence[AuditRecord]:
        """Newest first; of one kind and subject, if named."""
        asked = {"kind": kind, "subject": subject, "before": before, "limit": limit}
        return await self.find(_CONDITION, asked)

    def id_of(self, record: AuditRecord) -> str:
        """The record's id."""
        return record.id

    def columns_of(self, record: AuditRecord) -> Sequence[Any]:
        """What was changed."""
        return (record.kind, record.subject)
