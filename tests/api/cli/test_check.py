"""``hookline check``: what is wrong and where."""

import asyncio
import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from hookline.moments import now
from hookline.outbox import OutboxRun, Parked
from hookline.usage import Closing
from hookline_api.cli import hookline
from hookline_sqlite.store import SqliteStore
from support.process import installed, run

SOUND = """
[store]
url = "sqlite:///{folder}/hookline.db"

[providers.local]
kind = "scripted"

[agents.helper]
provider = "local"
model = "small"
tools = ["calculator"]
"""
RIVAL = """
from hookline import StaticTools, hookimpl, tool

@tool
async def calculator(expression: str) -> str:
    '''Add things up.'''
    return "4"

@hookimpl
def tool_loader():
    return StaticTools(calculator)
"""


def checked(folder: Path, more: str = "") -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by name; of two with one name the last one."""
    config = folder / "hookline.toml"
    config.write_text(SOUND.format(folder=folder) + more)
    result = CliRunner().invoke(hookline, ["check", "--json", "--config", str(config)])
    return result.exit_code, {found["name"]: found for found in json.loads(result.stdout)}


def test_a_sound_config_has_no_errors(tmp_path: Path) -> None:
    """Everything is looked at, and only the missing key is remarked."""
    code, found = checked(tmp_path)

    plugins = {name for name in found if name.startswith("plugin ")}
    rest = {name: finding["status"] for name, finding in found.items() if name not in plugins}
    assert 0 == code
    assert {
        "config": "ok",
        "store": "ok",
        "event_log": "ok",
        "keys": "warning",
        "usage": "ok",
        "provider local": "ok",
        "agent helper": "ok",
    } == rest
    assert {"plugin acl", "plugin sqlite", "plugin tools"} <= plugins
    assert "hookline keys create --user NAME" == found["keys"]["remedy"]


def test_what_is_parked_is_remarked(tmp_path: Path) -> None:
    """With what to do about it; looking tells no recorder anything."""
    closing = Closing(run="run_1", agent="helper", user="alice", outcome="finished")
    parked = Parked(recorder="acme", item="run_1:end", error="no", attempts=3, at=now())
    waiting = OutboxRun(
        id="run_2",
        server="gone",
        recorders=["ledger"],
        closing=attrs.evolve(closing, run="run_2"),
        ended=True,
    )
    kept = OutboxRun(
        id="run_1",
        server="gone",
        recorders=["acme"],
        closing=closing,
        ended=True,
        parked=[parked],
    )
    checked(tmp_path)

    async def put() -> None:
        async with SqliteStore(tmp_path / "hookline.db") as store:
            await store.outbox.put([kept, waiting], durable=True)

    asyncio.run(put())
    _, found = checked(tmp_path)
    _, again = checked(tmp_path)

    assert ("warning", "1 item is parked that a recorder could not take") == (
        found["usage"]["status"],
        found["usage"]["message"],
    )
    assert "hookline usage parked" in found["usage"]["remedy"]
    assert found["usage"] == again["usage"]


@pytest.mark.parametrize(
    ("more", "name", "message"),
    [
        ("[server]\nprt = 1", "config", "server: there is no key 'prt'"),
        ("[plugins.nosuch]", "config", "plugins.nosuch: no such plugin"),
        ("[plugins.acl]\ncache_seconds = -1", "config", "plugins.acl: cache_seconds: Expected"),
        ('[event_log]\nurl = "redis://x"', "config", "event_log.url: no plugin serves redis://"),
        ('[providers.x]\nkind = "nosuch"', "config", "providers.x.kind: no plugin offers"),
        ("[runtime]\nrequired_plugins = ['absent']", "plugins", "plugin absent is required"),
        (
            '[agents.a]\nprovider = "lokal"\nmodel = "m"',
            "agent a",
            "there is no provider lokal; there are: local",
        ),
        (
            '[agents.a]\nprovider = "local"\nmodel = "m"\ntools = ["hammer"]',
            "agent a",
            "no plugin offers hammer",
        ),
        (
            '[agents.a]\nprovider = "local"\nmodel = "m"\nedges = [{from = "a", to = "b"}]',
            "agent a",
            "edges[0].to: there is no agent b; create it, or do not name it",
        ),
        (
            '[agents.a]\nprovider = "local"\nmodel = "m"\n'
            'edges = [{from = "a", to = "helper", condition = "x"}]',
            "agent a",
            "edges[0].condition is no condition: there is no 'x'",
        ),
        (
            '[agents.a]\nprovider = "local"\nmodel = "m"\nsubagents = ["a"]',
            "agent a",
            "subagents: an agent cannot be among its own",
        ),
    ],
)
def test_an_error_is_named_with_its_place(
    tmp_path: Path, more: str, name: str, message: str
) -> None:
    """Each error has its place in the message, and makes the exit code 1."""
    code, found = checked(tmp_path, more)

    assert (1, "error") == (code, found[name]["status"])
    assert message in found[name]["message"]


def test_a_store_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """The store is tried, and its remedy is told."""
    variables = {"HOOKLINE_STORE__URL": f"sqlite:///{tmp_path}/none/hookline.db"}

    result = CliRunner(env=variables).invoke(hookline, ["check", "--json"])

    found = {finding["name"]: finding for finding in json.loads(result.stdout)}
    assert (1, "error") == (result.exit_code, found["store"]["status"])
    assert "does not exist; create it" in found["store"]["message"]


@pytest.mark.parametrize(
    "more",
    [
        'provider = "local"',
        'provider = "near"\nfallbacks = [{ provider = "local", model = "m" }]',
        'provider = "near"\nsummary = { provider = "local", model = "m" }',
    ],
)
def test_a_provider_that_is_not_allowed_is_an_error(tmp_path: Path, more: str) -> None:
    """Every model of an agent is looked at: its own, those that stand in, the one that sums up."""
    tables = '[providers.near]\nkind = "scripted"\n[policy]\nallowed_providers = ["near"]\n'

    code, found = checked(tmp_path, f'{tables}[agents.a]\nmodel = "m"\n{more}')

    assert (1, "error") == (code, found["agent a"]["status"])
    assert "uses the provider local, which [policy]" in found["agent a"]["message"]
    assert "allow it there" in found["agent a"]["remedy"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('tools = ["hammer"]\non_tool_failure = "degrade"', "no plugin offers hammer"),
        ('locked = ["seed"]', "seed is locked, and model_parameters do not set it"),
    ],
)
def test_what_still_works_is_a_warning(tmp_path: Path, more: str, message: str) -> None:
    """An agent that can answer in spite of it is no error."""
    agent = f'[agents.a]\nprovider = "local"\nmodel = "m"\n{more}'

    code, found = checked(tmp_path, agent)

    assert (0, "warning") == (code, found["agent a"]["status"])
    assert message in found["agent a"]["message"]


def test_a_team_is_sound(tmp_path: Path) -> None:
    """Edges, conditions and subagents are nothing to remark on."""
    edge = '{from = "a", to = "helper", condition = "turns < 3"}'
    team = f'[agents.a]\nprovider = "local"\nmodel = "m"\nedges = [{edge}]\nsubagents = ["helper"]'

    code, found = checked(tmp_path, team)

    assert (0, "ok") == (code, found["agent a"]["status"])


def test_keys_that_are_of_no_use_are_remarked(tmp_path: Path) -> None:
    """A valid key does not help a user whose role may not call agents."""
    checked(tmp_path)
    config = ["--config", str(tmp_path / "hookline.toml")]
    assert 0 == CliRunner().invoke(hookline, ["keys", "create", "--user", "a", *config]).exit_code
    _, before = checked(tmp_path)
    allow = ["roles", "allow", "user", "remote_agents.use", *config]
    assert 0 == CliRunner().invoke(hookline, allow).exit_code
    _, after = checked(tmp_path)

    assert ("warning", "hookline roles allow user remote_agents.use") == (
        before["keys"]["status"],
        before["keys"]["remedy"],
    )
    assert ("ok", "1 valid") == (after["keys"]["status"], after["keys"]["message"])


def test_agents_that_only_the_store_has_are_looked_at(tmp_path: Path) -> None:
    """An agent that was taken out of the config can still be called, so it is checked."""
    old = '[providers.old]\nkind = "scripted"\n[agents.old]\nprovider = "old"\nmodel = "m"'
    checked(tmp_path, old)
    words = ["chat", "old", "-m", "Hello", "--config", str(tmp_path / "hookline.toml")]
    assert 0 == CliRunner().invoke(hookline, words).exit_code

    code, found = checked(tmp_path)

    assert (1, "error") == (code, found["agent old"]["status"])
    assert "there is no provider old; there are: local" == found["agent old"]["message"]


def test_a_config_without_agents_is_remarked(tmp_path: Path) -> None:
    """A server that has nothing to offer is a warning."""
    result = CliRunner(env={"HOOKLINE_STORE__URL": "memory://"}).invoke(hookline, ["check"])

    assert 0 == result.exit_code
    assert "add a table [agents.NAME] to the config" in result.stdout


def test_the_table_says_the_same(tmp_path: Path) -> None:
    """Without ``--json`` each finding is a row."""
    config = tmp_path / "hookline.toml"
    config.write_text(SOUND.format(folder=tmp_path))

    printed = CliRunner().invoke(hookline, ["check", "--config", str(config)]).stdout

    head, *rows = printed.splitlines()
    assert ["CHECKED", "STATUS", "MESSAGE", "REMEDY"] == head.split()
    assert "it runs small of the provider local with calculator" in rows[-1]


def test_other_peoples_plugins_are_looked_at(tmp_path: Path) -> None:
    """A broken plugin and a tool that two plugins offer are warnings with a remedy."""
    (tmp_path / "hookline.toml").write_text(SOUND.format(folder=tmp_path))
    path = installed(
        tmp_path / "site",
        {"rival": RIVAL, "broken": "raise RuntimeError('the licence has expired')"},
    )

    result = run("check", "--json", cwd=tmp_path, PYTHONPATH=path)

    found = {finding["name"]: finding for finding in json.loads(result.stdout)}
    assert 0 == result.returncode
    assert (
        "it is set aside: RuntimeError: the licence has expired"
        == found["plugin broken"]["message"]
    )
    assert (
        "the tool calculator comes from the plugin rival, and tools offers it too"
        == found["agent helper"]["message"]
    )


def test_passwords_of_urls_are_not_shown(tmp_path: Path) -> None:
    """What a URL holds before the host stays unseen."""
    config = tmp_path / "hookline.toml"
    config.write_text('[store]\nurl = "memory://user:secret@host"\n')

    result = CliRunner().invoke(hookline, ["check", "--config", str(config)])

    assert "memory://host answers" in result.stdout
    assert "secret" not in result.output
