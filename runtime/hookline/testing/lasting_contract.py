"""The part of the store contract that concerns records that others change, or that end."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from hookline.archive import ArchiveRecord, content_of, record_id
from hookline.errors import VersionConflict
from hookline.moments import now
from hookline.records import Record
from hookline.store import Store
from hookline.testing.archive_suite import everything
from hookline.testing.record_suite import PLACES, PLUGIN, names, record
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, StoreSuite, conflict, run

WRITERS = 20
TENTH = timedelta(seconds=0.1)
NOVELTY: Mapping[str, Any] = {"novelty": {"a.b": [1, None], "$c": "x"}}


class LastingContract(StoreSuite):
    """The part of the contract that concerns writers at once, ends, and the archive of records."""

    def test_of_putters_for_one_version_one_wins(self, tmp_path: Path) -> None:
        """Of those that create it, and of those that replace it; what is there is the winner's."""

        async def check(store: Store) -> None:
            for version in range(3):
                puts = (
                    store.records.put(record(data=b"%d" % i), expected=version)
                    for i in range(WRITERS)
                )
                answers = await asyncio.gather(*puts, return_exceptions=True)

                kept = [one for one in answers if isinstance(one, Record)]
                conflicts = [one for one in answers if isinstance(one, VersionConflict)]
                assert [one.version for one in kept] == [version + 1]
                assert [one.current for one in conflicts] == [version + 1] * (WRITERS - 1)
                assert await store.records.get(PLUGIN, "r_1") == kept[0]

        run(check, self.open(tmp_path))

    def test_putters_for_any_version_follow_one_another(self, tmp_path: Path) -> None:
        """Each has a version of its own, and the last one is there."""

        async def check(store: Store) -> None:
            puts = (store.records.put(record(data=b"%d" % i)) for i in range(WRITERS))
            kept = sorted(await asyncio.gather(*puts), key=lambda one: one.version)

            assert [one.version for one in kept] == [*range(1, WRITERS + 1)]
            assert await store.records.get(PLUGIN, "r_1") == kept[-1]

        run(check, self.open(tmp_path))

    def test_what_is_counted_in_a_record_is_not_lost(self, tmp_path: Path) -> None:
        """Of writers that put what they have read, each that meets another one begins anew."""

        async def count(store: Store) -> None:
            while True:
                found = await store.records.get(PLUGIN, "r_1")
                assert found is not None
                more = attrs.evolve(found, data=b"%d" % (int(found.data) + 1))
                if await conflict(store.records.put(more, expected=found.version)) is None:
                    return
                await asyncio.sleep(0)

        async def check(store: Store) -> None:
            await store.records.put(record(data=b"0"))
            await asyncio.gather(*(count(store) for _ in range(WRITERS)))

            found = await store.records.get(PLUGIN, "r_1")
            assert found is not None
            assert (found.data, found.version) == (b"%d" % WRITERS, WRITERS + 1)

        run(check, self.open(tmp_path))

    def test_a_record_is_deleted_once(self, tmp_path: Path) -> None:
        """Of those that delete it at once one did."""

        async def check(store: Store) -> None:
            await store.records.put(record())
            deletions = (store.records.delete(PLUGIN, "r_1") for _ in range(WRITERS))
            assert sum(await asyncio.gather(*deletions)) == 1

            await store.records.put(record())
            checked = (store.records.delete(PLUGIN, "r_1", expected=1) for _ in range(WRITERS))
            answers = await asyncio.gather(*checked, return_exceptions=True)
            conflicts = [one for one in answers if isinstance(one, VersionConflict)]
            assert (answers.count(True), len(conflicts)) == (1, WRITERS - 1)

        run(check, self.open(tmp_path))

    def test_an_expired_record_is_not_there(self, tmp_path: Path) -> None:
        """For no method: another one of its id begins anew, and finds nothing of it."""

        async def check(store: Store) -> None:
            records = store.records
            await records.put(record("r_0"))
            await records.put(record())
            gone = attrs.evolve(record(), expires_at=now())
            assert (await records.put(gone, expected=1)).version == 2

            assert await records.get(PLUGIN, "r_1") is None
            assert names(await records.list(PLUGIN)) == ["r_0"]
            assert names(await records.list(PLUGIN, owner="alice")) == ["r_0"]
            assert await records.delete(PLUGIN, "r_1") is False
            assert await conflict(records.delete(PLUGIN, "r_1", expected=2)) == 0
            assert await conflict(records.put(record(), expected=2)) == 0
            for expected in (0, None):
                await records.put(gone)
                kept = await records.put(record(), expected=expected)
                assert kept.version == 1
                assert await records.get(PLUGIN, "r_1") == kept

        run(check, self.open(tmp_path))

    def test_a_record_ends_by_itself(self, tmp_path: Path) -> None:
        """From that moment on; of putters that come then one wins."""

        async def check(store: Store) -> None:
            end = now() + TENTH
            await store.records.put(attrs.evolve(record(), expires_at=end))
            await asyncio.sleep((end - now() + TENTH).total_seconds())

            assert await store.records.get(PLUGIN, "r_1") is None
            puts = (store.records.put(record(), expected=0) for _ in range(WRITERS))
            answers = await asyncio.gather(*puts, return_exceptions=True)
            assert [one.version for one in answers if isinstance(one, Record)] == [1]

        run(check, self.open(tmp_path))

    def test_expired_records_are_forgotten(self, tmp_path: Path) -> None:
        """Those of all collections that have ended by the moment that is told; no others."""

        async def check(store: Store) -> None:
            ends = {"never": None, "gone": EARLIER, "later": EARLIER + DAY, "live": now() + DAY}
            for place in PLACES:
                for id_, end in ends.items():
                    await store.records.put(attrs.evolve(record(id_, place), expires_at=end))
            assert await store.archive.count("records") == 4 * len(PLACES)

            assert await store.records.expire(EARLIER - DAY) == 0
            assert await store.records.expire(EARLIER) == len(PLACES)
            assert await store.records.expire(EARLIER) == 0
            assert await store.records.expire(now()) == len(PLACES)
            assert names(await store.records.list(PLUGIN)) == ["live", "never"]
            assert await store.archive.count("records") == 2 * len(PLACES)

        run(check, self.open(tmp_path))

    def test_records_are_archived_by_collection_and_id(self, tmp_path: Path) -> None:
        """In the order of both together, as they are: what has expired, too."""

        async def check(store: Store) -> None:
            kept: dict[str, Record] = {}
            for place in PLACES:
                for id_ in ODD_IDS:
                    kept[record_id(place, id_)] = await store.records.put(record(id_, place))
            gone = attrs.evolve(record("gone"), expires_at=EARLIER)
            kept[record_id(PLUGIN, "gone")] = await store.records.put(gone)

            expected = [ArchiveRecord(id_, content_of(kept[id_])) for id_ in sorted(kept)]
            assert await everything(store, "records") == expected

        run(check, self.open(tmp_path))

    def test_what_was_written_into_a_record_survives(self, tmp_path: Path) -> None:
        """By a newer Hookline, until it is deleted or has expired."""

        async def check(store: Store) -> None:
            await store.records.put(record())
            await write(store)
            for expected in (1, None):
                kept = await store.records.put(record(data=b"changed"), expected=expected)
                assert await content(store) == {**content_of(kept), **NOVELTY}
            await store.records.delete(PLUGIN, "r_1")
            kept = await store.records.put(record())
            assert await content(store) == content_of(kept)

            for expected in (0, None):
                await write(store)
                await store.records.put(attrs.evolve(record(), expires_at=EARLIER))
                kept = await store.records.put(record(), expected=expected)
                assert await content(store) == content_of(kept)

        run(check, self.open(tmp_path))


async def write(store: Store) -> None:
    """Write what this version does not know into the only record."""
    [found] = await store.archive.read("records")
    newer = ArchiveRecord(found.id, {**found.content, **NOVELTY})
    await store.archive.write("records", [newer])


async def content(store: Store) -> Mapping[str, Any]:
    """The content of the only record."""
    [found] = await store.archive.read("records")
    return found.content
