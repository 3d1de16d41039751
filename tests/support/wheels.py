"""Wheels built from this checkout, and a clean environment to install them into."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "tests" / "packages"
ADDRESS = re.compile(r"http://127\.0\.0\.1:[1-9]\d*")
SECONDS = 60


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """What a command prints. It has to succeed."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=variables(**environment),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def variables(**environment: str) -> dict[str, str]:
    """This process's environment variables without what would reach into a clean environment."""
    ours = ("COVERAGE_", "HOOKLINE_", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment}


def build(project: Path, out: Path, target: str = "wheel") -> Path:
    """Build the wheel or the sdist of a project with hatchling, which is installed here."""
    before = set(out.glob("*"))
    run([sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out], project)
    (built,) = set(out.glob("*")) - before
    return built


@attrs.frozen
class Environment:
    """A clean environment with what the run-time lock file lists, and some wheels."""

    path: Path

    @classmethod
    def make(cls, path: Path, wheels: Sequence[Path]) -> "Environment":
        """Make it. Only wheels of this checkout are taken without a hash."""
        run([sys.executable, "-m", "virtualenv", "--quiet", path], ROOT)
        made = cls(path)
        pip = [made.program("python"), "-m", "pip", "install", "--quiet", "--no-compile"]
        run([*pip, "--require-hashes", "--requirement", "requirements.lock"], ROOT)
        run([*pip, "--no-deps", "--no-index", *wheels], ROOT)
        return made

    def program(self, name: str) -> Path:
        """The path of an installed program."""
        folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
        return self.path / folder / f"{name}{suffix}"

    def hookline(self, *words: str | Path, cwd: Path, **environment: str) -> str:
        """What ``hookline`` prints."""
        return run([self.program("hookline"), *words], cwd, **environment)

    @contextmanager
    def serving(self, config: Path, **environment: str) -> Iterator[str]:
        """A running ``hookline serve``; gives its address."""
        output = config.with_suffix(".log")
        command = [self.program("hookline"), "serve", "--config", config, "--port", "0"]
        with (
            output.open("w") as file,
            subprocess.Popen(
                command,
                cwd=config.parent,
                env=variables(**environment),
                stdout=file,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            try:
                yield _address(process, output)
            finally:
                process.terminate()
                process.wait(SECONDS)


def _address(process: "subprocess.Popen[bytes]", output: Path) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := ADDRESS.search(output.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"the server did not say where it listens:\n{output.read_text()}")
