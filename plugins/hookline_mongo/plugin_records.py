"""Records of plugins, by collection and id."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from hookline.archive import record_id
from hookline.errors import VersionConflict
from hookline.moments import micros
from hookline.records import Record, checked
from hookline_mongo.connection import Connection
from hookline_mongo.documents import ATTEMPTS, Clock, contended, pause
from hookline_mongo.driver import Document, DuplicateKeyError
from hookline_mongo.models import PluginRecordModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape

_ABOVE_SLASH = "0"


class MongoPluginRecords(MongoRecords[Record]):
    """What plugins keep of their own, in the collection ``records``.

    Each change is one step of MongoDB's, on the condition that the version is the one that it is
    for, and has not expired by this process's clock.

    Args:
        connection: to the database.
        clock: this moment, in UTC.
    """

    def __init__(self, connection: Connection, clock: Clock):
        shape = Shape(Record, PluginRecordModel, "record", id_of=_id_of, id_field="record")
        super().__init__(connection, shape)
        self._clock = clock

    async def get(self, collection: str, id_: str, /) -> Record | None:
        """The record with this id."""
        found = await self.select({"_id": record_id(collection, id_), **self._living()})
        return found[0] if found else None

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        """Keep a record, in the place of the one with its id; what is kept is returned."""
        given, id_ = checked(record), _id_of(record)
        found = await self._version(id_) if expected is None else expected
        for attempt in range(ATTEMPTS):
            kept = attrs.evolve(given, version=found + 1, updated_at=self._clock())
            with self.connection.translated(self.shape.what(id_)):
                if await self._step(kept):
                    return kept
            found = await self._version(id_)
            if expected not in {None, found}:
                raise VersionConflict(record.id, found)
            await pause(attempt)
        raise contended(self.shape.what(id_))

    async def list(
        self, collection: str, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Records of a collection ordered by id, all or an owner's: those with an id above."""
        within = {"$gt": record_id(collection, after), "$lt": collection + _ABOVE_SLASH}
        condition = {"_id": within, **self._living()}
        if owner is not None:
            condition["owner"] = owner
        return await self.select(condition, limit=limit)

    async def delete(self, collection: str, id_: str, /, *, expected: int | None = None) -> bool:
        """Remove a record; false if there was none."""
        key = record_id(collection, id_)
        version = {} if expected is None else {"version": expected}
        for attempt in range(ATTEMPTS):
            if await self.forget_all({"_id": key, **version, **self._living()}):
                return True
            found = await self._version(key)
            if expected not in {None, found}:
                raise VersionConflict(id_, found)
            if not found:
                return False
            await pause(attempt)
        raise contended(self.shape.what(key))

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        return await self.forget_all({"expires_at": {"$lte": micros(at)}})

    async def _step(self, kept: Record) -> bool:
        """Write a version after the one before it; false if that is not there."""
        row = self.shape.dump(kept)
        records = self.connection.collection(self.model)
        if kept.version > 1:
            before = {"_id": row["_id"], "version": kept.version - 1, **self._living()}
            return (await records.update_one(before, {"$set": row})).matched_count == 1
        # As a whole: what a newer Hookline wrote into the one that has expired goes with it.
        expired = {"_id": row["_id"], "expires_at": {"$lte": micros(self._clock())}}
        try:
            await records.replace_one(expired, row, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def _version(self, id_: str) -> int:
        """The version that is there; 0 if there is none."""
        condition = {"_id": id_, **self._living()}
        rows = await self.connection.rows(self.model, condition, projection={"version": 1})
        return int(rows[0]["version"]) if rows else 0

    def _living(self) -> Document:
        """The condition that a record has not expired."""
        lasting: Sequence[Mapping[str, Any]] = (
            {"expires_at": None},
            {"expires_at": {"$gt": micros(self._clock())}},
        )
        return {"$or": list(lasting)}


def _id_of(record: Record) -> str:
    return record_id(record.collection, record.id)
