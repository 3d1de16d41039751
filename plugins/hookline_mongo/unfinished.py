"""An agent's grants begin and end with it, on servers without transactions too.

A new agent is written with its grants in it, in one step; then they are moved to the collection
``grants``. A deleted one is marked in the step that deletes it; then its grants are removed.
Whoever reads or changes grants first finishes what is unfinished, so it makes no difference when
a process ends in between, and usually there is nothing.

Several processes may finish the same at once, and one of them may fall asleep in the middle and
go on much later, when a grant that it moves has been taken away. So each counts up ``moves`` of the
agent, and grants know the count they were written at: a later one is never overwritten, nor removed
together with earlier ones; and who finds at the end that another one came by takes its own back.
"""

from hookline.grants import OF_AGENTS
from hookline_mongo.connection import Connection
from hookline_mongo.documents import ATTEMPTS, contended, pause
from hookline_mongo.driver import Document, DuplicateKeyError
from hookline_mongo.models import AgentModel, GrantModel

MOVING = "grants"
CLEARING = "clearing"
_DONE = {"unfinished": "", "pending_grants": ""}


class Unfinished:
    """What is left to do with the grants of agents."""

    def __init__(self, connection: Connection):
        self._connection = connection

    async def settle(self) -> None:
        """Finish all that is unfinished."""
        for attempt in range(ATTEMPTS):
            found = await self._connection.rows(AgentModel, {"unfinished": {"$exists": True}})
            if not found:
                return
            for row in found:
                await self.finish(row)
            await pause(attempt)
        what = "the list of grants"
        raise contended(what)

    async def finish(self, row: Document) -> None:
        """Finish what is unfinished about one agent."""
        what = row.get("unfinished")
        if what is None:
            return
        with self._connection.translated(f"the grants on {row['_id']}"):
            if what == MOVING:
                await self._move(row["_id"])
            if what == CLEARING:
                await self._clear(row)

    async def moves(self, agents: list[str]) -> dict[str, int]:
        """The count of each of these agents that has one."""
        condition = {"_id": {"$in": agents}, "moves": {"$exists": True}}
        rows = await self._connection.rows(AgentModel, condition, projection={"moves": 1})
        return {row["_id"]: row["moves"] for row in rows}

    async def _move(self, agent: str) -> None:
        agents = self._connection.collection(AgentModel)
        grants = self._connection.collection(GrantModel)
        pending = {"_id": agent, "unfinished": MOVING}
        claimed = await agents.find_one_and_update(
            pending, {"$inc": {"moves": 1}}, return_document=True
        )
        if claimed is None:
            return
        move = claimed["moves"]
        for grant in claimed["pending_grants"]:
            earlier = {"_id": grant["_id"], "move": {"$not": {"$gte": move}}}
            try:
                await grants.update_one(earlier, {"$set": {**grant, "move": move}}, upsert=True)
            except DuplicateKeyError:
                continue  # a later one is there
        done = await agents.update_one({**pending, "moves": move}, {"$unset": _DONE})
        if not done.matched_count:
            ids = [grant["_id"] for grant in claimed["pending_grants"]]
            await grants.delete_many({"_id": {"$in": ids}, "move": move})

    async def _clear(self, row: Document) -> None:
        moves = row.get("moves", 0)
        of_agent = {"resource.kind": {"$in": list(OF_AGENTS)}, "resource.id": row["_id"]}
        earlier = {**of_agent, "move": {"$not": {"$gt": moves}}}
        await self._connection.collection(GrantModel).delete_many(earlier)
        same = {"_id": row["_id"], "unfinished": CLEARING, "moves": row.get("moves")}
        await self._connection.collection(AgentModel).update_one(same, {"$unset": _DONE})
