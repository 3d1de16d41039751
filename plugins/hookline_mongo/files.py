"""What is known of files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.moments import micros
from hookline_mongo.connection import Connection
from hookline_mongo.driver import DuplicateKeyError
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

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""
        return await self.at(file)

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's: those with an id above ``after``."""
        condition: dict[str, Any] = {"_id": {"$gt": after}}
        if owner is not None:
            condition["owner"] = owner
        return await self.select(condition, limit=limit)

    async def delete(self, file: str) -> bool:
        """Forget a file; false if there was none."""
        return await self.forget_one(file)

    async def expired(self, at: datetime, *, limit: int = 1000) -> Sequence[FileRecord]:
        """Files that have expired by then, the earliest first."""
        order = [("expires_at", 1), ("_id", 1)]
        return await self.select({"expires_at": {"$lte": micros(at)}}, sort=order, limit=limit)
