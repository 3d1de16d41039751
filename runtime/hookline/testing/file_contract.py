"""The part of the store contract that concerns files."""

import asyncio
from pathlib import Path

import attrs

from hookline.errors import InvalidRequest
from hookline.files import FileRecord
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, StoreSuite, raised, run

NAME = "a\N{SNOWMAN}.png"


def file(id_: str = "file_1", owner: str = "alice") -> FileRecord:
    """A file of a moment that is known."""
    return FileRecord(
        id=id_,
        owner=owner,
        name=NAME,
        media_type="image/png",
        size=2**40,
        digest="0" * 64,
        purpose="assistants",
        conversation="talk",
        metadata={"a.b": "\N{SNOWMAN}", "$c": "", "": "\0"},
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
            found, before = list[str](), ""
            while page := await store.files.latest(owner="alice", before=before, limit=2):
                before = page[-1].id
                found += [one.id for one in page]

            assert found == ["é", "b", "Z"]
            assert [one.id for one in await store.files.latest()] == ["é", "b", "a", "Z"]
            assert [one.id for one in await store.files.latest(before="b")] == ["a", "Z"]
            assert [one.id for one in await store.files.latest(limit=1)] == ["é"]
            assert list(await store.files.latest(owner="nobody")) == []

        run(check, self.open(tmp_path))

    def test_a_file_takes_the_place_of_another(self, tmp_path: Path) -> None:
        """Of the one with its id, in every field; and it is there if there was none."""

        async def check(store: Store) -> None:
            await store.files.put(file())
            assert await store.files.get("file_1") == file()
            other = FileRecord(
                id="file_1",
                owner="bob",
                name="b",
                media_type="text/plain",
                size=0,
                digest="1" * 64,
                created_at=EARLIER + DAY,
            )
            await store.files.put(other)
            assert await raised(InvalidRequest, store.files.add(file()))

            assert list(await store.files.list()) == [other]
            assert list(await store.files.list(owner="alice")) == []
            assert list(await store.files.expired(EARLIER + 3 * DAY)) == []
            puts = (store.files.put(file(owner=f"u{i}")) for i in range(8))
            await asyncio.gather(*puts)
            assert len(await store.files.list()) == 1

        run(check, self.open(tmp_path))

    def test_a_file_is_found_by_its_name(self, tmp_path: Path) -> None:
        """The owner's in a conversation; of several the one with the last id."""

        async def check(store: Store) -> None:
            await store.files.add(file("f3"))
            for change in ({"owner": "bob"}, {"conversation": "other"}, {"conversation": None}):
                await store.files.add(attrs.evolve(file(f"f9{change}"), **change))
            for id_, name in {"f4": "A☃.png", "f5": "", "f6": "a%", "f1": NAME}.items():
                await store.files.add(attrs.evolve(file(id_), name=name))
            named = store.files.named

            assert await named("alice", "talk", NAME) == file("f3")
            assert await named("alice", "talk", "a_") is None
            assert await named("alice", "", NAME) is None
            assert await named("alice", "talk", "") == attrs.evolve(file("f5"), name="")
            await store.files.put(attrs.evolve(file("f3"), name="renamed"))
            assert await named("alice", "talk", NAME) == file("f1")
            await store.files.delete("f1")
            assert await named("alice", "talk", NAME) is None

        run(check, self.open(tmp_path))

    def test_the_bytes_of_an_owner_are_summed(self, tmp_path: Path) -> None:
        """Exactly, of all files that are there, the expired ones too."""

        async def check(store: Store) -> None:
            assert await store.files.total("alice") == 0
            sizes = {"f1": 2**53, "f2": 1, "f3": 1, "f4": 0}
            for id_, size in sizes.items():
                await store.files.add(attrs.evolve(file(id_), size=size))
            await store.files.add(attrs.evolve(file("f5"), size=10**6, expires_at=None))
            await store.files.add(file("f6", owner="Alice"))

            assert await store.files.total("alice") == 2**53 + 2 + 10**6
            await store.files.put(attrs.evolve(file("f1"), size=5))
            await store.files.delete("f2")
            assert await store.files.total("alice") == 6 + 10**6

        run(check, self.open(tmp_path))

    def test_bytes_are_held_as_long_as_a_file_has_them(self, tmp_path: Path) -> None:
        """Anybody's file, expired or not."""

        async def check(store: Store) -> None:
            digest = file().digest
            assert await store.files.holds(digest) is False
            await store.files.add(file("f1"))
            await store.files.add(file("f2", owner="bob"))
            assert await store.files.holds("1" * 64) is False
            await store.files.delete("f1")
            assert await store.files.holds(digest) is True
            await store.files.put(attrs.evolve(file("f2"), digest="1" * 64))

            assert await store.files.holds(digest) is False
            assert await store.files.holds("1" * 64) is True

        run(check, self.open(tmp_path))

    def test_metadata_that_a_caller_changes_later_are_not_kept(self, tmp_path: Path) -> None:
        """The store shares no dict with those who put and get."""

        async def check(store: Store) -> None:
            metadata = {"a": "b"}
            await store.files.add(attrs.evolve(file(), metadata=metadata))
            metadata["a"] = "changed"
            for _ in range(2):
                found = await store.files.get("file_1")
                assert found is not None
                assert found.metadata == {"a": "b"}
                assert isinstance(found.metadata, dict)
                found.metadata["a"] = "changed"

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
                await store.files.add(odd(id_))

            for id_ in ODD_IDS:
                assert await store.files.get(id_) == odd(id_)
                assert list(await store.files.list(owner=id_)) == [odd(id_)]
                assert await store.files.named(id_, id_, id_) == odd(id_)
                assert await store.files.total(id_) == 2**40

        run(check, self.open(tmp_path))


def odd(name: str) -> FileRecord:
    """A file all of whose names are one."""
    return attrs.evolve(file(name, owner=name), conversation=name, name=name)
