"""``hookline serve``: from a config to answers, and what it logs."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.process import installed, run, serving

CONFIG = """
[server]
port = 0

[store]
url = "sqlite:///./hookline.db"

[providers.local]
kind = "scripted"

[agents.echo]
provider = "local"
model = "small"

[plugins.acl.roles]
user = ["remote_agents.use"]
"""
QUESTION = {"model": "echo", "messages": [{"role": "user", "content": "Hello"}]}
MEMORY = {"HOOKLINE_STORE__URL": "memory://"}


def written(folder: Path, more: str = "") -> Path:
    """A config file in this folder."""
    path = folder / "hookline.toml"
    path.write_text(CONFIG + more)
    return path


def ask(origin: str, key: str) -> httpx.Response:
    """Ask the agent ``echo``."""
    return httpx.post(
        f"{origin}/v1/chat/completions",
        json=QUESTION,
        headers={"authorization": f"Bearer {key}"},
        timeout=30,
        trust_env=False,
    )


def lines(text: str) -> list[dict[str, Any]]:
    """The log: each line is JSON."""
    return [json.loads(line) for line in text.splitlines()]


def test_a_key_from_the_command_line_lets_in(tmp_path: Path) -> None:
    """What ``keys create`` prints is what the server on the same config takes."""
    written(tmp_path)
    made = json.loads(run("keys", "create", "--user", "alice", "--json", cwd=tmp_path).stdout)

    with serving("serve", cwd=tmp_path) as program:
        answer = ask(program.origin, made["key"])
        code = program.stop()

    assert (200, 0) == (answer.status_code, code)
    assert "Hello" == answer.json()["choices"][0]["message"]["content"]
    assert made["key"] not in program.stderr
    assert f"Hookline is ready on {program.origin}/v1\n" == program.stdout


def test_a_revoked_key_lets_nobody_in(tmp_path: Path) -> None:
    """A key that is revoked while the server runs is refused once the cache is over."""
    written(tmp_path, "[plugins.acl]\ncache_seconds = 0\n")
    made = json.loads(run("keys", "create", "--user", "alice", "--json", cwd=tmp_path).stdout)

    with serving("serve", cwd=tmp_path) as program:
        before = ask(program.origin, made["key"]).status_code
        run("keys", "revoke", made["id"], cwd=tmp_path)
        after = ask(program.origin, made["key"]).status_code

    assert (200, 401) == (before, after)


def test_the_log_is_json_where_no_terminal_is(tmp_path: Path) -> None:
    """Each line has a time, a level and an event; requests are logged, and so is the end."""
    written(tmp_path)

    with serving("serve", cwd=tmp_path, **MEMORY) as program:
        ask(program.origin, "hk-wrong-and-secret")
        program.stop()

    log = lines(program.stderr)
    assert ["timestamp", "level", "event"] == list(log[0])[:3]
    finished = next(line for line in log if line["event"] == "request.finished")
    assert ("/v1/chat/completions", 401) == (finished["path"], finished["status"])
    assert "server.stopping" == log[-1]["event"]
    assert "secret" not in program.stderr


def test_a_server_without_keys_says_how_to_make_one(tmp_path: Path) -> None:
    """Nobody could call it, so the log says so, with the command."""
    written(tmp_path)

    with serving("serve", cwd=tmp_path, **MEMORY) as program:
        program.stop()

    (warning,) = [line for line in lines(program.stderr) if line["level"] == "warning"]
    assert "keys.none_found" == warning["event"]
    assert "hookline keys create --user NAME" == warning["remedy"]


def test_the_level_of_the_log_comes_from_the_config(tmp_path: Path) -> None:
    """At ``error`` a healthy server is silent."""
    written(tmp_path)
    level = {"HOOKLINE_SERVER__LOG_LEVEL": "error"}

    with serving("serve", cwd=tmp_path, **MEMORY, **level) as program:
        ask(program.origin, "hk-wrong")
        program.stop()

    assert "" == program.stderr


def test_a_plugin_that_is_set_aside_is_logged(tmp_path: Path) -> None:
    """The server starts beside a broken plugin and says which one it is."""
    written(tmp_path)
    path = installed(tmp_path / "site", {"broken": "raise RuntimeError('no licence')"})

    with serving("serve", cwd=tmp_path, PYTHONPATH=path, **MEMORY) as program:
        program.stop()

    found = [line for line in lines(program.stderr) if line["event"] == "plugin.quarantined"]
    assert ("broken", "RuntimeError: no licence") == (found[-1]["plugin"], found[-1]["error"])


def test_the_command_line_wins_over_the_config(tmp_path: Path) -> None:
    """``--host`` and ``--port`` replace what the file says."""
    config = written(tmp_path).rename(tmp_path / "other.toml")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    words = ("--config", config, "--host", "127.0.0.1", "--port", str(port))

    with serving("serve", *words, cwd=tmp_path, HOOKLINE_SERVER__HOST="no.such") as program:
        assert f"http://127.0.0.1:{port}" == program.origin


def test_the_config_may_be_named_by_a_variable(tmp_path: Path) -> None:
    """``HOOKLINE_CONFIG`` is ``--config`` for all commands."""
    config = written(tmp_path).rename(tmp_path / "other.toml")

    result = run("chat", "echo", "-m", "Hello", cwd=tmp_path, HOOKLINE_CONFIG=str(config))

    assert "Hello\n" == result.stdout


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """A server that cannot listen names host and port, and ends with code 1."""
    written(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", "--port", str(port), cwd=tmp_path)

    expected = (
        f"hookline: cannot listen on 127.0.0.1:{port}: another program listens there; "
        "choose another [server] host or port\n"
    )
    assert (1, "", expected) == (result.returncode, result.stdout, result.stderr)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("HOOKLINE_SERVER__HOST", "no-such-host.invalid", "there is no such host"),
        ("HOOKLINE_STORE__URL", "sqlite:////no/such/folder/x.db", "does not exist; create it"),
        ("HOOKLINE_SERVER__PORT", "many", "server.port: Expected `int`, got `str`"),
        ("HOOKLINE_CONFIG", "nosuch.toml", "nosuch.toml: cannot be read"),
    ],
)
def test_a_start_that_fails_is_one_sentence(
    tmp_path: Path, variable: str, value: str, sentence: str
) -> None:
    """Whatever keeps the server from starting is told in one sentence, with code 1."""
    written(tmp_path)

    result = run("serve", cwd=tmp_path, **{variable: value})

    said = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    assert (1, 1) == (result.returncode, len(said))
    assert sentence in said[0]


def test_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    """SIGINT is as good as SIGTERM."""
    written(tmp_path)

    with serving("serve", cwd=tmp_path, **MEMORY) as program:
        assert 0 == program.stop(signal.SIGINT)
