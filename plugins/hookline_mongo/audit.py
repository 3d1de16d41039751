"""Who changed what."""

from collections.abc import Sequence
from typing import Any

from hookline.audit import AuditRecord
from hookline_mongo.connection import Connection
from hookline_mongo.models import AuditModel
from hookline_mongo.records import MongoRecords, kept_new
from hookline_mongo.shapes import Shape


class MongoAudit(MongoRecords[AuditRecord]):
    """The audit in the collection ``audit``."""

    def __init__(self, connection: Connection):
        super().__init__(connection, Shape(AuditRecord, AuditModel, "audit record"))

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Keep records; one that is there already stays as it is."""
        await self.change([kept_new(row) for row in self.dumped(records)])

    async def list(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: str = "",
        limit: int = 100,
    ) -> Sequence[AuditRecord]:
        """Newest first; of one kind and subject, if named."""
        asked = {"kind": kind, "subject": subject, "_id": {"$lt": before} if before else None}
        condition: dict[str, Any] = {
            key: value for key, value in asked.items() if value is not None
        }
        return await self.select(condition, sort=[("_id", -1)], limit=limit)
