"""Stores in memory with one fault each, for the suite that must find it."""

import asyncio
from datetime import UTC

import attrs

from hookline.archive import ArchiveRecord, content_of, version_id
from hookline.documents import check_version
from hookline.grants import OF_AGENTS, Applied, Resource
from hookline.users import User


class Port:
    """A port that does what the one in memory does. Its subclasses do one thing otherwise."""

    def __init__(self, inner, store):
        self._inner = inner
        self._store = store

    def __getattr__(self, name):
        return getattr(self._inner, name)


class IgnoresCase(Port):
    async def get(self, id_):
        ids = {known.lower(): known for known in self._inner.kept}
        return await self._inner.get(ids.get(id_.lower(), id_))


class OrdersByCase(Port):
    async def list(self, *, after="", limit=1000):
        found = [one for one in await self._inner.list() if one.id.lower() > after.lower()]
        return sorted(found, key=lambda one: one.id.lower())[:limit]


class HasNoPages(Port):
    async def list(self, *, after="", limit=1000):
        return await self._inner.list(after=after)


class IgnoresVersions(Port):
    async def put(self, document, *, expected=None):
        return await self._inner.put(document)


class ChecksTooEarly(Port):
    async def put(self, document, *, expected=None):
        check_version(document.id, await self._inner.get(document.id), expected)
        await asyncio.sleep(0)
        return await self._inner.put(document)


class ReadsTooEarly(Port):
    async def put(self, document, *, expected=None):
        current = await self._inner.get(document.id)
        version = 1 if current is None else current.version + 1
        await asyncio.sleep(0)
        kept = attrs.evolve(await self._inner.put(document, expected=expected), version=version)
        self._inner.last[kept.id] = version
        self._inner.kept[kept.id] = kept
        return kept


class CountsAnew(Port):
    async def delete(self, id_, *, expected=None):
        gone = await self._inner.delete(id_, expected=expected)
        self._inner.last.pop(id_, None)
        return gone


class DeletesTwice(Port):
    async def delete(self, id_, *, expected=None):
        found = await self._inner.get(id_)
        await asyncio.sleep(0)
        await self._inner.delete(id_, expected=expected)
        return found is not None


class AlwaysMakesVersions(Port):
    async def put(self, document, *, expected=None):
        current = await self._inner.get(document.id)
        check_version(document.id, current, expected)
        self._inner.kept.pop(document.id, None)
        return await self._inner.put(document)


class CutsWhatIsLarge(Port):
    async def put(self, document, *, expected=None):
        return await self._inner.put(attrs.evolve(document, name=document.name[:1000]))


class RefusesTooMuch(Port):
    async def put(self, document, *, expected=None):
        padded = attrs.evolve(document, email=document.name)
        await self._inner.put(padded, expected=expected)
        return await self._inner.put(document)


class GuessesZones(Port):
    async def put(self, document, *, expected=None):
        created_at = document.created_at
        if created_at.tzinfo is None:
            created_at = created_at.replace(tzinfo=UTC)
        return await self._inner.put(
            attrs.evolve(document, created_at=created_at), expected=expected
        )


class KeepsZones(Port):
    async def put(self, document, *, expected=None):
        kept = await self._inner.put(document, expected=expected)
        at = document.created_at.astimezone(document.created_at.tzinfo)
        self._inner.kept[kept.id] = attrs.evolve(kept, created_at=at)
        return kept

    async def get(self, id_):
        return self._inner.kept.get(id_)


