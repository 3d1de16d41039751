"""Files in a folder survive a process that is killed at any moment."""

import asyncio
import hashlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from hookline.blobs import FOLDERS, Blobs
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.holdings import Holdings
from hookline.sweeping import Sweep
from hookline_sqlite.store import SqliteStore

SAVER = """
import asyncio, itertools, sys
from hookline.blobs import Blobs
from hookline.filing import Files
from hookline_sqlite import SqliteStores

async def main(folder):
    async with SqliteStores().open(f"sqlite:///{folder}/hookline.db") as store:
        files = Files(store.files, Blobs(f"file://{folder}/files", {}), limit=10**9, quota=0)
        print("begun", flush=True)
        kept = []
        for number in itertools.count():
            content = b"%d" % (number % 5) * 300_000
            file = await files.save(content, owner="alice", name=f"{number}")
            print(file.id, flush=True)
            kept.append(file)
            if len(kept) > 3:
                gone = kept.pop(0)
                print(f"-{gone.id}", flush=True)
                await files.delete(gone)

asyncio.run(main(sys.argv[1]))
"""
SECONDS = 60


def killed(folder: Path, after: float) -> Sequence[str]:
    """What a process that saves and deletes said until it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "begun" == process.stdout.readline().strip()
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    said, _ = process.communicate(timeout=SECONDS)
    assert -signal.SIGKILL == process.returncode
    return said.split()


@pytest.mark.parametrize("seed", range(4))
def test_every_file_that_is_known_has_its_bytes(tmp_path: Path, seed: int) -> None:
    """What was said to be saved is there, whole; the sweep clears away what is nobody's."""
    random = Random(seed)
    said = [word for _ in range(3) for word in killed(tmp_path, random.uniform(0.05, 0.6))]
    gone = {word[1:] for word in said if word.startswith("-")}
    saved = {word for word in said if not word.startswith("-")} - gone

    async def look() -> list[FileRecord]:
        async with SqliteStore(tmp_path / "hookline.db") as store:
            blobs = Blobs(f"file://{tmp_path}/files", {})
            files = Files(store.files, blobs, limit=10**9, quota=0)
            known = list(await store.files.list())
            for name in await blobs.left_aside(-60):
                await Holdings(store.files, blobs).settle(name)
            for file in known:
                content = await files.read(file)
                assert file.digest == hashlib.sha256(content).hexdigest()
            sweep = Sweep(files, store.files, blobs)
            for folder in FOLDERS:
                await sweep.clear(folder)
            await blobs.forget_incoming(-60)
            return known

    known = asyncio.run(asyncio.wait_for(look(), SECONDS))
    assert saved <= {file.id for file in known}
    on_disk = {path.name for path in (tmp_path / "files").rglob("*") if path.is_file()}
    assert {file.digest for file in known} == on_disk
