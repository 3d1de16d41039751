"""Stores in memory whose outbox or ledger has one fault, for the suite that must find it."""

import asyncio

import attrs

from hookline.documents import check_version
from hookline.ledger import EntryQuery
from support.faulty_stores import Port


class FindsTheFirst(Port):
    async def find(self, run):
        found = sorted(id_ for id_ in self._inner.kept if id_ >= run)
        return self._inner.kept[found[0]] if found else None


class PutsAnything(Port):
    async def put(self, runs, *, durable):
        await self._inner.put(runs, durable=durable)
        self._inner.kept.update((run.id, run) for run in runs)
        return set()


class PutsAllOrNothing(Port):
    async def put(self, runs, *, durable):
        kept = self._inner.kept
        lost = {run.id for run in runs if run.id in kept and kept[run.id].server != run.server}
        return lost or await self._inner.put(runs, durable=durable)


class LooksBeforeItPuts(Port):
    async def put(self, runs, *, durable):
        kept = self._inner.kept
        lost = {run.id for run in runs if run.id in kept and kept[run.id].server != run.server}
        await asyncio.sleep(0)
        kept.update((run.id, run) for run in runs if run.id not in lost)
        return lost


class RemovesForAnyone(Port):
    async def remove(self, runs, *, server):
        for id_ in runs:
            self._inner.kept.pop(id_, None)


class IgnoresLeases(Port):
    async def lease(self, server, until):
        await self._inner.lease(server, until)
        self._inner.leases.pop(server)


class ShortensLeases(Port):
    async def lease(self, server, until):
        await self._inner.leave(server)
        await self._inner.lease(server, until)


class KeepsFirstLeases(Port):
    async def lease(self, server, until):
        if server not in self._inner.leases:
            await self._inner.lease(server, until)


class StaysAfterLeaving(Port):
    async def leave(self, server):
        pass


class AsksForALease(Port):
    async def claim(self, server, at, *, limit=1000):
        found = {run.server for run in self._inner.kept.values()} - {*self._inner.leases, ""}
        for unknown in found:
            self._inner.leases[unknown] = at.max.replace(tzinfo=at.tzinfo)
        return await self._inner.claim(server, at, limit=limit)


class ClaimsWhatRests(Port):
    async def claim(self, server, at, *, limit=1000):
        claimed = await self._inner.claim(server, at, limit=limit)
        resting = [run for run in self._inner.kept.values() if run.at_rest]
        for run in resting:
            self._inner.kept[run.id] = attrs.evolve(run, server=server)
        return sorted([*claimed, *resting], key=lambda run: run.id)


class ClaimsItsOwn(Port):
    async def claim(self, server, at, *, limit=1000):
        await self._inner.claim(server, at, limit=limit)
        return await self._inner.owned(server, limit=limit)


class ClaimsTooEarly(Port):
    async def claim(self, server, at, *, limit=1000):
        before = dict(self._inner.kept)
        claimed = await self._inner.claim(server, at, limit=limit)
        self._inner.kept.update((run.id, before[run.id]) for run in claimed)
        await asyncio.sleep(0)
        self._inner.kept.update((run.id, run) for run in claimed)
        return claimed


class RetriesForItsServer(Port):
    async def retry(self, run):
        server = self._inner.kept[run].server if run in self._inner.kept else ""
        found = await self._inner.retry(run)
        if found:
            self._inner.kept[run] = attrs.evolve(self._inner.kept[run], server=server)
        return found


class ForgetsWhatIsTaken(Port):
    async def retry(self, run):
        found = await self._inner.retry(run)
        if found:
            self._inner.kept[run] = attrs.evolve(self._inner.kept[run], taken=[])
        return found


class CountsParkedRuns(Port):
    async def counts(self):
        parked = len(await self._inner.parked())
        return attrs.evolve(await self._inner.counts(), parked=parked)