class KeepsMilliseconds(Port):
    async def put(self, document, *, expected=None):
        at = document.updated_at
        coarse = attrs.evolve(document, updated_at=at.replace(microsecond=at.microsecond // 1000))
        return await self._inner.put(coarse, expected=expected)


class DropsTheUnknown(Port):
    async def put(self, document, *, expected=None):
        self._inner.kept.unknown.clear()
        return await self._inner.put(document, expected=expected)


class GivesOnChanges(Port):
    async def put(self, agent, *, expected=None, grants=()):
        kept = await self._inner.put(agent, expected=expected)
        await self._store.grants.apply(grants)
        return kept


class GivesFirst(Port):
    async def put(self, agent, *, expected=None, grants=()):
        if await self._inner.get(agent.id) is None:
            await asyncio.sleep(0)
            await self._store.grants.apply(grants)
        return await self._inner.put(agent, expected=expected)


class LeavesGrants(Port):
    async def delete(self, agent, *, expected=None):
        resources = [Resource(kind, agent) for kind in OF_AGENTS]
        left = [await self._store.grants.of_resource(resource) for resource in resources]
        gone = await self._inner.delete(agent, expected=expected)
        for grants in left:
            await self._store.grants.apply(grants)
        return gone


class TakesOtherGrants(Port):
    async def delete(self, agent, *, expected=None):
        gone = await self._inner.delete(agent, expected=expected)
        file = await self._store.grants.of_resource(Resource("file", agent))
        await self._store.grants.apply([], [grant.id for grant in file])
        return gone


class BeginsWithTheOldest(Port):
    async def versions(self, agent, *, before=None, limit=100):
        found = await self._inner.versions(agent, before=before)
        return found[::-1][:limit]


class FindsTheCurrentVersion(Port):
    async def find_version(self, agent, version):
        return await self._inner.get(agent)


class RemembersTheDeleted(Port):
    async def find_version(self, agent, version):
        found = await self._inner.find_version(agent, version)
        return found or self._inner.replaced.get((agent, version))


class SharesWhatItKeeps(Port):
    async def get(self, id_):
        return self._inner.kept.get(id_)


class LosesNulls(Port):
    async def put(self, agent, *, expected=None, grants=()):
        given = {
            name: value.replace("\0", "") if isinstance(value, str) else value
            for name, value in agent.model_parameters.items()
        }
        changed = attrs.evolve(agent, model_parameters=given)
        return await self._inner.put(changed, expected=expected, grants=grants)


class ComparesLoosely(Port):
    async def put(self, agent, *, expected=None, grants=()):
        current = await self._inner.get(agent.id)
        if current is not None and current.model_parameters == agent.model_parameters:
            return current
        return await self._inner.put(agent, expected=expected, grants=grants)


class CountsTooEarly(Port):
    async def add(self, key, *, limit=None):
        await self._inner.add(key, limit=limit)
        self._inner.kept.pop(key.id)
        await asyncio.sleep(0)
        await self._inner.add(key)


class FindsCapitals(Port):
    async def find(self, digest):
        return await self._inner.find(digest.lower())


class RevokesAgain(Port):
    async def revoke(self, key, at):
        known = await self._inner.revoke(key, at)
        if known:
            self._inner.kept[key] = attrs.evolve(self._inner.kept[key], revoked_at=at)
        return known


class MovesUseBack(Port):
    async def touch(self, used):
        for id_, at in used.items():
            if id_ in self._inner.kept:
                self._inner.kept[id_] = attrs.evolve(self._inner.kept[id_], last_used_at=at)


class SuspectsStrangers(Port):
    async def invalid(self, keys, at):
        unknown = {key for key in keys if await self._inner.get(key) is None}
        return await self._inner.invalid(keys, at) | unknown


class SkipsKeysOfOneMoment(Port):
    async def list(self, *, user=None, after="", limit=1000):
        last = await self._inner.get(after)
        found = await self._inner.list(user=user, after=after)
        if last is not None:
            found = [key for key in found if key.created_at < last.created_at]
        return found[:limit]


class TakesWhatItGave(Port):
    async def apply(self, put, remove=()):
        applied = await self._inner.apply(put)
        gone = await self._inner.apply([], remove)
        return Applied(applied.granted, applied.updated, gone.revoked)


class HasPlainBits(Port):
    async def get(self, grant):
        found = await self._inner.get(grant)
        return None if found is None else attrs.evolve(found, bits=int(found.bits))


class HidesTheExpired(Port):
    async def of_grantees(self, grantees, kinds):
        found = await self._inner.of_grantees(grantees, kinds)
        return [grant for grant in found if grant.expires_at is None]


class RemembersMembers(Port):
    async def of_member(self, user):
        self.__dict__.setdefault("seen", {})
        found = await self._inner.of_member(user)
        return self.seen.setdefault(user, found)


class IgnoresOwners(Port):
    async def get(self, owner, conversation):
        found = [one for (_, id_), one in self._inner.kept.items() if id_ == conversation]
        return found[0] if found else None


class GoesBack(Port):
    async def keep(self, conversations):
        for one in conversations:
            self._inner.kept[one.owner, one.id] = one


class AddsTwice(Port):
    async def add(self, file):
        await self._inner.delete(file.id)
        await self._inner.add(file)


class RunsAgain(Port):
    async def keep(self, records):
        for record in records:
            self._inner.kept[record.id] = record


class ForgetsRunning(Port):
    async def forget(self, before):
        running = [run.id for run in await self._inner.list() if run.state == "running"]
        for run in running:
            del self._inner.kept[run]
        return await self._inner.forget(before)


class Rewrites(Port):
    async def add(self, records):
        for record in records:
            self._inner.kept[record.id] = record


class ReadsForward(Port):
    async def list(self, *, kind=None, subject=None, before="", limit=100):
        found = await self._inner.list(kind=kind, subject=subject, before=before)
        return found[::-1][:limit]


class FindsForEveryone(Port):
    async def find(self, calls, *, user, agent):
        return await self._inner.find(calls, user="alice", agent=agent)


class NeverExpires(Port):
    async def find(self, calls, *, user, agent):
        kept = self._inner.kept.values()
        return [one for one in kept if not {*calls}.isdisjoint(one.calls)]


class HidesTombstones(Port):
    async def read(self, kind, *, after="", limit=1000):
        found = await self._inner.read(kind, after=after, limit=limit)
        return [record for record in found if not record.content.get("deleted")]


class PutsWhatIsWritten(Port):
    async def write(self, kind, records):
        if kind != "users" or any(record.content.get("deleted") for record in records):
            await self._inner.write(kind, records)
            return
        for record in records:
            await self._store.users.put(User(id=record.id, name=record.content["name"]))


class ArchivesSetsAsTheyCome(Port):
    async def read(self, kind, *, after="", limit=1000):
        return [
            ArchiveRecord(one.id, {**one.content, "agents": one.content["agents"][::-1]})
            if kind == "keys" and one.content["agents"]
            else one
            for one in await self._inner.read(kind, after=after, limit=limit)
        ]


class ArchivesKnownFields(Port):
    async def read(self, kind, *, after="", limit=1000):
        found = await self._inner.read(kind, after=after, limit=limit)
        if kind != "agent_versions":
            return found
        replaced = self._store.agents.replaced.values()
        return [ArchiveRecord(version_id(a.id, a.version), content_of(a)) for a in replaced]
