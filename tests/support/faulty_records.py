"""Stores in memory whose records or files have one fault, for the suite that must find it."""

import asyncio
from datetime import UTC, datetime

import attrs

from hookline.archive import ArchiveRecord
from hookline.records import checked, revise
from support.faulty_stores import Port

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class IgnoresWhatIsExpected(Port):
    async def put(self, record, *, expected=None):
        return await self._inner.put(record)


class LooksBeforeItPuts(Port):
    async def put(self, record, *, expected=None):
        current = await self._inner.get(record.collection, record.id)
        kept = revise(record, current, at=record.updated_at, expected=expected)
        await asyncio.sleep(0)
        self._inner.kept[record.collection, record.id] = kept
        return kept


class PutsNothingNew(Port):
    async def put(self, record, *, expected=None):
        current = await self._inner.get(record.collection, record.id)
        same = current is not None and current.data == record.data
        return current if same else await self._inner.put(record, expected=expected)


class CountsOnAfterTheEnd(Port):
    async def put(self, record, *, expected=None):
        seen = self.__dict__.setdefault("seen", {})
        kept = await self._inner.put(record, expected=expected)
        kept = attrs.evolve(kept, version=max(kept.version, seen.get(kept.id, 0) + 1))
        self._inner.kept[kept.collection, kept.id] = kept
        seen[kept.id] = kept.version
        return kept


class BelievesWhatItIsGiven(Port):
    async def put(self, record, *, expected=None):
        kept = await self._inner.put(record, expected=expected)
        kept = attrs.evolve(kept, updated_at=record.updated_at)
        self._inner.kept[kept.collection, kept.id] = kept
        return kept


class KeepsText(Port):
    async def put(self, record, *, expected=None):
        text = record.data.decode(errors="replace").encode()
        return await self._inner.put(attrs.evolve(record, data=text), expected=expected)


class EndsTextAtNull(Port):
    async def put(self, record, *, expected=None):
        text = record.data.rstrip(b"\0")
        return await self._inner.put(attrs.evolve(record, data=text), expected=expected)


class HasOneCollection(Port):
    async def get(self, collection, id_):
        found = [kept for (_, name), kept in self._inner.kept.items() if name == id_]
        return found[0] if found else None


class ListsByPrefix(Port):
    async def list(self, collection, *, owner=None, after="", limit=1000):
        found = [
            kept
            for (where, id_), kept in self._inner.kept.items()
            if where.startswith(collection) and id_ > after and owner in {None, kept.owner}
        ]
        return sorted(found, key=lambda kept: kept.id)[:limit]


class ListsNobodysForAll(Port):
    async def list(self, collection, *, owner=None, after="", limit=1000):
        return await self._inner.list(collection, owner=owner or None, after=after, limit=limit)


class OrdersRecordsByCase(Port):
    async def list(self, collection, *, owner=None, after="", limit=1000):
        found = await self._inner.list(collection, owner=owner)
        found = [kept for kept in found if kept.id.lower() > after.lower()]
        return sorted(found, key=lambda kept: kept.id.lower())[:limit]


class WaitsToExpire(Port):
    """As an index that removes what has expired once a minute."""

    async def get(self, collection, id_):
        return self._inner.kept.get((collection, id_))


class ListsTheExpired(Port):
    async def list(self, collection, *, owner=None, after="", limit=1000):
        found = [kept for (where, _), kept in self._inner.kept.items() if where == collection]
        return sorted(found, key=lambda kept: kept.id)[:limit]


class DeletesTheExpired(Port):
    async def delete(self, collection, id_, *, expected=None):
        if (collection, id_) in self._inner.kept:
            await self._inner.put(attrs.evolve(self._inner.kept[collection, id_], expires_at=None))
        return await self._inner.delete(collection, id_)


class IgnoresWhatIsExpectedOfADeletion(Port):
    async def delete(self, collection, id_, *, expected=None):
        return await self._inner.delete(collection, id_)


class LooksBeforeItDeletes(Port):
    async def delete(self, collection, id_, *, expected=None):
        found = await self._inner.get(collection, id_)
        await asyncio.sleep(0)
        await self._inner.delete(collection, id_)
        return found is not None


class LetsTheEndedCount(Port):
    """The version of what has expired stands in the way of a new one."""

    async def put(self, record, *, expected=None):
        there = self._inner.kept.get((record.collection, record.id))
        kept = revise(checked(record), there, at=record.updated_at, expected=expected)
        self._inner.kept[record.collection, record.id] = kept
        return kept


