"""Files are saved, replaced and removed, and their bytes with them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from hookline.blobs import FOLDERS, Blobs
from hookline.errors import FileTooLarge, InvalidRequest, NotFound
from hookline.files import FileRecord, FileStore
from hookline.filing import Files, new_file_id
from hookline.sweeping import Sweep
from hookline_memory.records import MemoryFiles

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECONDS = 20
SAME = b"the same bytes"


@attrs.define
class Place:
    """Files in a folder; the time is what the test says."""

    folder: Path
    records: FileStore = attrs.field(factory=MemoryFiles)
    limit: int = 1_000
    quota: int = 0
    days: float = 0.0
    at: datetime = NOON

    @property
    def blobs(self) -> Blobs:
        return Blobs(f"file://{self.folder}", {})

    @property
    def files(self) -> Files:
        return Files(
            self.records,
            self.blobs,
            limit=self.limit,
            quota=self.quota,
            days=self.days,
            clock=lambda: self.at,
        )

    @property
    def sweep(self) -> Sweep:
        return Sweep(self.files, self.records, self.blobs, clock=lambda: self.at)

    def on_disk(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())

    async def clear(self) -> None:
        for folder in FOLDERS:
            await self.sweep.clear(folder)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await work()

    asyncio.run(bounded())


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def save(place: Place, content: bytes = SAME, **known: Any) -> FileRecord:
    return await place.files.save(content, **{"owner": "alice", "name": "a.txt", **known})


def test_what_is_known_of_a_file(tmp_path: Path) -> None:
    """All that was said of it, what its bytes say, and when it was saved."""
    place = Place(tmp_path)

    async def work() -> None:
        file = await save(
            place,
            b'{"a": 1}',
            name="../data.json",
            purpose="user_data",
            metadata={"k": "v"},
            expires_at=NOON + timedelta(hours=1),
        )

        assert file == await place.files.get(file.id)
        assert file == FileRecord(
            id=file.id,
            owner="alice",
            name="data.json",
            media_type="application/json",
            size=8,
            digest=sha(b'{"a": 1}'),
            purpose="user_data",
            metadata={"k": "v"},
            created_at=NOON,
            expires_at=NOON + timedelta(hours=1),
        )

    run(work)


def test_later_ids_come_after_earlier_ones() -> None:
    """So that stores list files in the order in which they were made."""
    ids = [new_file_id(NOON + timedelta(microseconds=i)) for i in range(20)]

    assert sorted(ids) == ids


def test_a_stream_is_taken_in(tmp_path: Path) -> None:
    """However it is split, the bytes are the same; one that is too long is given up early."""
    place = Place(tmp_path)
    taken = 0

    async def pieces(number: int) -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(number):
            taken += 100
            yield b"x" * 100

    async def work() -> None:
        file = await place.files.save(pieces(10), owner="alice", name="a")
        assert (sha(b"x" * 1_000), b"x" * 1_000) == (file.digest, await place.files.read(file))

        with pytest.raises(FileTooLarge):
            await place.files.save(pieces(1_000), owner="alice", name="b")

    run(work)
    assert 1_000 + 1_100 == taken
    assert [sha(b"x" * 1_000)] == place.on_disk()


def test_parts_of_a_file_are_read(tmp_path: Path) -> None:
    """From a byte up to another."""
    place = Place(tmp_path)

    async def work() -> None:
        file = await save(place, b"0123456789")

        assert b"234" == await place.files.read(file, 2, 5)
        assert b"789" == await place.files.read(file, 7)
        assert [b"12"] == [piece async for piece in place.files.pieces(file, 1, 3)]
        assert [] == [piece async for piece in place.files.pieces(file, 3, 3)]

    run(work)


def test_bytes_that_are_gone_are_missed(tmp_path: Path) -> None:
    """They are looked for some time, as another server may have put them aside for a moment."""
    place = Place(tmp_path)

    async def work() -> None:
        file = await save(place)
        aside = await place.blobs.put_aside(file.digest)
        assert aside is not None
        reading = asyncio.create_task(place.files.read(file))
        await asyncio.sleep(0.05)
        await place.blobs.put_back(aside)
        assert SAME == await reading

        await place.blobs.put_aside(file.digest)
        with pytest.raises(NotFound):
            await place.files.read(file)

    run(work)


def test_the_same_name_in_one_conversation_is_the_same_file(tmp_path: Path) -> None:
    """Its id and beginning stay, its bytes and end are new; other names and owners have theirs."""
    place = Place(tmp_path, days=1)

    async def work() -> None:
        async def made(content: bytes, **known: Any) -> FileRecord:
            given = {"owner": "alice", "name": "plot.csv", "conversation": "c", **known}
            return await place.files.replace(content, **given)

        first = await made(b"1")
        place.at += timedelta(hours=1)
        second = await made(b"22")
        others = [
            await made(b"1", owner="bob"),
            await made(b"1", name="other.csv"),
            await made(b"1", conversation="d"),
            await made(b"1", conversation=None),
            await made(b"1", conversation=None),
        ]

        assert (first.id, NOON) == (second.id, second.created_at)
        assert (2, sha(b"22")) == (second.size, second.digest)
        assert NOON + timedelta(days=1, hours=1) == second.expires_at
        assert 6 == len({file.id for file in [first, *others]})
        assert b"22" == await place.files.read(second)
        for other in others:
            await place.files.delete(other)
        assert [sha(b"22")] == place.on_disk()

    run(work)


def test_an_upload_is_not_replaced(tmp_path: Path) -> None:
    """Nor is a file that has expired: what takes its name is another one."""
    place = Place(tmp_path, days=1)

    async def work() -> None:
        upload = await save(place, name="x", conversation="c", purpose="user_data")
        made = await place.files.replace(b"1", owner="alice", name="x", conversation="c")
        place.at += timedelta(days=2)
        later = await place.files.replace(b"2", owner="alice", name="x", conversation="c")

        assert 3 == len({upload.id, made.id, later.id})
        assert SAME == await place.files.read(upload)

    run(work)


def test_the_quota_holds_for_all_at_once(tmp_path: Path) -> None:
    """On one server exactly; each owner has their own."""
    place = Place(tmp_path, quota=1_000)

    async def work() -> None:
        files = place.files
        saves = (files.save(bytes([i]) * 300, owner="alice", name="a") for i in range(9))
        answers = await asyncio.gather(*saves, return_exceptions=True)

        refused = [answer for answer in answers if isinstance(answer, InvalidRequest)]
        assert (3, 6) == (len(answers) - len(refused), len(refused))
        assert 900 == await place.records.total("alice")
        assert 3 == len(place.on_disk())
        await files.save(bytes(1_000), owner="bob", name="b")

    run(work)


def test_the_quota_is_not_exceeded_by_several_servers(tmp_path: Path) -> None:
    """They may refuse more than they had to; what is kept stays within it."""
    place = Place(tmp_path, quota=1_000)

    async def work() -> None:
        saves = (place.files.save(bytes([i]) * 300, owner="alice", name="a") for i in range(12))
        answers = await asyncio.gather(*saves, return_exceptions=True)

        kept = [answer for answer in answers if isinstance(answer, FileRecord)]
        assert all(isinstance(answer, FileRecord | InvalidRequest) for answer in answers)
        assert 300 * len(kept) == await place.records.total("alice") <= 1_000
        assert len(kept) == len(place.on_disk())

    run(work)


def test_a_replacement_counts_for_what_it_adds(tmp_path: Path) -> None:
    """What goes in the place of a large file fits where that did; one too large changes nothing."""
    place = Place(tmp_path, quota=1_000)

    async def work() -> None:
        async def made(content: bytes) -> FileRecord:
            return await place.files.replace(content, owner="alice", name="x", conversation="c")

        await save(place, bytes(400))
        await made(b"a" * 500)
        kept = await made(b"b" * 600)
        with pytest.raises(InvalidRequest):
            await made(b"c" * 601)

        assert b"b" * 600 == await place.files.read(kept)
        assert 2 == len(place.on_disk())

    run(work)


def test_bytes_stay_as_long_as_a_file_has_them(tmp_path: Path) -> None:
    """However many save and delete the same bytes at the same moment, on several servers."""
    place = Place(tmp_path)

    async def work() -> None:
        async def once(number: int) -> None:
            file = await save(place, name=str(number))
            await asyncio.sleep(0)
            assert SAME == await place.files.read(file)
            await place.files.delete(file)

        kept = await save(place)
        for _ in range(5):
            await asyncio.gather(*map(once, range(12)))
        assert SAME == await place.files.read(kept)
        assert [sha(SAME)] == place.on_disk()
        await place.files.delete(kept)
        assert [] == place.on_disk()

    run(work)


class Interrupted(MemoryFiles):
    """Lets something else happen between the question whether bytes are needed and the answer."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]], when: int):
        super().__init__()
        self._meanwhile = meanwhile
        self._left = when

    async def holds(self, digest: str) -> bool:
        held = await super().holds(digest)
        self._left -= 1
        if self._left == 0:
            await self._meanwhile()
        return held


