"""How the code blocks of README and docs run: one function per language.

Documents speak of a server at ``http://127.0.0.1:8000`` with the key ``hk-demo``; blocks get those
of a real one instead. A Python block whose first line is ``# name.py`` is that module: later blocks
can import it, and configs can hold settings for it. ``text`` blocks are no code.
"""

import base64
import doctest
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from sybil import Example
from sybil.parsers.markdown import CodeBlockParser

from hookline.plugins import Plugins
from hookline.registry import Registry
from hookline.settings import load
from hookline_api.cli import hookline
from hookline_api.cli.showcase import AGENTS
from hookline_api.config import Config
from support.server import KEY, RunningServer

SERVER = "documented_server"
"""The name of the fixture with the server that blocks talk to."""

ORIGIN = "http://127.0.0.1:8000"
SHOWN_KEY = "hk-demo"
SECONDS = 60
ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-docs",
    "ANTHROPIC_API_KEY": "sk-docs",
    "PETSTORE_KEY": "pk-docs",
    "HOOKLINE_SECRET": base64.b64encode(b"d" * 32).decode(),
}
"""The variables that configs in the docs take values from."""

COMPARE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_FILE = re.compile(r"# (?P<name>\w+)\.py\n")
_MODULES = "modules of this document"
_QUIET = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


def tables() -> Mapping[str, Any]:
    """The config of the server that blocks talk to: that of ``hookline demo``, and a teller."""
    scripted = {"provider": "scripted", "model": "scripted"}
    options = {"calculator": {"require_approval": True}}
    teller = {"tools": ["calculator"], "tool_options": options}
    agents = {id_: {**scripted, **agent} for id_, agent in {**AGENTS, "teller": teller}.items()}
    return {"providers": {"scripted": {"kind": "scripted"}}, "agents": agents}


def parsers() -> list[CodeBlockParser]:
    """A parser for every language that the docs may use."""
    languages: Mapping[str, Callable[[Example], str | None]] = {
        "python": run_python,
        "toml": decode_toml,
        "json": decode_json,
        "console": run_console,
    }
    return [CodeBlockParser(language, evaluate) for language, evaluate in languages.items()]


def forget_modules(namespace: dict[str, Any]) -> None:
    """Take the modules of a document out of the process again."""
    for name in namespace.get(_MODULES, ()):
        sys.modules.pop(name, None)


def run_python(example: Example) -> None:
    """Execute a block, as a module of its own if its first line is the name of a file."""
    source = _with_server(example)
    padded = "\n" * (example.line + example.parsed.line_offset) + source
    code = compile(padded, example.path, "exec", dont_inherit=True)
    file = _FILE.match(source)
    if file is None:
        exec(code, example.namespace)
        example.namespace.pop("__builtins__", None)
        return
    module = types.ModuleType(file["name"])
    sys.modules[file["name"]] = module
    example.namespace.setdefault(_MODULES, {})[file["name"]] = module
    exec(code, module.__dict__)
    for name, test in list(vars(module).items()):
        if name.startswith("test_") and callable(test):
            test()


def decode_toml(example: Example) -> None:
    """Make all parts from a config, strictly; a ``pyproject.toml`` must name its entry point."""
    text = str(example.parsed)
    document = tomllib.loads(text)
    if "project" in document:
        assert document["project"]["entry-points"]["hookline"], "no entry point"
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hookline.toml"
        path.write_text(text)
        config = load(path, Config, ENVIRONMENT)
    plugins = Plugins(config.plugins, "hookline.toml")
    for name, module in example.namespace.get(_MODULES, {}).items():
        plugins.add(name, module)
    plugins.discover()
    Registry(config, plugins, "hookline.toml")


def decode_json(example: Example) -> None:
    """Decode a block."""
    msgspec.json.decode(str(example.parsed))


def run_console(example: Example) -> str | None:
    """Check each command after ``$``; run those of curl, and compare what they print."""
    shown = re.sub(r"\\\n\s*", "", _with_server(example))
    for block in re.split(r"^\$ ", shown, flags=re.MULTILINE)[1:]:
        line, _, expected = block.partition("\n")
        words = shlex.split(line, comments=True)
        match words[0]:
            case "curl":
                got = _output(["curl", "-sS", *words[1:]])
                if not doctest.OutputChecker().check_output(expected.strip(), got.strip(), COMPARE):
                    return f"{line}\n\nexpected:\n{expected}\ngot:\n{got}"
            case "hookline":
                check_command(words[1:])
            case "python3":
                check_task(words[1:])
            case program:
                assert program in {"pip", "pytest", "cd", "export", "sqlite3", "cp", "kill"}, line
    return None


def check_command(words: list[str]) -> None:
    """Raise unless ``hookline`` knows the command and its options."""
    command: click.Command = hookline
    context = click.Context(command, info_name="hookline")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"no command {words[0]}"
        command, words = found, words[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    command.make_parser(context).parse_args(list(words))


def check_task(words: list[str]) -> None:
    """Raise unless ``noxfile.py`` has the session."""
    if words[0] != "noxfile.py":
        return
    if words[1] == "demo":
        check_command(words[1:])
        return
    text = (Path(__file__).parents[2] / "noxfile.py").read_text()
    assert words[1].startswith("-") or f"\ndef {words[1]}(" in text, f"no session {words[1]}"


def _with_server(example: Example) -> str:
    server: RunningServer = example.namespace[SERVER]
    text = str(example.parsed)
    return text.replace(ORIGIN, server.origin).replace(SHOWN_KEY, KEY)


def _output(command: list[str]) -> str:
    environment = {**os.environ, **_QUIET}
    done = subprocess.run(
        command, env=environment, timeout=SECONDS, check=True, capture_output=True, text=True
    )
    return done.stdout
