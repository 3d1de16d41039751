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

_TOTAL = "SELECT coalesce(sum(size), 0) FROM files WHERE owner = ?"
_HOLDS = "SELECT 1 FROM files WHERE digest = ? LIMIT 1"


class SqliteFiles(SqliteRecords[FileRecord]):
    """Files' metadata in the table ``files``."""

    def __init__(self, database: Database):
        columns = ("owner", "expires_at", "conversation", "name", "size", "digest")
        super().__init__(database, "files", FileRecord, columns)

    async def add(self, file: FileRecord) -> None:
        """Keep a new file's metadata."""
        [new] = self.checked([file])

        async def work(connection: aiosqlite.Connection) -> None:
            old, _ = await self.known(connection, new.id)
            if old is not None:
                message = f"there is a file {new.id} already; choose another id"
                raise InvalidRequest(message, param="id", reason="duplicate_file")
            await self.place(connection, new)

        await self.database.write(work)

    async def put(self, file: FileRecord) -> None:
        """Keep a file's metadata, in the place of those with its id, if there are any."""
        [new] = self.checked([file])

        async def work(connection: aiosqlite.Connection) -> None:
            _, known = await self.known(connection, new.id)
            await self.place(connection, new, known)

        await self.database.write(work)

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""
        return await self.at(file)

    async def named(self, owner: str, conversation: str, name: str) -> FileRecord | None:
        """The owner's file with this name in a conversation; of several the last one."""
        condition = "owner = ? AND conversation = ? AND name = ? ORDER BY id DESC LIMIT 1"
        found = await self.find(condition, [owner, conversation, name])
        return found[0] if found else None

    async def total(self, owner: str) -> int:
        """Bytes of all files of an owner, expired or not."""
        [(total,)] = await self.database.read(_TOTAL, [owner])
        return int(total)

    async def holds(self, digest: str) -> bool:
        """Whether any file has these bytes."""
        return bool(await self.database.read(_HOLDS, [digest]))

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's: those with an id above ``after``."""
        if owner is None:
            return await self.find("id > ? ORDER BY id LIMIT ?", [after, limit])
        condition = "owner = ? AND id > ? ORDER BY id LIMIT ?"
        return await self.find(condition, [owner, after, limit])

    async def latest(
        self, *, owner: str | None = None, before: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """The same from the last id backwards: those with an id below ``before``, if given."""
        conditions, parameters = ["TRUE"], list[Any]()
        if owner is not None:
            conditions.append("owner = ?")
            parameters.append(owner)
        if before:
            conditions.append("id < ?")
            parameters.append(before)
        condition = f"{' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"
        return await self.find(condition, [*parameters, limit])

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
        """What it is found by, and its size."""
        return (
            record.owner,
            None if record.expires_at is None else micros(record.expires_at),
            record.conversation,
            record.name,
            record.size,
            record.digest,
        )
