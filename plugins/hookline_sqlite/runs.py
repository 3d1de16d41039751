"""The history of runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import aiosqlite

from hookline.history import RunRecord
from hookline.moments import micros
from hookline_sqlite.database import Database
from hookline_sqlite.records import SqliteRecords


class SqliteRuns(SqliteRecords[RunRecord]):
    """The history in the table ``runs``."""

    def __init__(self, database: Database):
        super().__init__(database, "runs", RunRecord, ("user", "running", "ended_at"))

    async def keep(self, records: Sequence[RunRecord]) -> None:
        """Keep records; none that runs takes the place of one that ended."""
        checked = self.checked(records)

        async def work(connection: aiosqlite.Connection) -> None:
            for new in checked:
                old, known = await self.known(connection, new.id)
                if old is None or old.state == "running" or new.state != "running":
                    await self.place(connection, new, known)

        await self.database.write(work)

    async def get(self, run: str) -> RunRecord | None:
        """The run with this id."""
        return await self.at(run)

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[RunRecord]:
        """Runs ordered by id, all or a user's: those with an id above ``after``."""
        if user is None:
            return await self.find("id > ? ORDER BY id LIMIT ?", [after, limit])
        return await self.find("user = ? AND id > ? ORDER BY id LIMIT ?", [user, after, limit])

    async def forget(self, before: datetime) -> int:
        """Forget the runs that ended before this moment; how many there were."""
        sql = "DELETE FROM runs WHERE ended_at < ?"
        return await self.database.change(sql, [micros(before)])

    def id_of(self, record: RunRecord) -> str:
        """The run's id."""
        return record.id

    def columns_of(self, record: RunRecord) -> Sequence[Any]:
        """User, whether it runs, and end."""
        ended_at = None if record.ended_at is None else micros(record.ended_at)
        return (record.user, record.state == "running", ended_at)
