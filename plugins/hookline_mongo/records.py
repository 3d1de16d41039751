"""Records: one document each, which other records do not know of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from hookline.archive import ArchiveRecord
from hookline_mongo.connection import Connection
from hookline_mongo.driver import Document, Operation, ReplaceOne, UpdateOne
from hookline_mongo.shapes import Shape

RecordT = TypeVar("RecordT")


class MongoRecords(Generic[RecordT]):
    """Records of one class in a collection.

    A change writes the fields that this Hookline knows, so what a newer one wrote stays.

    Args:
        connection: to the database.
        shape: how the records stand there.
    """

    def __init__(self, connection: Connection, shape: Shape[RecordT]):
        self.connection = connection
        self.shape = shape
        self.model = shape.model

    async def select(
        self,
        condition: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int | None = None,
    ) -> list[RecordT]:
        """The records of which a condition is true; without a limit, in no order."""
        rows = await self.connection.rows(self.model, condition, sort=sort, limit=limit)
        return [self.shape.load(row) for row in rows]

    async def at(self, id_: str) -> RecordT | None:
        """The record with this id."""
        found = await self.select({"_id": id_})
        return found[0] if found else None

    async def forget_one(self, id_: str) -> bool:
        """Forget a record; false if there was none."""
        return await self.forget_all({"_id": id_}) > 0

    async def forget_all(self, condition: Mapping[str, Any]) -> int:
        """Forget the records of which a condition is true; how many there were."""
        with self.connection.translated():
            gone = await self.connection.collection(self.model).delete_many(condition)
        return gone.deleted_count

    async def change(self, operations: Sequence[Operation]) -> None:
        """Do single writes, in order."""
        await self.connection.write(self.model, operations, f"a {self.shape.kind}")

    def dumped(self, records: Iterable[RecordT]) -> list[Document]:
        """The documents of records.

        Raises:
            ValueError: a time has no zone.
            InvalidRequest: one is too large.
        """
        with self.connection.translated(f"a {self.shape.kind}"):
            return [self.shape.dump(self.shape.checked(record)) for record in records]

    async def count(self) -> int:
        """How many records there are."""
        return await self.connection.count(self.model)

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Records of the collection, for the archive."""
        rows = await self.connection.rows(self.model, {"_id": {"$gt": after}}, limit=limit)
        return [ArchiveRecord(row["_id"], self.shape.content(row)) for row in rows]

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep the archive's records as they are."""
        rows = [self.shape.restored(record.content) for record in records]
        await self.change([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])


def kept_new(row: Document) -> UpdateOne:
    """Keep a document, unless there is one with its id."""
    return UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)