class AddsBeforeItChecks(Port):
    async def change(self, account, entries=(), *, expected, durable=True):
        await self._inner.add(entries)
        await self._inner.change(account, expected=expected)


class AddsAfterwards(Port):
    async def change(self, account, entries=(), *, expected, durable=True):
        await self._inner.change(account, expected=expected)
        for _ in range(3):
            await asyncio.sleep(0)
        await self._inner.add(entries)


class ChecksAccountsTooEarly(Port):
    async def change(self, account, entries=(), *, expected, durable=True):
        check_version(account.id, await self._inner.account(account.id), expected)
        await asyncio.sleep(0)
        self._inner.kept.pop(account.id, None)
        await self._inner.change(account, expected=0)
        await self._inner.add(entries)


class CreatesTwice(Port):
    async def change(self, account, entries=(), *, expected, durable=True):
        if expected == 0:
            self._inner.kept.pop(account.id, None)
        await self._inner.change(account, entries, expected=expected)


class HasNoLimit(Port):
    async def change(self, account, entries=(), *, expected, durable=True):
        small = attrs.evolve(account, reservations={})
        await self._inner.change(small, entries, expected=expected)
        self._inner.kept[account.id] = account


class ForgetsTheNewer(Port):
    async def change(self, account, entries=(), *, expected, durable=True):
        self._inner.kept.unknown.clear()
        await self._inner.change(account, entries, expected=expected)


class RewritesEntries(Port):
    async def add(self, entries):
        for entry in entries:
            self._inner.written.pop(entry.id, None)
        await self._inner.add(entries)


class OrdersByMoment(Port):
    async def entries(self, query, *, before="", limit=100):
        found = await self._inner.entries(query, limit=10**6)
        found.sort(key=lambda entry: entry.at, reverse=True)
        [last] = [entry for entry in found if entry.id == before] or [None]
        return [entry for entry in found if last is None or entry.at < last.at][:limit]


class IncludesTheEnd(Port):
    async def entries(self, query, *, before="", limit=100):
        found = await self._inner.entries(attrs.evolve(query, until=None), before=before)
        return [one for one in found if query.until is None or one.at <= query.until][:limit]


class LooksForOneCorrection(Port):
    async def entries(self, query, *, before="", limit=100):
        first = attrs.evolve(query, corrects=query.corrects[:1])
        return await self._inner.entries(first, before=before, limit=limit)


class SumsFloats(Port):
    async def sums(self, query, by=(), *, limit=10_000):
        found = await self._inner.sums(query, by, limit=limit)
        return [attrs.evolve(one, amount=int(float(one.amount))) for one in found]


class SumsOnlyCalls(Port):
    async def sums(self, query, by=(), *, limit=10_000):
        written = self._inner.written.copy()
        for id_ in [entry.id for entry in written.values() if entry.kind == "correction"]:
            del self._inner.written[id_]
        found = await self._inner.sums(query, by, limit=limit)
        self._inner.written.update(written)
        return found


class CountsCorrections(Port):
    async def sums(self, query, by=(), *, limit=10_000):
        found = await self._inner.sums(query, by, limit=limit)
        corrections = await self._inner.entries(EntryQuery(kinds=["correction"]), limit=10**6)
        return [attrs.evolve(one, calls=one.calls + len(corrections)) for one in found]


class OrdersNoneLast(Port):
    async def sums(self, query, by=(), *, limit=10_000):
        found = await self._inner.sums(query, by, limit=limit)
        return sorted(found, key=lambda one: [value is None for value in one.group.values()])


class SumsByKind(Port):
    async def sums(self, query, by=(), *, limit=10_000):
        if query.kinds and not {*query.kinds} & {"usage", "tool", "correction"}:
            return []
        return await self._inner.sums(query, by, limit=limit)


class HasNoSumOfNothing(Port):
    async def sums(self, query, by=(), *, limit=10_000):
        found = await self._inner.sums(query, by, limit=limit)
        return [one for one in found if one.calls]
