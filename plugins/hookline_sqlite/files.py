"""What is known of files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import aiosqlite

from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.moments import micros
from hookline_sqlite.database import Database
from hookline_sqlite.records import SqliteRecords


class SqliteFiles(SqliteRecords[FileRecord]):
    """Files' metadata in the table ``files``."""

    def __init__(self, database: Database):
        super().__init__(database, "files", FileRecord, ("owner", "expires_at"))

    async def add(self, file: FileRecord) -> None:
        """Keep a new file's metadata."""
        [new] = self.checked([file])

        async def work(connection: aiosqlite.Connection) -> None:
            old, _ = await self.known(connection, new.id)
            if old is not None:
                message = f"there is a file {new.id} already; choose another id"
                raise InvalidRequest(message, param="id", reason="duplicate_file")
            await self.put(connection, new)

        await self.database.write(work)

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""
        return await self.at(file)

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's: those with an id above ``after``."""
        if owner is None:
            return await self.find("id > ? ORDER BY id LIMIT ?", [after, limit])
        condition = "owner = ? AND id > ? ORDER BY id LIMIT ?"
        return await self.find(condition, [owner, after, limit])

    async def delete(self, file: str) -> bool:
        """Forget a file; false if there was none."""
        return await self.remove(file)

    async def expired(self, at: datetime, *, limit: int = 1000) -> Sequence[FileRecord]:
        """Files that have expired by then, the earliest first."""
        return await self.find(
            "expires_at <= ? ORDER BY expires_at, id LIMIT ?", [micros(at), limit]
        )

    def id_of(self, record: FileRecord) -> str:
        """The file's id."""
        return record.id

    def columns_of(self, record: FileRecord) -> Sequence[Any]:
        """Owner and end."""
        return (record.owner, None if record.expires_at is None else micros(record.expires_at))
