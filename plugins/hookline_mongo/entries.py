"""Entries of the ledger, which are only ever added; and sums of them, made by the server."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from hookline.archive import ArchiveRecord
from hookline.ledger import SPENDING, Dimension, EntryQuery, LedgerEntry, UsageSum
from hookline.moments import micros
from hookline_mongo.connection import COUNTING, Connection, batches
from hookline_mongo.driver import Document, InsertOne, ReplaceOne
from hookline_mongo.models import LedgerEntryModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape

_NEWEST_FIRST = (("at", -1), ("_id", -1))
_EQUAL: Final = ("account", "user", "key", "agent", "provider", "model", "run")
_MILLISECONDS = {
    # Whole ones, counted down before 1970 too, so that the division has no rest.
    "$divide": [
        {
            "$subtract": [
                "$at",
                {"$mod": [{"$add": [{"$mod": ["$at", 1000]}, 1000]}, 1000]},
            ]
        },
        1000,
    ]
}
_DAY = {"$dateToString": {"format": "%Y-%m-%d", "date": {"$toDate": _MILLISECONDS}}}
_CALL = {"$in": ["$kind", ["usage", "tool"]]}
_USAGE = {"$eq": ["$kind", "usage"]}


class MongoEntries(MongoRecords[LedgerEntry]):
    """Entries in the collection ``ledger``."""

    def __init__(self, connection: Connection):
        super().__init__(connection, Shape(LedgerEntry, LedgerEntryModel, "entry"))

    def rows(self, entries: Sequence[LedgerEntry]) -> list[Document]:
        """The documents of entries.

        Raises:
            ValueError: a time has no zone.
            InvalidRequest: one is too large.
        """
        return [_sparse(row) for row in self.dumped(entries)]

    async def insert(self, rows: Sequence[Document]) -> None:
        """Add what is not there."""
        operations = [InsertOne(row) for row in rows]
        what = f"an {self.shape.kind}"
        await self.connection.write_free(self.model, operations, what, durable=True)

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that are there."""
        found: set[str] = set()
        for batch in batches(sorted(ids)):
            condition = {"_id": {"$in": batch}}
            rows = await self.connection.rows(self.model, condition, projection={"_id": 1})
            found.update(row["_id"] for row in rows)
        return frozenset(found)

    async def find(self, query: EntryQuery, *, before: str, limit: int) -> Sequence[LedgerEntry]:
        """Entries, newest first by ``(at, id)``: those that come after the one named ``before``."""
        asked = _condition(query)
        if query.kinds:
            asked["kind"] = {"$in": list(query.kinds)}
        if before:
            last = await self.at(before)
            if last is None:
                return []
            at = micros(last.at)
            asked["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": before}}]
        return await self.select(asked, sort=_NEWEST_FIRST, limit=limit)

    async def sums(
        self, query: EntryQuery, by: Sequence[Dimension], limit: int
    ) -> Sequence[UsageSum]:
        """Sums of spending entries, one for each combination of values, in their order."""
        if limit < 1:
            return []
        dimensions = list(dict.fromkeys(by))
        pipeline: list[Document] = [
            {"$match": {**_condition(query), "kind": {"$in": list(SPENDING)}}},
            {"$group": {"_id": {one: _value(one) for one in dimensions}, **_sums()}},
            *([{"$sort": {f"_id.{one}": 1 for one in dimensions}}] if dimensions else []),
            {"$limit": limit},
        ]
        with self.connection.database.within(COUNTING), self.connection.translated():
            ledger = self.connection.collection(self.model)
            async with await ledger.aggregate(pipeline, allowDiskUse=True) as cursor:
                found = [_sum(row) for row in await cursor.to_list(None)]
        return found or ([] if by else [UsageSum(group={})])

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep the archive's entries as they are."""
        rows = [_sparse(self.shape.restored(record.content)) for record in records]
        await self.change([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])


def _sparse(row: Document) -> Document:
    """Leave out what an index counts only where it is."""
    return {name: value for name, value in row.items() if name != "corrects" or value is not None}


def _condition(query: EntryQuery) -> Document:
    """What is asked for, except of kinds."""
    asked: Document = {
        name: value for name in _EQUAL if (value := getattr(query, name)) is not None
    }
    span = {"$gte": query.since, "$lt": query.until}
    bounds = {name: micros(moment) for name, moment in span.items() if moment is not None}
    if bounds:
        asked["at"] = bounds
    if query.corrects:
        asked["corrects"] = {"$in": list(query.corrects)}
    return asked


def _value(dimension: Dimension) -> Any:
    return _DAY if dimension == "day" else {"$ifNull": [f"${dimension}", None]}


def _sums() -> Mapping[str, Any]:
    """Each of the sums but for the sign of what was spent."""
    kinds = ("input", "output", "cache_read", "cache_write", "reasoning")
    tokens = {f"{kind}_tokens": {"$sum": f"$tokens.{kind}"} for kind in kinds}
    return {
        "calls": _count(_USAGE),
        "tool_calls": _count({"$eq": ["$kind", "tool"]}),
        **tokens,
        "audio_input_tokens": {"$sum": "$tokens.audio_input"},
        "audio_output_tokens": {"$sum": "$tokens.audio_output"},
        "amount": {"$sum": "$amount"},
        "estimated": _count({"$and": [_USAGE, "$estimated"]}),
        "unpriced": _count({"$and": [_CALL, "$unpriced"]}),
    }


def _count(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _sum(row: Document) -> UsageSum:
    # The driver has a class of its own for 64-bit integers.
    sums = {name: int(value) for name, value in row.items() if name != "_id"}
    return UsageSum(group=row["_id"], **{**sums, "amount": -sums["amount"]})
