"""The outbox: runs that recorders are to be told of, and the servers that own them."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import msgspec

from hookline.archive import ArchiveRecord
from hookline.moments import micros, now
from hookline.outbox import OutboxCounts, OutboxRun
from hookline_mongo.connection import Connection, batches
from hookline_mongo.documents import ATTEMPTS, contended, pause
from hookline_mongo.driver import Document, ReplaceOne, UpdateOne
from hookline_mongo.models import OutboxModel, ServerModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape

_TEXTS = ("closing", "entries", "open", "taken", "parked")
_ABANDONED = 3_600_000_000
"""Microseconds after which a lease that has ended is forgotten; it makes no difference."""


class MongoOutbox(MongoRecords[OutboxRun]):
    """Runs in the collection ``outbox``, leases in ``outbox_servers``."""

    def __init__(self, connection: Connection):
        super().__init__(connection, Shape(OutboxRun, OutboxModel, "run", texts=_TEXTS))
        self._unsure: dict[str, str] = {}

    async def find(self, run: str) -> OutboxRun | None:
        """The run of this id."""
        return await self.at(run)

    async def put(self, runs: Sequence[OutboxRun], *, durable: bool) -> AbstractSet[str]:
        """Keep those that are new or their server's; the ids of the others."""
        rows = {row["_id"]: row for row in map(self._dumped, runs)}
        lost: set[str] = set()
        for attempt in range(ATTEMPTS):
            waiting = [row for id_, row in rows.items() if id_ not in lost]
            refused = await self._write(waiting, durable=durable)
            if not refused:
                return lost
            owners = await self._owners(list(refused))
            lost.update(id_ for id_ in refused if owners.get(id_) not in {None, refused[id_]})
            # Another writer of the same server, or one that removed it, was there first.
            rows = {id_: rows[id_] for id_ in refused}
            if lost.issuperset(rows):
                return lost
            await pause(attempt)
        what = "the outbox"
        raise contended(what)

    async def remove(self, runs: Collection[str], *, server: str) -> None:
        """Forget those of these runs that are the server's."""
        for batch in batches(sorted(runs)):
            with self.connection.translated("the outbox"):
                outbox = self.connection.quick(self.model)
                await outbox.delete_many({"_id": {"$in": batch}, "server": server})

    async def lease(self, server: str, until: datetime) -> None:
        """The server owns its runs until this moment at least."""
        with self.connection.translated("a lease"):
            servers = self.connection.collection(ServerModel)
            longer = {"$max": {"until": micros(until)}}
            await servers.update_one({"_id": server}, longer, upsert=True)

    async def leave(self, server: str) -> None:
        """The server's runs can be claimed at once."""
        with self.connection.translated("a lease"):
            await self.connection.collection(ServerModel).delete_one({"_id": server})

    async def claim(self, server: str, at: datetime, *, limit: int = 1000) -> Sequence[OutboxRun]:
        """Take over runs of others whose lease has ended, ordered by id; not those at rest."""
        # What an earlier claim took without having heard of it comes first.
        if taken := await self._taken(server):
            return taken
        theirs = {"$nin": [*await self._living(micros(at)), server]}
        condition = {"at_rest": False, "server": theirs}
        found = await self.connection.rows(
            self.model, condition, limit=limit, projection={"server": 1}
        )
        if not found:
            return []
        claim = self._unsure[server] = secrets.token_hex(8)
        owners = defaultdict[str, list[str]](list)
        for row in found:
            owners[row["server"]].append(row["_id"])
        for owner, ids in owners.items():
            still = {"_id": {"$in": ids}, "server": owner}
            with self.connection.translated("the outbox"):
                outbox = self.connection.collection(self.model)
                await outbox.update_many(still, {"$set": {"server": server, "claim": claim}})
        return await self._taken(server)

    async def owned(
        self, server: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[OutboxRun]:
        """The server's runs ordered by id."""
        return await self.select({"server": server, "_id": {"$gt": after}}, limit=limit)

    async def parked(self, *, after: str = "", limit: int = 1000) -> Sequence[OutboxRun]:
        """Runs that have something parked, ordered by id."""
        condition = {"parked_items": {"$gt": 0}, "_id": {"$gt": after}}
        return await self.select(condition, limit=limit)

    async def retry(self, run: str) -> bool:
        """Make what is parked of a run nobody's, and not parked; false if nothing is."""
        parked = {"_id": run, "parked_items": {"$gt": 0}}
        waiting = {
            "parked": "[]",
            "parked_items": 0,
            "server": "",
            "at_rest": False,
            "updated_at": micros(now()),
        }
        with self.connection.translated(self.shape.what(run)):
            outbox = self.connection.collection(self.model)
            done = await outbox.update_one(parked, {"$set": waiting, "$unset": {"claim": ""}})
        return done.matched_count == 1

    async def counts(self) -> OutboxCounts:
        """How much there is."""
        parked = {"parked_items": {"$gt": 0}}
        rows = await self.connection.rows(self.model, parked, projection={"parked_items": 1})
        return OutboxCounts(
            runs=await self.count(), parked=sum(int(row["parked_items"]) for row in rows)
        )

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep the archive's records as they are."""
        rows: list[Document] = []
        for record in records:
            found = _found_by(msgspec.convert(record.content, OutboxRun))
            rows.append(self.shape.restored(record.content, **found))
        await self.change([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])

    def _dumped(self, run: OutboxRun) -> Document:
        with self.connection.translated(self.shape.what(run.id)):
            return self.shape.dump(self.shape.checked(run), **_found_by(run))

    async def _write(self, rows: Sequence[Document], *, durable: bool) -> dict[str, str]:
        """Write runs; ids and servers of those that were not written."""
        operations = [
            UpdateOne(
                {"_id": row["_id"], "server": row["server"]},
                {"$set": row, "$unset": {"claim": ""}},
                upsert=True,
            )
            for row in rows
        ]
        refused = await self.connection.write_free(
            self.model, operations, "the outbox", durable=durable
        )
        return {rows[place]["_id"]: rows[place]["server"] for place in refused}

    async def _owners(self, ids: Sequence[str]) -> dict[str, str]:
        condition = {"_id": {"$in": ids}}
        rows = await self.connection.rows(self.model, condition, projection={"server": 1})
        return {row["_id"]: row["server"] for row in rows}

    async def _living(self, at: int) -> Sequence[str]:
        """The servers whose lease has not ended at a moment."""
        rows = await self.connection.rows(ServerModel, {})
        old = [row["_id"] for row in rows if row["until"] < at - _ABANDONED]
        if old:
            with self.connection.translated("a lease"):
                gone = {"_id": {"$in": old}, "until": {"$lt": at - _ABANDONED}}
                await self.connection.collection(ServerModel).delete_many(gone)
        return [row["_id"] for row in rows if row["until"] > at]

    async def _taken(self, server: str) -> Sequence[OutboxRun]:
        """What the server's latest claim took; from then on, that is known."""
        claim = self._unsure.get(server)
        if claim is None:
            return []
        found = await self.select({"server": server, "claim": claim})
        self._unsure.pop(server, None)
        return sorted(found, key=lambda run: run.id)


def _found_by(run: OutboxRun) -> dict[str, Any]:
    return {"at_rest": run.at_rest, "parked_items": len(run.parked)}
