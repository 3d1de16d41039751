"""Groups, and who belongs to which."""

from collections.abc import Sequence

from hookline.groups import Group
from hookline_mongo.connection import Connection
from hookline_mongo.documents import Clock, MongoDocuments
from hookline_mongo.models import GroupModel
from hookline_mongo.shapes import Shape


class MongoGroups(MongoDocuments[Group]):
    """Groups in the collection ``groups``, with an index on their members."""

    def __init__(self, connection: Connection, clock: Clock):
        super().__init__(connection, Shape(Group, GroupModel, "group"), clock)

    async def of_member(self, user: str) -> Sequence[str]:
        """The ids of the groups that a user belongs to, in order."""
        rows = await self.connection.rows(self.model, {"members": user}, projection={"_id": 1})
        return sorted(row["_id"] for row in rows)
