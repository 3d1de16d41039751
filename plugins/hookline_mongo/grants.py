"""Grants, found by grantee or by resource."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from hookline.archive import ArchiveRecord
from hookline.grants import OF_AGENTS, Applied, Grant, Grantee, Resource, ResourceKind
from hookline_mongo.connection import Connection, batches
from hookline_mongo.driver import DeleteOne, Document, Operation, Session, UpdateOne
from hookline_mongo.models import GrantModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape
from hookline_mongo.unfinished import Unfinished


class MongoGrants(MongoRecords[Grant]):
    """Grants in the collection ``grants``."""

    def __init__(self, connection: Connection, unfinished: Unfinished):
        super().__init__(connection, Shape(Grant, GrantModel, "grant"))
        self._unfinished = unfinished

    async def get(self, grant: str, /) -> Grant | None:
        """The grant with this id."""
        await self._unfinished.settle()
        return await self.at(grant)

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Grant]:
        """All grants, ordered by id: those with an id above ``after``."""
        await self._unfinished.settle()
        return await self.select({"_id": {"$gt": after}}, limit=limit)

    async def of_grantees(
        self, grantees: Collection[Grantee], kinds: Collection[ResourceKind]
    ) -> Sequence[Grant]:
        """The grants that these have on resources of these kinds, ordered by id."""
        by_kind: dict[str, set[str]] = defaultdict(set)
        for grantee in grantees:
            by_kind[grantee.kind].add(grantee.id)
        await self._unfinished.settle()
        found: list[Grant] = []
        for kind, ids in by_kind.items():
            for batch in batches(sorted(ids)):
                found += await self.select(
                    {
                        "grantee.kind": kind,
                        "grantee.id": {"$in": batch},
                        "resource.kind": {"$in": sorted(set(kinds))},
                    }
                )
        return sorted(found, key=_by_id)

    async def of_resource(self, resource: Resource) -> Sequence[Grant]:
        """The grants on one resource, ordered by id."""
        await self._unfinished.settle()
        condition = {"resource.kind": resource.kind, "resource.id": resource.id}
        return sorted(await self.select(condition), key=_by_id)

    async def apply(self, put: Sequence[Grant], remove: Collection[str] = ()) -> Applied:
        """Keep grants, and take others away by id: in one transaction, where there are any."""
        rows = self.dumped({grant.id: grant for grant in put}.values())
        gone = sorted(frozenset(remove) - {row["_id"] for row in rows})
        if not rows and not gone:
            return Applied()
        await self._unfinished.settle()
        operations: list[Operation] = [*await self._kept(rows)]
        operations += [DeleteOne({"_id": id_}) for id_ in gone]

        async def work(session: Session | None) -> Applied:
            collection = self.connection.collection(self.model)
            done = await collection.bulk_write(operations, session=session)
            return Applied(
                granted=done.upserted_count, updated=done.matched_count, revoked=done.deleted_count
            )

        applied: Applied = await self.connection.transaction(work, "a grant")
        return applied

    async def count(self) -> int:
        """How many grants there are."""
        await self._unfinished.settle()
        return await super().count()

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Grants, for the archive."""
        await self._unfinished.settle()
        return await super().read(after, limit)

    async def _kept(self, rows: Sequence[Document]) -> Sequence[UpdateOne]:
        """Keep grants, each as of the count that its agent has now."""
        agents = {row["resource"]["id"] for row in rows if row["resource"]["kind"] in OF_AGENTS}
        moves = await self._unfinished.moves(sorted(agents)) if agents else {}
        return [_put(row, moves.get(row["resource"]["id"])) for row in rows]


def _put(row: Document, move: int | None) -> UpdateOne:
    of_none: dict[str, Any] = {"$set": row, "$unset": {"move": ""}}
    update = of_none if move is None else {"$set": {**row, "move": move}}
    return UpdateOne({"_id": row["_id"]}, update, upsert=True)


def _by_id(grant: Grant) -> str:
    return grant.id
