"""Groups, and who belongs to which."""

from collections.abc import Sequence

import aiosqlite

from hookline.groups import Group
from hookline_sqlite.database import Database
from hookline_sqlite.documents import Clock, SqliteDocuments

_OF_MEMBER = 'SELECT "group" FROM group_members WHERE user = ? ORDER BY "group"'
_CLEAR = 'DELETE FROM group_members WHERE "group" = ?'
_ADD = 'INSERT INTO group_members (user, "group") VALUES (?, ?)'


class SqliteGroups(SqliteDocuments[Group]):
    """Groups in the table ``groups``; ``group_members`` leads from a user to them."""

    def __init__(self, database: Database, clock: Clock):
        super().__init__(database, "groups", Group, clock)

    async def of_member(self, user: str) -> Sequence[str]:
        """The ids of the groups that a user belongs to, in order."""
        return [group for (group,) in await self.database.read(_OF_MEMBER, [user])]

    async def changed(self, connection: aiosqlite.Connection, id_: str, kept: Group | None) -> None:
        """Keep the members in step with the group."""
        await connection.execute_fetchall(_CLEAR, [id_])
        members = [] if kept is None else [(user, id_) for user in sorted(kept.members)]
        async with connection.executemany(_ADD, members):
            pass
