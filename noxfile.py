"""Every task of this repository.

With bare Python (3.11 or newer) this file makes an environment first, from a lock file, and then
works in it; nothing else has to be installed::

    python3 noxfile.py demo            start a server with a scripted agent; arguments are passed on
    python3 noxfile.py test            lint, types and all tests
    python3 noxfile.py tests -- -k sse any other session, with arguments of its own
    python3 noxfile.py --list          what there is

In an environment that has the development tools, ``nox -s test`` does the same.
"""

from __future__ import annotations  # so that a Python which is too old can say so

import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
SOURCES = ("conftest.py", "noxfile.py", "runtime", "api", "plugins", "tests")
WINDOWS = os.name == "nt"


def bootstrap(words: list[str]) -> None:
    """Make the environment that the words need, and go on in it. Does not return."""
    if sys.version_info < (3, 11):  # noqa: UP036  this must run where Python is too old
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.exit("Hookline needs Python 3.11 or newer, and this is %s." % found)  # noqa: UP031
    os.chdir(ROOT)
    if not words or words[0] in {"-h", "--help"}:
        sys.exit(__doc__)
    if words[0] == "demo":
        env = environment("demo-env", "requirements.lock")
        go_on(env, [program(env, "hookline"), *words])
    env = environment("env", "requirements-dev.lock")
    nox_words = words if words[0].startswith("-") else ["-s", *words]
    go_on(env, [program(env, "python"), "-m", "nox", *nox_words])


def environment(name: str, lock: str) -> Path:
    """The environment ``.nox/<name>`` with what the lock file lists, and this project."""
    env = ROOT / ".nox" / name
    stamp = env / "installed.txt"
    wanted = [fingerprint(lock), fingerprint("pyproject.toml")]
    done = stamp.read_text().split() if stamp.is_file() else []
    if done == wanted:
        return env
    stamp.unlink(missing_ok=True)  # so that what is interrupted is done again
    install = [*pip_of(env), "install", "-qq", "--disable-pip-version-check", "--no-input"]
    install.append("--no-compile")  # Python compiles what it imports, which is a small part
    if done[:1] != wanted[:1]:
        say(f"Making the environment {env.relative_to(ROOT)} (once, one or two minutes).")
        make(env)
        say(f"Installing what {lock} lists, by hash.")
        run([*install, "--require-hashes", "--requirement", lock])
    say("Installing Hookline itself.")
    run([*install, "--no-deps", "--no-build-isolation", "--editable", "."])
    stamp.write_text("\n".join(wanted))
    return env


def fingerprint(name: str) -> str:
    """What was installed from a file, where, and with which Python."""
    place = f"{ROOT}\n{sys.version}\n{sys.executable}\n"
    return hashlib.sha256(place.encode() + (ROOT / name).read_bytes()).hexdigest()


def make(env: Path) -> None:
    """Make an empty environment, with a pip of its own where Python has one to give."""
    venv.EnvBuilder(clear=True, symlinks=not WINDOWS).create(env)
    if has("ensurepip"):
        pip = [program(env, "python"), "-m", "ensurepip", "--upgrade", "--default-pip"]
        run(pip, stdout=subprocess.DEVNULL)


def pip_of(env: Path) -> list[str | Path]:
    """The command that installs into an environment.

    Some Linux distributions ship ``ensurepip`` apart from Python. Then the pip that Python does
    have installs into the environment from outside.
    """
    if has("ensurepip"):
        return [program(env, "python"), "-m", "pip"]
    if has("pip"):
        return [sys.executable, "-m", "pip", "--python", program(env, "python")]
    sys.exit(
        "This Python has neither ensurepip nor pip. Install one of them, for example with "
        "'apt-get install python3-venv', and run this again."
    )


def has(module: str) -> bool:
    """Whether this Python has a module."""
    return importlib.util.find_spec(module) is not None


def program(env: Path, name: str) -> Path:
    """The path of a program in an environment."""
    return env / "Scripts" / f"{name}.exe" if WINDOWS else env / "bin" / name


def say(line: str) -> None:
    """Tell the user what is being done, apart from what the task prints."""
    print(f"noxfile: {line}", file=sys.stderr, flush=True)


def run(command: list[str | Path], **options: Any) -> None:
    """Run a step, or stop with what failed."""
    variables = {**os.environ, "PIP_USER": "0"}  # a user's "user = true" fails in an environment
    result = subprocess.run([str(word) for word in command], env=variables, check=False, **options)
    if result.returncode != 0:
        shown = " ".join(str(word) for word in command)
        sys.exit(f"noxfile: this failed with exit code {result.returncode}: {shown}")


