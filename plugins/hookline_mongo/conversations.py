"""Conversations by owner and id."""

from collections.abc import Sequence

from hookline.archive import conversation_id
from hookline.conversations import Conversation
from hookline_mongo.connection import Connection
from hookline_mongo.driver import Operation, UpdateOne
from hookline_mongo.models import ConversationModel
from hookline_mongo.records import MongoRecords, kept_new
from hookline_mongo.shapes import Shape

_MOVES = ("agent", "updated_at")


class MongoConversations(MongoRecords[Conversation]):
    """Conversations in the collection ``conversations``."""

    def __init__(self, connection: Connection):
        shape = Shape(
            Conversation,
            ConversationModel,
            "conversation",
            id_of=lambda one: conversation_id(one.owner, one.id),
            id_field="conversation",
        )
        super().__init__(connection, shape)

    async def keep(self, conversations: Sequence[Conversation]) -> None:
        """Keep new ones; those that are there move on."""
        operations: list[Operation] = []
        for row in self.dumped(conversations):
            earlier = {"_id": row["_id"], "updated_at": {"$lte": row["updated_at"]}}
            operations += [
                kept_new(row),
                UpdateOne(earlier, {"$set": {name: row[name] for name in _MOVES}}),
            ]
        await self.change(operations)

    async def get(self, owner: str, conversation: str) -> Conversation | None:
        """The conversation that its owner calls by this id."""
        return await self.at(conversation_id(owner, conversation))

    async def list(
        self, owner: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[Conversation]:
        """The owner's conversations ordered by id: those with an id above ``after``."""
        condition = {"owner": owner, "conversation": {"$gt": after}}
        return await self.select(condition, sort=[("conversation", 1)], limit=limit)

    async def delete(self, owner: str, conversation: str) -> bool:
        """Forget a conversation; false if there was none."""
        return await self.forget_one(conversation_id(owner, conversation))
