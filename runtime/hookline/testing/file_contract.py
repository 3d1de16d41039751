"""The part of the store contract that concerns files."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import attrs

from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, StoreSuite, raised, run


def file(id_: str = "file_1", owner: str = "alice") -> FileRecord:
    """A file of a moment that is known."""
    return FileRecord(
        id=id_,
        owner=owner,
        name="a\N{SNOWMAN}.png",
        media_type="image/png",
        size=2**40,
        digest="0" * 64,
        purpose="assistants",
        created_at=EARLIER,
        expires_at=EARLIER + DAY,
    )


class FileContract(StoreSuite):
    """The part of the contract that concerns files."""

    def test_a_file_comes_back_as_it_was_added(self, tmp_path: Path) -> None:
        """Every field survives; a deleted one is gone."""

        async def check(store: Store) -> None:
            await store.files.add(file())

            assert await store.files.get("file_1") == file()
            assert await store.files.get("FILE_1") is None
            assert await store.files.delete("file_1") is True
            assert await store.files.delete("file_1") is False
            assert await store.files.get("file_1") is None

        run(check, self.open(tmp_path))

    def test_a_file_is_added_once(self, tmp_path: Path) -> None:
        """Of many additions at once one wins, and the others are refused."""

        async def check(store: Store) -> None:
            adds = (store.files.add(file(owner=f"u{i}")) for i in range(8))
            answers = await asyncio.gather(*adds, return_exceptions=True)

            refused = [answer for answer in answers if isinstance(answer, InvalidRequest)]
            assert (answers.count(None), len(refused)) == (1, 7)
            kept = await store.files.get("file_1")
            assert await raised(InvalidRequest, store.files.add(file(owner="later")))
            assert await store.files.get("file_1") == kept

        run(check, self.open(tmp_path))

    def test_files_are_listed_in_pages(self, tmp_path: Path) -> None:
        """All of them or an owner's, ordered by id."""

        async def check(store: Store) -> None:
            for id_, owner in {"b": "alice", "a": "bob", "Z": "alice", "é": "alice"}.items():
                await store.files.add(file(id_, owner))
            found, after = list[str](), ""
            while page := await store.files.list(owner="alice", after=after, limit=2):
                after = page[-1].id
                found += [one.id for one in page]

            assert found == ["Z", "b", "é"]
            assert [one.id for one in await store.files.list()] == ["Z", "a", "b", "é"]

        run(check, self.open(tmp_path))

    def test_files_are_listed_backwards(self, tmp_path: Path) -> None:
        """All of them or an owner's, from the last id on, or from one below another."""

        async def check(store: Store) -> None:
            for id_, owner in {"b": "alice", "a": "bob", "Z": "alice", "é": "alice"}.items():
                await store.files.add(file(id_, owner))

            def ids(found: Sequence[FileRecord]) -> list[str]:
                return [one.id for one in found]

            assert ids(await store.files.latest()) == ["é", "b", "a", "Z"]
            assert ids(await store.files.latest(before="b")) == ["a", "Z"]
            assert ids(await store.files.latest(owner="alice", limit=2)) == ["é", "b"]
            assert ids(await store.files.latest(owner="alice", before="b")) == ["Z"]
            assert ids(await store.files.latest(owner="nobody")) == []

        run(check, self.open(tmp_path))

    def test_expired_files_are_found(self, tmp_path: Path) -> None:
        """The earliest first; those without an end never."""

        async def check(store: Store) -> None:
            late = attrs.evolve(file("late"), expires_at=EARLIER + 2 * DAY)
            for one in (late, file("soon"), attrs.evolve(file("never"), expires_at=None)):
                await store.files.add(one)

            assert list(await store.files.expired(EARLIER)) == []
            found = await store.files.expired(EARLIER + 3 * DAY)
            assert [one.id for one in found] == ["soon", "late"]
            assert len(await store.files.expired(EARLIER + DAY)) == 1
            assert len(await store.files.expired(EARLIER + 3 * DAY, limit=1)) == 1

        run(check, self.open(tmp_path))

    def test_odd_files_are_told_apart(self, tmp_path: Path) -> None:
        """By case, and whatever characters their ids have."""

        async def check(store: Store) -> None:
            for id_ in ODD_IDS:
                await store.files.add(file(id_, owner=id_))

            for id_ in ODD_IDS:
                assert await store.files.get(id_) == file(id_, owner=id_)
                assert list(await store.files.list(owner=id_)) == [file(id_, owner=id_)]

        run(check, self.open(tmp_path))