def bytecode() -> dict[str, str]:
    """Variables that let Python keep bytecode in ``.nox`` where it is asked to write none.

    Else each of the hundreds of processes that tests start would compile everything anew.
    """
    if not sys.dont_write_bytecode:
        return {}
    kept = ROOT / ".nox" / "bytecode"
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(kept)}


def go_on(env: Path, command: list[str | Path]) -> None:
    """Become the command, in the environment."""
    words = [str(word) for word in command]
    path = os.pathsep.join([str(program(env, "python").parent), os.environ.get("PATH", "")])
    os.environ.update(PATH=path, VIRTUAL_ENV=str(env), **bytecode())
    if WINDOWS:  # exec would give the terminal back at once
        sys.exit(subprocess.call(words))
    os.execv(words[0], words)


if __name__ == "__main__":
    try:
        bootstrap(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("noxfile: stopped; what was not finished is done again the next time")

import nox

nox.options.default_venv_backend = "none"  # the environment that nox runs in has everything
nox.options.sessions = ["lint", "types", "tests"]
PYTHON = sys.executable
LINT_IMPORTS = str(program(Path(sys.prefix), "lint-imports"))


@nox.session
def test(session: nox.Session) -> None:
    """Everything that a change has to pass: lint, types, tests."""
    for name in nox.options.sessions:
        session.notify(name)


AT_ONCE = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")
"""How all tests are run: the blocks of a page of the docs, like the tests of a file, in order.

Files are taken as they are collected; by the number of their tests, the longest would come last.
"""


@nox.session
def lint(session: nox.Session) -> None:
    """The house style, and which package may import which."""
    session.run(PYTHON, "-m", "ruff", "check", *SOURCES)
    session.run(PYTHON, "-m", "ruff", "format", "--check", *SOURCES)
    session.run(LINT_IMPORTS)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, on all that is shipped."""
    session.run(PYTHON, "-m", "mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, those of the built wheels too; two files at a time, or the words given."""
    session.run(PYTHON, "-m", "pytest", *(session.posargs or AT_ONCE))


@nox.session
def coverage(session: nox.Session) -> None:
    """All tests, and which branches they do not reach; half as long again."""
    session.run(PYTHON, "-m", "pytest", "--cov", "--cov-report=term", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """The wheel and the sdist into dist/, and the tests that install the wheel."""
    session.run(PYTHON, "-m", "build", "--no-isolation", "--outdir", "dist")
    session.run(PYTHON, "-m", "pytest", "tests/packaging", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The code blocks of the README and the docs."""
    session.run(PYTHON, "-m", "pytest", "README.md", "docs", *session.posargs)


@nox.session
def snapshots(session: nox.Session) -> None:
    """Write the response contracts anew; read the difference before you commit it."""
    session.run(PYTHON, "-m", "pytest", "--snapshot-update", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the server against the floors."""
    session.run(PYTHON, "tests/bench/run.py", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Many more random histories, killed servers and runs than the tests try; an hour or two."""
    more = {
        "HOOKLINE_HISTORIES": "50000",
        "HOOKLINE_KILLS": "1000",
        "HOOKLINE_LEAK_RUNS": "20000",
    }
    chosen = (
        "tests/runtime/test_conservation.py",
        "tests/api/test_killed_servers.py",
        "tests/integration/test_leaks.py",
    )
    words = session.posargs or chosen
    session.run(PYTHON, "-m", "pytest", "--timeout=0", *words, env=more)


@nox.session
def prices(session: nox.Session) -> None:
    """Make the ledger's catalogue of prices anew, from the genai-prices that is locked."""
    session.run(PYTHON, "-m", "hookline_ledger.extract", "plugins/hookline_ledger/catalogue.json")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve both lock files anew; with ``-- --upgrade`` to the newest versions."""
    uv = [PYTHON, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    uv += ["--python-version", "3.11", "--no-annotate", "--no-emit-index-url", *session.posargs]
    uv += ["--custom-compile-command", "python3 noxfile.py lock", "pyproject.toml"]
    dev = "requirements-dev.lock"
    session.run(*uv, "--all-extras", "--group=dev", "--output-file", dev)
    session.run(*uv, "--constraint", dev, "--group=build", "--output-file", "requirements.lock")
