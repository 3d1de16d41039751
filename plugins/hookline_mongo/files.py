"""What is known of files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.moments import micros
from hookline_mongo.connection import COUNTING, Connection
from hookline_mongo.driver import Document, DuplicateKeyError, UpdateOne
from hookline_mongo.models import FileModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape


class MongoFiles(MongoRecords[FileRecord]):
    """Files' metadata in the collection ``files``."""

    def __init__(self, connection: Connection):
        super().__init__(connection, Shape(FileRecord, FileModel, "file"))

    async def add(self, file: FileRecord) -> None:
        """Keep a new file's metadata."""
        [row] = self.dumped([file])
        try:
            with self.connection.translated(self.shape.what(file.id)):
                await self.connection.collection(self.model).insert_one(row)
        except DuplicateKeyError as error:
            message = f"there is a file {file.id} already; choose another id"
            raise InvalidRequest(message, param="id", reason="duplicate_file") from error

    async def put(self, file: FileRecord) -> None:
        """Keep a file's metadata, in the place of those with its id, if there are any."""
        [row] = self.dumped([file])
        await self.change([UpdateOne({"_id": row["_id"]}, {"$set": row}, upsert=True)])

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""
        return await self.at(file)

    async def named(self, owner: str, conversation: str, name: str) -> FileRecord | None:
        """The owner's file with this name in a conversation; of several the last one."""
        condition = {"owner": owner, "conversation": conversation, "name": name}
        found = await self.select(condition, sort=[("_id", -1)], limit=1)
        return found[0] if found else None

    async def total(self, owner: str) -> int:
        """Bytes of all files of an owner, expired or not."""
        pipeline: list[Document] = [
            {"$match": {"owner": owner}},
            {"$group": {"_id": None, "total": {"$sum": "$size"}}},
        ]
        with self.connection.database.within(COUNTING), self.connection.translated():
            files = self.connection.collection(self.model)
            async with await files.aggregate(pipeline) as cursor:
                return sum([int(row["total"]) for row in await cursor.to_list(None)])

    async def holds(self, digest: str) -> bool:
        """Whether any file has these bytes."""
        found = {"digest": digest}
        return bool(await self.connection.rows(self.model, found, limit=1, projection={"_id": 1}))

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's: those with an id above ``after``."""
        condition: dict[str, Any] = {"_id": {"$gt": after}}
        if owner is not None:
            condition["owner"] = owner
        return await self.select(condition, limit=limit)

    async def latest(
        self, *, owner: str | None = None, before: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """The same from the last id backwards: those with an id below ``before``, if given."""
        condition: dict[str, Any] = {"owner": owner} if owner is not None else {}
        if before:
            condition["_id"] = {"$lt": before}
        return await self.select(condition, sort=[("_id", -1)], limit=limit)

    async def delete(self, file: str) -> bool:
        """Forget a file; false if there was none."""
        return await self.forget_one(file)

    async def expired(self, at: datetime, *, limit: int = 1000) -> Sequence[FileRecord]:
        """Files that have expired by then, the earliest first."""
        order = [("expires_at", 1), ("_id", 1)]
        return await self.select({"expires_at": {"$lte": micros(at)}}, sort=order, limit=limit)
