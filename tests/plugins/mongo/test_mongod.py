"""The MongoDB servers that tests use."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from support.mongod import (
    Mongod,
    ReplicaSet,
    do_without,
    fresh_database,
    require_mongod,
    why_not,
)

require_mongod()


def documents(url: str) -> list[Any]:
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=10_000) as client:
        return list(client.get_default_database().notes.find())


def insert(url: str, note: str) -> None:
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=10_000) as client:
        client.get_default_database().notes.insert_one({"_id": note})


def test_a_killed_server_comes_back_with_its_data(tmp_path: Path) -> None:
    """What was acknowledged before a kill is there after the restart, under the same URL."""
    with Mongod(tmp_path) as mongod:
        url = mongod.url("kept") + "&w=majority&journal=true"
        insert(url, "before")
        mongod.kill()
        mongod.restart()

        assert [{"_id": "before"}] == documents(url)


def test_a_stopped_server_comes_back_with_its_data(tmp_path: Path) -> None:
    """A server that was asked to stop keeps its data too."""
    with Mongod(tmp_path) as mongod:
        insert(mongod.url("kept"), "before")
        mongod.stop()
        mongod.restart()

        assert [{"_id": "before"}] == documents(mongod.url("kept"))


def test_fresh_databases_are_empty() -> None:
    """Each test has a database of its own on the shared server."""
    with fresh_database() as one, fresh_database() as other:
        insert(one, "note")

        assert ([{"_id": "note"}], []) == (documents(one), documents(other))


def test_a_set_replaces_its_primary(tmp_path: Path) -> None:
    """After its primary was killed a set of three has another one, with the data."""
    with ReplicaSet(tmp_path, members=3) as replicas:
        url = replicas.url("kept") + "&w=majority"
        insert(url, "before")
        first = replicas.primary()
        first.kill()

        assert replicas.primary() is not first
        assert [{"_id": "before"}] == documents(url)


def test_no_server_outlives_a_killed_process(tmp_path: Path) -> None:
    """The server ends when the process that started it is killed."""
    source = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from support.mongod import Mongod
mongod = Mongod(Path({str(tmp_path)!r}))
mongod.start()
print(mongod._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    run = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, check=False)
    stat = Path(f"/proc/{int(run.stdout)}/stat")

    deadline = time.monotonic() + 10
    while stat.exists() and ") Z " not in stat.read_text():
        assert time.monotonic() < deadline, "it still runs"


def test_a_missing_library_is_named_with_its_package() -> None:
    """The reason for a skip says what to install."""
    said = "mongod: error while loading shared libraries: libcurl.so.4: cannot open: No such file"

    assert (
        "mongod needs the library libcurl.so.4; it is in the Debian package libcurl4"
    ) == why_not(Path("/bin/mongod"), said)


def test_a_skip_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI a missing mongod is a failure, elsewhere a skip with the reason."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no mongod: the wheel is missing"):
        do_without("the wheel is missing")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"CI must not skip.*: the wheel is missing"):
        do_without("the wheel is missing")