class ForgetsThoseWithoutAnEnd(Port):
    async def expire(self, at):
        for key, kept in list(self._inner.kept.items()):
            if kept.expires_at is None:
                self._inner.kept[key] = attrs.evolve(kept, expires_at=_LONG_AGO)
        return await self._inner.expire(at)


class ForgetsTooLate(Port):
    async def expire(self, at):
        gone = [
            key
            for key, kept in self._inner.kept.items()
            if kept.expires_at and kept.expires_at < at
        ]
        for key in gone:
            del self._inner.kept[key]
        return len(gone)


class HasNoLimits(Port):
    async def put(self, record, *, expected=None):
        current = await self._inner.get(record.collection, record.id)
        kept = revise(record, current, at=record.updated_at, expected=expected)
        self._inner.kept[record.collection, record.id] = kept
        return kept


class DropsWhatIsNewer(Port):
    async def put(self, record, *, expected=None):
        self._inner.kept.unknown.clear()
        return await self._inner.put(record, expected=expected)


class LeavesWhatIsNewer(Port):
    async def put(self, record, *, expected=None):
        key = (record.collection, record.id)
        unknown = self._inner.kept.unknown.get(key, {})
        kept = await self._inner.put(record, expected=expected)
        self._inner.kept.unknown[key] = unknown
        return kept


class ArchivesTheLivingAlone(Port):
    async def read(self, kind, *, after="", limit=1000):
        found = await self._inner.read(kind, after=after, limit=limit)
        if kind != "records":
            return found
        records = self._store.records
        places = [(one.content["collection"], one.content["id"]) for one in found]
        return [
            one
            for one, place in zip(found, places, strict=True)
            if await records.get(*place) is not None
        ]


class ArchivesByIdAlone(Port):
    async def read(self, kind, *, after="", limit=1000):
        found = await self._inner.read(kind)
        if kind == "records":
            found = [ArchiveRecord(one.content["id"], one.content) for one in found]
        return sorted((one for one in found if one.id > after), key=lambda one: one.id)[:limit]


class AddsOnly(Port):
    async def put(self, file):
        if await self._inner.get(file.id) is None:
            await self._inner.add(file)


class PutsTwice(Port):
    async def put(self, file):
        self._inner.kept.unknown.clear()
        await self._inner.put(file)


class FindsTheFirstName(Port):
    async def named(self, owner, conversation, name):
        wanted = (owner, conversation, name)
        for file in await self._inner.list():
            if (file.owner, file.conversation, file.name) == wanted:
                return file
        return None


class FindsNamesOfAnyConversation(Port):
    async def named(self, owner, conversation, name):
        files = await self._inner.latest(owner=owner)
        return next((file for file in files if file.name == name), None)


class FindsNamesOfAnybody(Port):
    async def named(self, owner, conversation, name):
        files = await self._inner.latest()
        found = (one for one in files if (one.conversation, one.name) == (conversation, name))
        return next(found, None)


class SumsTheLasting(Port):
    async def total(self, owner):
        files = await self._inner.list(owner=owner)
        return sum(file.size for file in files if file.expires_at is None)


class SumsFloats(Port):
    async def total(self, owner):
        return int(sum(float(file.size) for file in await self._inner.list(owner=owner)))


class SumsEverybodys(Port):
    async def total(self, owner):
        files = await self._inner.list()
        return sum(file.size for file in files if file.owner.lower() == owner.lower())


class HoldsForever(Port):
    async def holds(self, digest):
        seen = self.__dict__.setdefault("seen", set())
        if await self._inner.holds(digest):
            seen.add(digest)
        return digest in seen


class HoldsTheOldestOwners(Port):
    async def holds(self, digest):
        return any(file.digest == digest for file in await self._inner.list(owner="alice"))


class ListsTheOldestLast(Port):
    async def latest(self, *, owner=None, before="", limit=1000):
        found = await self._inner.list(owner=owner, limit=limit)
        return [file for file in found if not before or file.id < before][::-1]


class SharesMetadata(Port):
    async def get(self, id_):
        return self._inner.kept.get(id_)


class DropsMetadata(Port):
    async def add(self, file):
        await self._inner.add(attrs.evolve(file, metadata={}, conversation=None))


class DropsWhatIsNewInAgents(Port):
    async def put(self, agent, *, expected=None, grants=()):
        older = attrs.evolve(agent, tool_options={}, summary=None, fallbacks=())
        return await self._inner.put(older, expected=expected, grants=grants)
