"""Files in S3: a real client against a server that speaks its protocol."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer

from hookline.blobs import FOLDERS, PIECE, Blobs
from hookline.errors import StoreUnavailable
from hookline.filing import Files
from hookline.holdings import Holdings
from hookline.sweeping import Sweep
from hookline_memory.records import MemoryFiles
from support.server import KEY, running_server

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECONDS = 60
LARGE = 23_000_000
"""More bytes than are sent to S3 in one request."""


@pytest.fixture
def options() -> Iterator[Mapping[str, Any]]:
    """What fsspec has to know of a server with an empty bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.put(f"{endpoint}/bucket", timeout=SECONDS).raise_for_status()
    try:
        yield {"key": "k", "secret": "s", "endpoint_url": endpoint}
    finally:
        server.stop()


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await work()

    asyncio.run(bounded())


def files_in(blobs: Blobs, records: MemoryFiles, **fields: Any) -> Files:
    return Files(records, blobs, limit=100_000_000, quota=0, **fields)


def test_files_are_kept_in_a_bucket(options: Mapping[str, Any]) -> None:
    """They are saved, read in parts, replaced and removed, as they are in a folder."""
    blobs, records = Blobs("s3://bucket/prefix", options), MemoryFiles()
    files = files_in(blobs, records)
    content = os.urandom(LARGE)

    async def work() -> None:
        first = await files.save(content, owner="alice", name="large")
        same = await files.save(content, owner="bob", name="same")
        digest = hashlib.sha256()
        async for piece in files.pieces(first):
            assert len(piece) <= PIECE
            digest.update(piece)
        assert first.digest == digest.hexdigest()
        assert content[PIECE - 5 : PIECE + 5] == await files.read(same, PIECE - 5, PIECE + 5)

        await files.delete(first)
        assert content[:9] == await files.read(same, 0, 9)
        await files.delete(same)
        assert not await blobs.has(first.digest, first.size)

        made = [
            await files.replace(text, owner="alice", name="x", conversation="c")
            for text in (b"one", b"two")
        ]
        assert b"two" == await files.read(made[1])
        assert made[0].id == made[1].id
        assert not await blobs.has(made[0].digest, made[0].size)

    run(work)


def test_a_bucket_is_swept(options: Mapping[str, Any]) -> None:
    """What expired goes, what no file has goes, what was put aside and is needed comes back."""
    blobs, records = Blobs("s3://bucket", options), MemoryFiles()
    at = NOON
    files = files_in(blobs, records, days=1, clock=lambda: at)
    sweep = Sweep(files, records, blobs, clock=lambda: at)

    async def work() -> None:
        nonlocal at
        made = await files.save(b"made", owner="alice", name="made")
        orphan = await files.save(b"orphan", owner="alice", name="orphan")
        needed = await files.save(b"needed", owner="alice", name="n", purpose="user_data")
        await records.delete(orphan.id)
        aside = await blobs.put_aside(needed.digest)
        at += timedelta(days=2)

        assert 1 == await sweep.remove_expired()
        for folder in FOLDERS:
            if folder in {made.digest[:2], orphan.digest[:2], needed.digest[:2]}:
                await sweep.clear(folder)
        assert [aside] == await blobs.left_aside(-1)
        await Holdings(records, blobs).settle(str(aside))

        assert b"needed" == await files.read(needed)
        assert not await blobs.has(made.digest, made.size)
        assert not await blobs.has(orphan.digest, orphan.size)

    run(work)


def test_many_save_and_delete_the_same_bytes(options: Mapping[str, Any]) -> None:
    """Whoever holds them last still has them."""
    blobs, records = Blobs("s3://bucket", options), MemoryFiles()

    async def work() -> None:
        files = [files_in(blobs, records) for _ in range(4)]

        async def once(number: int) -> None:
            own = files[number % 4]
            file = await own.save(b"same", owner="alice", name=str(number))
            assert b"same" == await own.read(file)
            await own.delete(file)

        kept = await files[0].save(b"same", owner="alice", name="kept")
        await asyncio.gather(*map(once, range(8)))
        assert b"same" == await files[1].read(kept)
        await files[1].delete(kept)
        assert not await blobs.has(kept.digest, kept.size)

    run(work)


def test_a_bucket_that_does_not_answer(options: Mapping[str, Any]) -> None:
    """It is said that it does not, without its address or a key."""
    quick = {
        "config_kwargs": {"connect_timeout": 1, "read_timeout": 1, "retries": {"max_attempts": 0}}
    }
    gone = Blobs("s3://bucket", {**options, "endpoint_url": "http://127.0.0.1:9", **quick})

    async def work() -> None:
        with pytest.raises(StoreUnavailable, match="files are kept does not answer"):
            await gone.has("0" * 64, 1)

    run(work)


def test_a_server_with_a_bucket(options: Mapping[str, Any], tmp_path: Path) -> None:
    """The URL in the config is all that it takes."""
    store = f"sqlite:///{tmp_path}/hookline.db"
    files = {"url": "s3://bucket/files", "options": options}
    key = {"authorization": f"Bearer {KEY}"}
    with running_server({"files": files, "store": {"url": store}}) as server:
        form = {"files": {"file": ("a.txt", b"0123456789")}, "data": {"purpose": "user_data"}}
        url = f"{server.url}/files"
        made = httpx.post(url, headers=key, timeout=SECONDS, **form).raise_for_status().json()
        wanted = {**key, "range": "bytes=2-4"}
        part = httpx.get(f"{url}/{made['id']}/content", headers=wanted, timeout=SECONDS)

        assert (206, b"234") == (part.status_code, part.content)
        gone = httpx.delete(f"{url}/{made['id']}", headers=key, timeout=SECONDS)
        assert {"id": made["id"], "object": "file", "deleted": True} == gone.json()
