"""Processes of ``hookline`` that start at once: each is a fork of one that has imported it all.

::

    with zygote(folder, environment) as forks:
        process = forks.start(["serve"], cwd=folder, folder=folder / "server1")
        process.kill()
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import attrs

from support.process import ADDRESS, variables

SECONDS = 60
PROGRAM = """
import json, os, signal, sys
import hookline.runtime, hookline_api.app, hookline_api.cli.serve, hookline_api.server, uvicorn
import hookline_acl, hookline_ledger, hookline_mongo.ports, hookline_openai, hookline_sqlite.store
from hookline_api.cli import hookline

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(asked["cwd"])
    for number, name in ((0, os.devnull), (1, asked["stdout"]), (2, asked["stderr"])):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(name, flags, 0o600), number)
    hookline.main(asked["words"], prog_name="hookline")
"""


@attrs.define
class Fork:
    """A process that was forked; ``origin`` is where it serves."""

    pid: int
    folder: Path
    origin: str = ""

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self, signum: signal.Signals) -> None:
        """Send it a signal and wait until it is gone."""
        os.kill(self.pid, signum)
        deadline = time.monotonic() + SECONDS
        while self.lives:
            assert time.monotonic() < deadline, f"{self.pid} does not end"
            time.sleep(0.005)

    def wait_until_ready(self) -> None:
        """Wait until it says where it serves."""
        deadline = time.monotonic() + SECONDS
        while not (found := ADDRESS.search((self.folder / "stdout").read_text())):
            errors = (self.folder / "stderr").read_text()
            assert self.lives, f"it has ended: {errors}"
            assert time.monotonic() < deadline, f"it does not serve: {errors}"
            time.sleep(0.01)
        self.origin = found[0]


@attrs.frozen
class Zygote:
    """The process that the others are forks of."""

    process: "subprocess.Popen[str]"

    def start(self, words: Sequence[str], cwd: Path, folder: Path) -> Fork:
        """Start the program with these words; what it prints goes to files in the folder."""
        folder.mkdir()
        names = {name: str(folder / name) for name in ("stdout", "stderr")}
        for name in names.values():
            Path(name).touch()
        self.process.stdin.write(json.dumps({"words": words, "cwd": str(cwd), **names}) + "\n")
        self.process.stdin.flush()
        return Fork(int(self.process.stdout.readline()), folder)


@attrs.define
class Fleet:
    """Servers on one store, of which any may be killed."""

    folder: Path
    key: str
    forks: Zygote
    random: Random
    servers: list[Fork] = attrs.field(factory=list)
    _started: int = 0

    def start(self) -> None:
        """Start a server."""
        self._started += 1
        server = self.forks.start(
            ["serve"], cwd=self.folder, folder=self.folder / f"server{self._started}"
        )
        server.wait_until_ready()
        self.servers.append(server)

    def kill_one(self) -> Fork:
        """Kill one of the servers as the machine would."""
        server = self.servers.pop(self.random.randrange(len(self.servers)))
        server.end(signal.SIGKILL)
        return server

    def stop(self) -> None:
        """Stop all servers as an operator would."""
        for server in self.servers:
            server.end(signal.SIGTERM)
        self.servers.clear()


@contextmanager
def zygote(environment: Mapping[str, str]) -> Iterator[Zygote]:
    """A process to fork, with these variables."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=variables(**environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield Zygote(process)
        finally:
            process.stdin.close()
            process.wait(SECONDS)
