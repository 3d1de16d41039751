"""The command ``hookline`` itself: help, errors, and commands of plugins."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hookline_api.cli import hookline
from support.process import installed, run

HEAVY = {"aiohttp", "asyncio", "hookline", "litestar", "msgspec", "rich", "structlog"}
COMMANDS = [
    *("demo", "serve", "check", "plugins", "agents", "keys", "users", "groups", "roles", "grants"),
    "files",
    *("balance", "usage", "audit", "store", "chat", "permissions", "actions", "mcp"),
]
SUBCOMMANDS = [
    *(f"agents {word}" for word in ("apply", "list", "show", "delete", "versions", "revert")),
    *(f"files {word}" for word in ("list", "show", "delete")),
    *(f"keys {word}" for word in ("create", "list", "revoke")),
    *(f"users {word}" for word in ("list", "show", "create", "update", "delete")),
    *(f"groups {word}" for word in ("list", "show", "create", "add-members", "remove-members")),
    *("groups delete", "audit list", "permissions explain"),
    *(f"roles {word}" for word in ("list", "show", "allow", "deny")),
    *(f"grants {word}" for word in ("add", "remove", "list")),
    *(f"balance {word}" for word in ("list", "show", "add", "limits", "refill", "entries")),
    *(f"usage {word}" for word in ("parked", "retry", "reprice")),
    *(f"store {word}" for word in ("status", "migrate", "copy")),
]

GREETER = """
import click
from hookline import hookimpl

@click.command()
@click.argument("how")
def greet(how):
    '''Greet in some way.'''
    if how == "crash":
        raise ValueError("no way\\nto greet")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "click":
        raise click.ClickException("cannot greet.")
    click.echo(f"Hello, {how}.")
    return 3

@hookimpl
def cli_commands():
    return greet
"""
PICKY = """
import click
import msgspec
from hookline import hookimpl

class Settings(msgspec.Struct):
    needed: str

@hookimpl
def cli_commands():
    return click.Command("picky", help="Picky about settings.")
"""
PLUGINS = {
    "greeter": GREETER,
    "picky": PICKY,
    "broken": "raise RuntimeError('the licence has expired')",
    "faulty": "from hookline import hookimpl\n@hookimpl\ndef cli_commands(): raise OSError('x')",
    "odd": "from hookline import hookimpl\n@hookimpl\ndef cli_commands(): return 'text'",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ``site`` has plugins of other people."""
    folder = tmp_path_factory.mktemp("strangers")
    installed(folder / "site", PLUGINS)
    return folder


def imported_by(*words: str) -> set[str]:
    """Which heavy packages a command line imports."""
    code = (
        "import sys\n"
        "from hookline_api.cli import hookline\n"
        "try:\n    hookline(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print('MODULES', *sys.modules)"
    )
    command = [sys.executable, "-c", code, *words]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return HEAVY & set(printed.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize("words", [["--help"], ["keys", "--help"], ["serve", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """Whoever only reads the help waits for no package but click."""
    assert set() == imported_by(*words)


def test_the_help_lists_our_commands() -> None:
    """Every command is there, in the order in which one needs them."""
    printed = CliRunner().invoke(hookline, ["--help"]).stdout
    listed = [line.split()[0] for line in printed.partition("Commands:")[2].splitlines() if line]

    assert COMMANDS == listed


@pytest.mark.parametrize("name", [*COMMANDS[:-3], *SUBCOMMANDS])
def test_each_command_has_an_example(name: str) -> None:
    """The help of a command ends in a line that can be pasted."""
    result = CliRunner().invoke(hookline, [*name.split(), "--help"])

    assert 0 == result.exit_code
    assert f"hookline {name}" in result.stdout.partition("Example")[2]


def test_the_version_is_printed() -> None:
    """``--version`` names the program and its version."""
    assert CliRunner().invoke(hookline, ["--version"]).stdout.startswith("hookline ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nosuch"], "hookline: No such command 'nosuch'; see hookline --help"),
        (["--nosuch"], "hookline: No such option '--nosuch'; see hookline --help"),
        (["keys", "create"], "hookline: Missing option '--user'; see hookline keys create --help"),
        (["chat"], "hookline: Missing argument 'AGENT'; see hookline chat --help"),
        (
            ["serve", "--port", "x"],
            "hookline: Invalid value for '--port': 'x' is not a valid integer range; "
            "see hookline serve --help",
        ),
    ],
)
def test_wrong_use_is_one_sentence(words: list[str], sentence: str) -> None:
    """A wrong call ends with code 2, one sentence on stderr and nothing on stdout."""
    result = CliRunner().invoke(hookline, words)

    assert (2, f"{sentence}\n", "") == (result.exit_code, result.stderr, result.stdout)


def test_without_words_there_is_help() -> None:
    """``hookline`` alone prints the help to stderr and ends with code 2."""
    result = CliRunner().invoke(hookline, [])

    assert 2 == result.exit_code
    assert "Commands:" in result.stderr


def test_plugins_add_commands_and_broken_ones_do_no_harm(folder: Path) -> None:
    """The help lists a plugin's command after ours, and says nothing of plugins that fail."""
    result = run("--help", cwd=folder, PYTHONPATH=str(folder / "site"))
    listed = [line.split()[0] for line in result.stdout.partition("Commands:")[2].splitlines()[1:]]

    assert ([*COMMANDS, "greet", "picky"], "") == (listed, result.stderr)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("you", (0, "Hello, you.\n", "")),
        (
            "crash",
            (
                1,
                "",
                "hookline: unexpected ValueError: no way to greet; "
                "run with HOOKLINE_DEBUG=1 for the traceback\n",
            ),
        ),
        ("click", (1, "", "hookline: cannot greet\n")),
        ("interrupt", (130, "", "")),
    ],
)
def test_a_plugins_command_ends_as_ours_do(
    folder: Path, how: str, expected: tuple[int, str, str]
) -> None:
    """What it returns is no exit code; what it raises becomes one sentence."""
    result = run("greet", how, cwd=folder, PYTHONPATH=str(folder / "site"))

    assert expected == (result.returncode, result.stdout, result.stderr)


def test_debugging_shows_the_traceback(folder: Path) -> None:
    """With ``HOOKLINE_DEBUG`` an unexpected exception is shown as it is."""
    result = run("greet", "crash", cwd=folder, PYTHONPATH=str(folder / "site"), HOOKLINE_DEBUG="1")

    assert 1 == result.returncode
    assert "Traceback" in result.stderr