@pytest.mark.parametrize("when", [1, 2])
def test_a_save_between_the_steps_of_a_removal(tmp_path: Path, when: int) -> None:
    """Whichever step it comes after, the new file has its bytes."""
    place = Place(tmp_path)
    saved: list[FileRecord] = []

    async def meanwhile() -> None:
        saved.append(await save(place, name="new"))

    place.records = Interrupted(meanwhile, when)

    async def work() -> None:
        await place.files.delete(await save(place, name="old"))

        assert SAME == await place.files.read(saved[0])
        assert [sha(SAME)] == place.on_disk()

    run(work)


def test_what_expired_is_swept(tmp_path: Path) -> None:
    """With its bytes, unless another file has the same; what tools made expires by itself."""
    place = Place(tmp_path, days=1)

    async def work() -> None:
        made = await save(place)
        shared = await save(place, b"shared")
        upload = await save(place, b"shared", purpose="user_data")
        place.at += timedelta(days=2)

        assert (None, upload) == (
            await place.files.get(made.id),
            await place.files.get(upload.id),
        )
        assert 2 == await place.sweep.remove_expired()
        assert None is await place.records.get(shared.id)
        assert [sha(b"shared")] == place.on_disk()

    run(work)


def test_what_a_crash_left_is_swept(tmp_path: Path) -> None:
    """Bytes that no file has go, those that were put aside and are needed come back."""
    place = Place(tmp_path)

    async def work() -> None:
        needed = await save(place)
        orphan = await save(place, b"orphan")
        await place.records.delete(orphan.id)
        await place.clear()
        assert [needed.digest] == place.on_disk()

        for content in (SAME, b"not needed"):
            file = await save(place, content)
            name = await place.blobs.put_aside(file.digest)
            assert name is not None
            old = tmp_path / "aside" / f"{file.digest}.1700000000.abcd"
            (tmp_path / "aside" / name).rename(old)
            if content != SAME:
                await place.records.delete(file.id)
        young = await place.blobs.put_aside((await save(place, b"young")).digest)
        incoming = tmp_path / "incoming" / "tmpx"
        incoming.write_bytes(b"half")
        await place.sweep.clear_temporary()
        assert sorted([needed.digest, "tmpx", str(young)]) == place.on_disk()
        assert SAME == await place.files.read(needed)

    run(work)


def test_sweeping_goes_on_by_itself(tmp_path: Path) -> None:
    """As long as it is entered, and whatever else expires is told to forget."""
    place = Place(tmp_path, days=1)
    forgotten = asyncio.Event()

    class Others:
        async def expire(self, at: datetime) -> int:
            assert at == place.at
            forgotten.set()
            return 1

    async def work() -> None:
        await save(place)
        place.at += timedelta(days=2)
        sweep = Sweep(
            place.files,
            place.records,
            place.blobs,
            others=[Others()],
            interval=0.01,
            clock=lambda: place.at,
        )
        async with sweep:
            await forgotten.wait()
            while place.on_disk():
                await asyncio.sleep(0.01)
            await save(place, b"again", expires_at=NOON)
            while place.on_disk():
                await asyncio.sleep(0.01)

    run(work)
