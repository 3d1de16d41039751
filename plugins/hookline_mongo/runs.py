"""The history of runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hookline.history import RunRecord
from hookline.moments import micros
from hookline_mongo.connection import Connection
from hookline_mongo.driver import Document, Operation, UpdateOne
from hookline_mongo.models import RunModel
from hookline_mongo.records import MongoRecords, kept_new
from hookline_mongo.shapes import Shape


class MongoRuns(MongoRecords[RunRecord]):
    """The history in the collection ``runs``."""

    def __init__(self, connection: Connection):
        super().__init__(connection, Shape(RunRecord, RunModel, "run"))

    async def keep(self, records: Sequence[RunRecord]) -> None:
        """Keep records; none that runs takes the place of one that ended."""
        await self.change([one for row in self.dumped(records) for one in _kept(row)])

    async def get(self, run: str) -> RunRecord | None:
        """The run with this id."""
        return await self.at(run)

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[RunRecord]:
        """Runs ordered by id, all or a user's: those with an id above ``after``."""
        condition: dict[str, Any] = {"_id": {"$gt": after}}
        if user is not None:
            condition["user"] = user
        return await self.select(condition, limit=limit)

    async def forget(self, before: datetime) -> int:
        """Forget the runs that ended before this moment; how many there were."""
        return await self.forget_all({"ended_at": {"$lt": micros(before)}})


def _kept(row: Document) -> Sequence[Operation]:
    if row["state"] == "running":
        runs = {"_id": row["_id"], "state": "running"}
        return (kept_new(row), UpdateOne(runs, {"$set": row}))
    return (UpdateOne({"_id": row["_id"]}, {"$set": row}, upsert=True),)
