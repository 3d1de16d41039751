"""Continuations, found by the calls that they wait for."""

from collections.abc import Sequence
from datetime import datetime

from hookline.archive import ArchiveRecord
from hookline.documents import refuse_large
from hookline.moments import micros
from hookline.store import Continuation
from hookline_mongo.connection import Connection, batches
from hookline_mongo.documents import Clock
from hookline_mongo.driver import Document, ReplaceOne
from hookline_mongo.models import ContinuationModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape


class MongoContinuations(MongoRecords[Continuation]):
    """Continuations in the collection ``continuations``, with an index on their calls."""

    def __init__(self, connection: Connection, clock: Clock):
        shape = Shape(Continuation, ContinuationModel, "unfinished run")
        super().__init__(connection, shape)
        self._clock = clock

    async def put(self, continuation: Continuation) -> None:
        """Keep it, until it expires."""
        what = self.shape.what(continuation.id)
        with self.connection.translated(what):
            refuse_large(len(continuation.messages), what)
            row = self.shape.dump(continuation, call_ids=list(continuation.calls))
            await self.connection.collection(self.model).replace_one(
                {"_id": row["_id"]}, row, upsert=True
            )

    async def find(self, calls: Sequence[str], *, user: str, agent: str) -> Sequence[Continuation]:
        """Those of this user and agent that hold one of these call ids and have not expired."""
        at = micros(self._clock())
        found: dict[str, Continuation] = {}
        for batch in batches(list(calls)):
            condition = {
                "call_ids": {"$in": batch},
                "user": user,
                "agent": agent,
                "expires_at": {"$gt": at},
            }
            found.update({one.id: one for one in await self.select(condition)})
        return sorted(found.values(), key=lambda one: (one.expires_at, one.id))

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        return await self.forget_all({"expires_at": {"$lte": micros(at)}})

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep the archive's records as they are."""
        rows: list[Document] = []
        for record in records:
            calls = list(record.content["calls"])
            rows.append(self.shape.restored(record.content, call_ids=calls))
        await self.change([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])
