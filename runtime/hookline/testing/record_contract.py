"""The part of the store contract that concerns records, one after the other."""

from datetime import timedelta
from pathlib import Path

import attrs

from hookline.documents import LIMIT
from hookline.moments import now
from hookline.records import KEY_LENGTH
from hookline.store import Store
from hookline.testing.record_suite import PLACES, PLUGIN, names, record
from hookline.testing.suite import (
    DAY,
    EARLIER,
    ODD_IDS,
    TOKYO,
    StoreSuite,
    conflict,
    raised,
    refused,
    run,
)

ALL_BYTES = bytes(range(256))


class RecordContract(StoreSuite):
    """The part of the contract that concerns records, as long as nobody else changes them."""

    def test_a_record_comes_back_as_it_was_kept(self, tmp_path: Path) -> None:
        """Every field does; the store says version and time, whatever was put."""

        async def check(store: Store) -> None:
            given = attrs.evolve(record(), version=7, updated_at=EARLIER)
            before = now()
            kept = await store.records.put(given)

            assert kept == attrs.evolve(given, version=1, updated_at=kept.updated_at)
            assert before <= kept.updated_at <= now()
            assert await store.records.get(PLUGIN, "r_1") == kept
            assert await store.records.get(PLUGIN, "R_1") is None
            assert await store.records.get("tests.other", "r_1") is None

        run(check, self.open(tmp_path))

    def test_bytes_of_records_are_exact(self, tmp_path: Path) -> None:
        """None at all, all that there are, those that end a text or are none."""

        async def check(store: Store) -> None:
            for data in (b"", ALL_BYTES, b"\0", b"a\0b\0", b"\xff\xfe", b" \r\n", b"null"):
                kept = await store.records.put(record(data=data))
                assert (kept.data, type(kept.data)) == (data, bytes)
                assert await store.records.get(PLUGIN, "r_1") == kept

        run(check, self.open(tmp_path))

    def test_a_record_put_again_has_the_next_version(self, tmp_path: Path) -> None:
        """The same data, too; every field is that of what was put last."""

        async def check(store: Store) -> None:
            first = await store.records.put(record())
            same = await store.records.put(first)
            other = attrs.evolve(first, data=b"other", owner="", expires_at=None)
            last = await store.records.put(other)

            assert [first.version, same.version, last.version] == [1, 2, 3]
            assert first.updated_at <= same.updated_at <= last.updated_at
            assert last == attrs.evolve(other, version=3, updated_at=last.updated_at)
            assert await store.records.get(PLUGIN, "r_1") == last

        run(check, self.open(tmp_path))

    def test_a_record_of_another_version_is_not_replaced(self, tmp_path: Path) -> None:
        """The conflict names the version that is there; nothing is changed."""

        async def check(store: Store) -> None:
            put = store.records.put
            assert await conflict(put(record(), expected=1)) == 0
            assert await store.records.get(PLUGIN, "r_1") is None
            first = await put(record(), expected=0)
            for wrong in (0, 2):
                assert await conflict(put(record(data=b"wrong"), expected=wrong)) == 1
            assert await store.records.get(PLUGIN, "r_1") == first

            second = await put(record(data=b"second"), expected=1)
            assert await conflict(put(record(data=b"wrong"), expected=1)) == 2
            assert await store.records.get(PLUGIN, "r_1") == second

        run(check, self.open(tmp_path))

    def test_a_record_of_another_version_is_not_deleted(self, tmp_path: Path) -> None:
        """One that is deleted begins anew."""

        async def check(store: Store) -> None:
            delete = store.records.delete
            assert await delete(PLUGIN, "r_1") is False
            assert await delete(PLUGIN, "r_1", expected=0) is False
            assert await conflict(delete(PLUGIN, "r_1", expected=1)) == 0
            await store.records.put(record())
            await store.records.put(record())
            for wrong in (0, 1, 3):
                assert await conflict(delete(PLUGIN, "r_1", expected=wrong)) == 2
            assert await store.records.get(PLUGIN, "r_1") is not None

            assert await delete(PLUGIN, "r_1", expected=2) is True
            assert await store.records.get(PLUGIN, "r_1") is None
            assert await delete(PLUGIN, "r_1") is False
            assert (await store.records.put(record(), expected=0)).version == 1

        run(check, self.open(tmp_path))

    def test_records_are_listed_in_pages(self, tmp_path: Path) -> None:
        """Those of one collection, all or an owner's, by the characters of their ids."""

        async def check(store: Store) -> None:
            for place in PLACES:
                for id_ in ODD_IDS:
                    await store.records.put(record(id_, place, owner="éa"[len(id_) % 2]))
            found, after = list[str](), ""
            while page := await store.records.list(PLUGIN, after=after, limit=5):
                after = page[-1].id
                found += names(page)
                assert {PLUGIN} == {one.collection for one in page}

            assert found == sorted(ODD_IDS)
            mine = sorted(id_ for id_ in ODD_IDS if len(id_) % 2)
            assert names(await store.records.list(PLUGIN, owner="a")) == mine
            rest = await store.records.list(PLUGIN, owner="a", after=mine[1], limit=2)
            assert names(rest) == mine[2:4]
            assert names(await store.records.list(PLUGIN, owner="")) == []
            assert names(await store.records.list(PLUGIN, limit=0)) == []
            assert names(await store.records.list("tests.none")) == []

        run(check, self.open(tmp_path))

    def test_odd_records_are_told_apart(self, tmp_path: Path) -> None:
        """By case, and whatever characters ids and owners have; those of nobody are nobody's."""

        async def check(store: Store) -> None:
            ids = (*ODD_IDS, "y" * KEY_LENGTH, "\N{GRINNING FACE}" * KEY_LENGTH)
            kept = {id_: await store.records.put(record(id_, owner=id_)) for id_ in ids}
            nobodys = await store.records.put(record("nobody's", owner=""))

            for id_ in ids:
                assert await store.records.get(PLUGIN, id_) == kept[id_]
                assert list(await store.records.list(PLUGIN, owner=id_)) == [kept[id_]]
            assert list(await store.records.list(PLUGIN, owner="")) == [nobodys]

        run(check, self.open(tmp_path))

    def test_a_record_that_is_too_large_is_refused(self, tmp_path: Path) -> None:
        """One of just the limit is kept, and stays; ids and owners have limits, too."""

        async def check(store: Store) -> None:
            large = await store.records.put(record(data=b"\xff" * LIMIT))
            larger = record(data=b"x" * (LIMIT + 1))
            assert await refused(store.records.put(larger)) == "document_too_large"
            for wrong in (record("x" * (KEY_LENGTH + 1)), record(owner="x" * (KEY_LENGTH + 1))):
                assert await refused(store.records.put(wrong)) == "key_too_long"

            assert await store.records.get(PLUGIN, "r_1") == large
            assert len(await store.records.list(PLUGIN)) == 1

        run(check, self.open(tmp_path))

    def test_a_collection_is_a_name(self, tmp_path: Path) -> None:
        """In small letters, without what would make two collections one."""

        async def check(store: Store) -> None:
            for wrong in ("", "A", "a/b", "a.", ".a", "a b", "é", "a\n", "1a", "a" * 101):
                assert await raised(ValueError, store.records.put(record(collection=wrong))), wrong
            assert await store.archive.count("records") == 0

        run(check, self.open(tmp_path))

    def test_moments_of_records_are_utc(self, tmp_path: Path) -> None:
        """Exact to the microsecond; without a zone they are refused."""

        async def check(store: Store) -> None:
            end = EARLIER + 30_000 * DAY
            naive = attrs.evolve(record(), expires_at=end.replace(tzinfo=None))
            assert await raised(ValueError, store.records.put(naive))
            assert await store.records.get(PLUGIN, "r_1") is None
            kept = await store.records.put(attrs.evolve(record(), expires_at=end.astimezone(TOKYO)))

            for moment in (kept.expires_at, kept.updated_at):
                assert moment is not None
                assert moment.utcoffset() == timedelta()
            assert kept.expires_at == end
            assert await store.records.get(PLUGIN, "r_1") == kept

        run(check, self.open(tmp_path))
