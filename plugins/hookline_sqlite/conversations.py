"""Conversations by owner and id."""

from collections.abc import Sequence
from typing import Any

import aiosqlite
import attrs

from hookline.archive import conversation_id
from hookline.conversations import Conversation
from hookline.moments import micros
from hookline_sqlite.database import Database
from hookline_sqlite.records import SqliteRecords


class SqliteConversations(SqliteRecords[Conversation]):
    """Conversations in the table ``conversations``."""

    def __init__(self, database: Database):
        columns = ("owner", "conversation", "updated_at")
        super().__init__(database, "conversations", Conversation, columns)

    async def keep(self, conversations: Sequence[Conversation]) -> None:
        """Keep new ones; those that are there move on."""
        checked = self.checked(conversations)

        async def work(connection: aiosqlite.Connection) -> None:
            for new in checked:
                old, known = await self.known(connection, self.id_of(new))
                if old is None:
                    await self.place(connection, new)
                elif old.updated_at <= new.updated_at:
                    moved = attrs.evolve(new, created_at=old.created_at)
                    await self.place(connection, moved, known)

        await self.database.write(work)

    async def get(self, owner: str, conversation: str) -> Conversation | None:
        """The conversation that its owner calls by this id."""
        return await self.at(conversation_id(owner, conversation))

    async def list(
        self, owner: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[Conversation]:
        """The owner's conversations ordered by id: those with an id above ``after``."""
        condition = "owner = ? AND conversation > ? ORDER BY conversation LIMIT ?"
        return await self.find(condition, [owner, after, limit])

    async def delete(self, owner: str, conversation: str) -> bool:
        """Forget a conversation; false if there was none."""
        return await self.remove(conversation_id(owner, conversation))

    def id_of(self, record: Conversation) -> str:
        """The id of its row."""
        return conversation_id(record.owner, record.id)

    def columns_of(self, record: Conversation) -> Sequence[Any]:
        """Owner, id and time."""
        return (record.owner, record.id, micros(record.updated_at))
