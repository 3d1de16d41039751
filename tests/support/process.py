"""The program ``hookline`` in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs

PROGRAM = Path(sys.executable).with_name("hookline")
ADDRESS = re.compile(r"http://127\.0\.0\.1:[1-9]\d*")
SECONDS = 60


def variables(**given: str) -> dict[str, str]:
    """This process's environment variables without those that Hookline reads, and these."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HOOKLINE_")}
    return {**kept, "NO_PROXY": "127.0.0.1", **given}


def run(
    *words: str | Path, cwd: Path, stdin: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [PROGRAM, *words],
        cwd=cwd,
        env=variables(**environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@attrs.frozen
class Program:
    """A command that runs until it is told to end."""

    process: "subprocess.Popen[str]"
    folder: Path
    origin: str = ""

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def wait_for(self, text: str, stream: str = "stdout") -> None:
        """Wait until it has printed this."""
        deadline = time.monotonic() + SECONDS
        while text not in (self.folder / stream).read_text():
            assert time.monotonic() < deadline, f"no {text!r}:\n{self.stdout}\n{self.stderr}"
            assert self.process.poll() is None, f"it ended:\n{self.stdout}\n{self.stderr}"
            time.sleep(0.02)

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; the exit code."""
        self.process.send_signal(signum)
        return self.process.wait(SECONDS)


@contextmanager
def running(*words: str | Path, cwd: Path, folder: Path, **environment: str) -> Iterator[Program]:
    """Start a command; what it prints goes to files in the folder."""
    folder.mkdir(exist_ok=True)
    with (
        (folder / "stdout").open("w") as out,
        (folder / "stderr").open("w") as err,
        subprocess.Popen(
            [PROGRAM, *words],
            cwd=cwd,
            env=variables(**environment),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            text=True,
        ) as process,
    ):
        try:
            yield Program(process, folder)
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def serving(*words: str | Path, cwd: Path, **environment: str) -> Iterator[Program]:
    """Start ``serve`` or ``demo`` and wait until it says that it is ready."""
    with running(*words, cwd=cwd, folder=cwd / "output", **environment) as program:
        program.wait_for("http://")
        found = ADDRESS.search(program.stdout)
        assert found, program.stdout
        yield attrs.evolve(program, origin=found[0])


def installed(folder: Path, plugins: Mapping[str, str]) -> str:
    """Make packages that look installed where ``PYTHONPATH`` is this, one a plugin; the path.

    Args:
        folder: where to make them.
        plugins: the source of each module, by the name of module, entry point and distribution.
    """
    folder.mkdir()
    for name, source in plugins.items():
        (folder / f"{name}.py").write_text(source)
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[hookline]\n{name} = {name}\n")
    return str(folder)
