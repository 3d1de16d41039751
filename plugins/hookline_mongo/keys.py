"""API keys, found by digest."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from hookline.errors import InvalidRequest
from hookline.keys import ApiKey
from hookline.moments import micros
from hookline_mongo.connection import Connection, batches
from hookline_mongo.documents import ATTEMPTS, Clock, contended, pause
from hookline_mongo.driver import Document, DuplicateKeyError, UpdateOne
from hookline_mongo.models import KeyModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape

_NEWEST_FIRST = (("created_at", -1), ("_id", -1))


class MongoKeys(MongoRecords[ApiKey]):
    """API keys in the collection ``keys``."""

    def __init__(self, connection: Connection, clock: Clock):
        super().__init__(connection, Shape(ApiKey, KeyModel, "key"))
        self._clock = clock

    async def add(self, key: ApiKey, /, *, limit: int | None = None) -> None:
        """Keep a new key."""
        [row] = self.dumped([key])
        if limit is None:
            await self._insert(row)
            return
        for attempt in range(ATTEMPTS):
            has = await self._valid(key.user)
            if has >= limit:
                message = f"{key.user} has {has} valid keys, as many as a user may; revoke one"
                raise InvalidRequest(message, param="user", reason="key_limit_reached")
            await self._insert(row)
            # Counted again: of those added at once, the later ones see all, so there are never
            # too many. All of them may give way; nobody has been told the key so far.
            if await self._valid(key.user) <= limit:
                return
            await self.forget_one(key.id)
            await pause(attempt)
        what = f"the keys of {key.user}"
        raise contended(what)

    async def get(self, key: str, /) -> ApiKey | None:
        """The key with this id, valid or not."""
        return await self.at(key)

    async def find(self, digest: str, /) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""
        found = await self.select({"digest": digest})
        return found[0] if found else None

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[ApiKey]:
        """Keys, all or a user's, newest first; those that come after the one with this id."""
        condition: dict[str, Any] = {} if user is None else {"user": user}
        if after:
            last = await self.at(after)
            if last is None:
                return []
            at = micros(last.created_at)
            condition["$or"] = [
                {"created_at": {"$lt": at}},
                {"created_at": at, "_id": {"$lt": after}},
            ]
        return await self.select(condition, sort=_NEWEST_FIRST, limit=limit)

    async def invalid(self, keys: Collection[str], at: datetime) -> frozenset[str]:
        """Those of these ids that are revoked or expired at this moment."""
        ended = [{"revoked_at": {"$ne": None}}, {"expires_at": {"$lte": micros(at)}}]
        found: set[str] = set()
        for batch in batches(sorted(keys)):
            condition = {"_id": {"$in": batch}, "$or": ended}
            rows = await self.connection.rows(self.model, condition, projection={"_id": 1})
            found.update(row["_id"] for row in rows)
        return frozenset(found)

    async def revoke(self, key: str, at: datetime) -> bool:
        """Make the key with this id invalid; false if there is none."""
        first = {"$set": {"revoked_at": {"$ifNull": ["$revoked_at", micros(at)]}}}
        with self.connection.translated(self.shape.what(key)):
            done = await self.connection.collection(self.model).update_one({"_id": key}, [first])
        return done.matched_count == 1

    async def touch(self, used: Mapping[str, datetime]) -> None:
        """Write down when keys, by id, were last used."""
        await self.change(
            [
                UpdateOne({"_id": id_}, {"$max": {"last_used_at": micros(at)}})
                for id_, at in used.items()
            ]
        )

    async def _insert(self, row: Document) -> None:
        try:
            with self.connection.translated(self.shape.what(row["_id"])):
                await self.connection.collection(self.model).insert_one(row)
        except DuplicateKeyError as error:
            message = "this key exists already; choose another one"
            raise InvalidRequest(message, param="key", reason="duplicate_key") from error

    async def _valid(self, user: str) -> int:
        """How many keys of a user are neither revoked nor expired."""
        at = micros(self._clock())
        lasting = [{"expires_at": None}, {"expires_at": {"$gt": at}}]
        condition = {"user": user, "revoked_at": None, "$or": lasting}
        with self.connection.translated():
            return await self.connection.collection(self.model).count_documents(condition)
