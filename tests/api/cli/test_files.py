"""``hookline files``: list, show and delete."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result

from hookline.blobs import Blobs
from hookline.files import FileRecord
from hookline.filing import Files
from hookline_api.cli import hookline
from hookline_sqlite.store import SqliteStore


def files(folder: Path, *words: str) -> Result:
    """Call ``hookline files`` with a store and files in this folder."""
    config = folder / "hookline.toml"
    config.write_text(
        f'[store]\nurl = "sqlite:///{folder}/hookline.db"\n[files]\nurl = "file://{folder}/files"\n'
    )
    return CliRunner().invoke(hookline, ["files", *words, "--config", str(config)])


def kept(folder: Path, owner: str, name: str) -> FileRecord:
    """A file that is there."""

    async def work() -> FileRecord:
        async with SqliteStore(folder / "hookline.db") as store:
            blobs = Blobs(f"file://{folder}/files", {})
            made = Files(store.files, blobs, limit=1_000, quota=0)
            return await made.save(b"x" * 1_000, owner=owner, name=name)

    return asyncio.run(work())


def test_files_are_listed(tmp_path: Path) -> None:
    """All of them or a user's, as a table or as JSON."""
    first, second = kept(tmp_path, "alice", "a.txt"), kept(tmp_path, "bob", "b.txt")

    lines = files(tmp_path, "list").stdout.splitlines()
    listed = json.loads(files(tmp_path, "list", "--user", "bob", "--json").stdout)

    assert ["ID", "USER", "NAME", "TYPE", "BYTES"] == lines[0].split()[:5]
    assert [first.id, "alice", "a.txt", "text/plain", "1,000"] == lines[1].split()[:5]
    assert second.id == lines[2].split()[0]
    assert [(second.id, "bob", 1_000)] == [(f["id"], f["owner"], f["size"]) for f in listed]


def test_a_file_is_shown(tmp_path: Path) -> None:
    """With all that is known of it."""
    file = kept(tmp_path, "alice", "a.txt")

    assert file.digest in files(tmp_path, "show", file.id).stdout
    assert file.digest == json.loads(files(tmp_path, "show", file.id, "--json").stdout)["digest"]


def test_a_file_is_deleted(tmp_path: Path) -> None:
    """With its bytes; a second time it is not there."""
    file = kept(tmp_path, "alice", "a.txt")

    assert {"id": file.id, "deleted": True} == json.loads(
        files(tmp_path, "delete", file.id, "--json").stdout
    )
    assert [] == [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    again = files(tmp_path, "delete", file.id)
    assert 1 == again.exit_code
    assert f"there is no file {file.id}; hookline files list shows the ids" in again.stderr
