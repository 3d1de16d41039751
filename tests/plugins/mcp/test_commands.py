"""``hookline mcp``: servers of the store, and what users give."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hookline_mcp import cli_commands
from support.mcp_servers import served

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config with a store on disk, a key, and a server of its own."""
    path = tmp_path / "hookline.toml"
    path.write_text(
        f"""
        [store]
        url = "sqlite:///{tmp_path}/hookline.db"

        [secrets]
        key = "{KEY}"

        [plugins.mcp]
        allow_private = ["127.0.0.1"]

        [plugins.mcp.servers.local]
        command = "no-such-program"
        """
    )
    return path


def told(config: Path, *words: str, given: str | None = None) -> Result:
    """What a command says; with the exception that ends it."""
    arguments = [*words, "--config", str(config)]
    return CliRunner().invoke(cli_commands(), arguments, input=given)


def found(config: Path, *words: str) -> Any:
    """What a command says as JSON."""
    result = told(config, *words, "--json")
    assert 0 == result.exit_code, result.exception
    return json.loads(result.stdout)


def test_servers_are_added_tested_and_removed(config: Path):
    """A server of the store is there until it is removed, with what users gave for it."""
    with served() as url:
        header = "Authorization=Bearer {{TOKEN}}"
        added = told(
            *(config, "add", "wiki", "--url", url, "--header", header),
            *("--variable", "TOKEN=Yours.", "--allow", "a*"),
        )
        given = told(config, "credentials", "set", "alice", "wiki", "TOKEN", given="a-secret\n")
        tested = found(config, "test", "wiki", "--user", "alice")

    assert 0 == added.exit_code, added.exception
    assert 0 == given.exit_code, given.exception
    assert {"add_mcp_wiki": "add", "arguments_mcp_wiki": "arguments"} == tested["tools"]
    assert [
        {
            "name": "local",
            "kind": "command",
            "source": "config",
            "user_variables": {},
            "allow": [],
            "deny": [],
        },
        {
            "name": "wiki",
            "kind": "http",
            "source": "store",
            "user_variables": {"TOKEN": "Yours."},
            "allow": ["a*"],
            "deny": [],
        },
    ] == found(config, "list")
    removed = told(config, "remove", "wiki")
    assert "1 users" in removed.stdout
    assert ["local"] == [server["name"] for server in found(config, "list")]
    assert {} == found(config, "credentials", "list", "alice")


def test_credentials_are_never_shown(config: Path):
    """Names are listed, values are not; what is removed is gone."""
    url = "https://example.com/mcp?key={{TOKEN}}"
    told(config, "add", "wiki", "--url", url, "--variable", "TOKEN=")
    results = [
        told(config, "credentials", "set", "alice", "wiki", "TOKEN", given="very-secret"),
        told(config, "credentials", "list", "alice"),
        told(config, "list"),
        told(config, "credentials", "remove", "alice", "wiki", "TOKEN"),
        told(config, "credentials", "remove", "alice", "wiki"),
    ]

    assert [0, 0, 0, 0, 1] == [result.exit_code for result in results]
    assert "wiki: TOKEN\n" == results[1].stdout
    assert "very-secret" not in "".join(result.output for result in results)


def test_a_key_is_replaced(config: Path):
    """What a former key has sealed needs it no longer; what no key opens is named."""
    url = "https://example.com/mcp?key={{TOKEN}}&more={{MORE}}"
    told(config, "add", "wiki", "--url", url, "--variable", "TOKEN=", "--variable", "MORE=")
    told(config, "credentials", "set", "alice", "wiki", "TOKEN", given="very-secret")
    told(config, "credentials", "set", "bob", "wiki", "TOKEN", given="a secret")
    new, text = base64.b64encode(b"n" * 32).decode(), config.read_text()
    config.write_text(text.replace(f'"{KEY}"', f'"{new}"\nformer_keys = ["{KEY}"]'))
    told(config, "credentials", "set", "alice", "wiki", "MORE", given="newer")
    first = found(config, "credentials", "reseal")
    second = told(config, "credentials", "reseal")
    config.write_text(text.replace(KEY, new))
    third = told(config, "credentials", "reseal")
    config.write_text(text)
    fourth = told(config, "credentials", "reseal")

    assert {"resealed": 2, "unchanged": 0, "broken": []} == first
    assert (0, "0 resealed, 2 unchanged\n") == (second.exit_code, second.output)
    assert (0, "0 resealed, 2 unchanged\n") == (third.exit_code, third.output)
    assert (1, "0 resealed, 0 unchanged\n") == (fourth.exit_code, fourth.stdout)
    said = "mcp_wiki/alice was sealed with a key that is not in the config\n"
    assert said + said.replace("alice", "bob") == fourth.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["add", "wiki", "--url", "http://10.0.0.1/mcp"], "not an address of the public internet"),
        (["add", "local", "--url", "https://example.com"], "the config has a server local already"),
        (["add", "a_mcp_b", "--url", "https://example.com"], "Expected"),
        (["add", "wiki", "--url", "https://example.com", "--header", "x"], "NAME=VALUE"),
        (["add", "wiki", "--url", "https://example.com", "--variable", "A=b"], "not used anywhere"),
        (["remove", "local"], "stands in the config"),
        (["remove", "wiki"], "there is no MCP server wiki in the store"),
        (["test", "wiki"], "there is no MCP server wiki"),
        (["test", "local"], "no-such-program"),
        (["credentials", "set", "alice", "local", "KEY"], "does not ask users for KEY"),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, words: list[str], text: str):
    """A command that cannot do what it is asked fails with one sentence."""
    result = told(config, *words, given="x")

    assert 1 == result.exit_code
    assert text in str(result.exception)
