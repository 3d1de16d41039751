"""Documents with versions, one MongoDB document each."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from hookline.archive import NOTHING, ArchiveRecord, tombstone
from hookline.documents import Document, check_version, revise
from hookline.errors import StoreUnavailable
from hookline_mongo.connection import Connection
from hookline_mongo.driver import Document as Raw
from hookline_mongo.driver import DuplicateKeyError, ReplaceOne
from hookline_mongo.shapes import Shape

Clock = Callable[[], datetime]
DocumentT = TypeVar("DocumentT", bound=Document)
ATTEMPTS = 500
"""How often a step is tried that others make at the same moment."""

PAUSE = 0.01
"""Seconds between the first two attempts, at most."""

_NO_ROW: Raw = {}


class MongoDocuments(Generic[DocumentT]):
    """Documents of one kind in a collection.

    Each change is one step of MongoDB's, on the condition that the version is still the one that
    was read. A deleted document leaves one with ``deleted`` behind: its id goes on counting
    versions. A change writes the fields that this Hookline knows, so what a newer one wrote stays.

    Args:
        connection: to the database.
        shape: how the documents stand there.
        clock: this moment, in UTC.
    """

    def __init__(self, connection: Connection, shape: Shape[DocumentT], clock: Clock):
        self.connection = connection
        self.shape = shape
        self.model = shape.model
        self.clock = clock

    async def get(self, id_: str, /) -> DocumentT | None:
        """The document with this id."""
        return self.current(await self.row(id_))

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[DocumentT]:
        """Documents ordered by id, those with an id above ``after``."""
        condition = {"_id": {"$gt": after}, "deleted": None}
        rows = await self.connection.rows(self.model, condition, limit=limit)
        return [self.shape.load(row) for row in rows]

    async def put(self, document: DocumentT, /, *, expected: int | None = None) -> DocumentT:
        """Create the document, or replace it."""
        return await self.keep(document, expected)

    async def delete(self, id_: str, /, *, expected: int | None = None) -> bool:
        """Remove a document; false if there was none."""
        for attempt in range(ATTEMPTS):
            row = await self.row(id_)
            current = self.current(row)
            check_version(id_, current, expected)
            if current is None:
                return False
            if await self.remove(row):
                return True
            await pause(attempt)
        raise contended(self.shape.what(id_))

    async def keep(
        self, document: DocumentT, expected: int | None, new: Mapping[str, Any] = NOTHING
    ) -> DocumentT:
        """Create the document with these further fields, or replace it; what is kept now."""
        with self.connection.translated(self.shape.what(document.id)):
            given = self.shape.checked(document)
        for attempt in range(ATTEMPTS):
            row = await self.row(given.id)
            current = self.current(row)
            last = row.get("version", 0)
            kept = revise(given, current, last=last, at=self.clock(), expected=expected)
            if current is not None:
                done = kept is current or await self.replace(row, kept)
            else:
                done = await self.create(row, kept, new)
            if done:
                return kept
            await pause(attempt)
        raise contended(self.shape.what(given.id))

    async def row(self, id_: str) -> Raw:
        """What stands under an id; empty if there is nothing."""
        with self.connection.translated(self.shape.what(id_)):
            found = await self.connection.collection(self.model).find_one({"_id": id_})
        return _NO_ROW if found is None else found

    async def create(self, row: Raw, kept: DocumentT, new: Mapping[str, Any]) -> bool:
        """Write a document where there is none; false if another one came first."""
        fields = {**self.shape.dump(kept), **new}
        with self.connection.translated(self.shape.what(kept.id)):
            if row:
                return await self._step(row, {"$set": fields, "$unset": {"deleted": ""}})
            try:
                await self.connection.collection(self.model).insert_one(fields)
            except DuplicateKeyError:
                return False
            return True

    async def replace(self, row: Raw, kept: DocumentT) -> bool:
        """Write a document in the place of the one that was read; false if that is gone."""
        with self.connection.translated(self.shape.what(kept.id)):
            return await self._step(row, {"$set": self.shape.dump(kept)})

    async def remove(self, row: Raw) -> bool:
        """Leave nothing but the version of what was read; false if that is gone."""
        with self.connection.translated(self.shape.what(row["_id"])):
            return await self._step(row, [{"$replaceWith": self.left()}])

    def left(self) -> Raw:
        """What is left of a document that is deleted."""
        return {"_id": "$_id", "version": "$version", "deleted": True}

    def current(self, row: Raw) -> DocumentT | None:
        """The document that stands under an id."""
        return self.shape.load(row) if row and not row.get("deleted") else None

    async def count(self) -> int:
        """How many records the archive has."""
        return await self.connection.count(self.model)

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Documents and what is left of deleted ones, as records."""
        rows = await self.connection.rows(self.model, {"_id": {"$gt": after}}, limit=limit)
        return [ArchiveRecord(row["_id"], self._content(row)) for row in rows]

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep records as they are."""
        rows = [self._restored(record) for record in records]
        operations = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows]
        await self.connection.write(self.model, operations, f"a {self.shape.kind}")

    def _content(self, row: Raw) -> Mapping[str, Any]:
        if row.get("deleted"):
            return tombstone(row["_id"], row["version"])
        return self.shape.content(row)

    def _restored(self, record: ArchiveRecord) -> Raw:
        if record.content.get("deleted"):
            return {"_id": record.id, "version": record.content["version"], "deleted": True}
        return self.shape.restored(record.content)

    async def _step(self, row: Raw, update: Raw | Sequence[Raw]) -> bool:
        """Change a document if it is still as it was read."""
        condition = {name: row.get(name) for name in ("_id", "version", "deleted")}
        collection = self.connection.collection(self.model)
        return (await collection.update_one(condition, update)).matched_count == 1


async def pause(attempt: int = 0) -> None:
    """Let others finish before the next attempt; the longer, the more attempts there were."""
    longest = PAUSE * min(attempt + 1, 20)
    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311  no secret


def contended(what: str) -> StoreUnavailable:
    """The error after the last attempt."""
    message = f"{what} is changed by too many at once; try again"
    return StoreUnavailable(message)
