"""The administration on the command line: agents, users, groups, roles, grants and the audit."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hookline.roles import FEATURES
from hookline_api.cli import hookline, roles

AGENTS = """
[agents.helper]
provider = "p"
model = "m"
instructions = "Be brief."
edges = [{ from = "helper", to = "coder" }]

[agents.coder]
provider = "p"
model = "m"
"""


def call(folder: Path, *words: str, text: str | None = None) -> Result:
    """Call ``hookline`` with a store in this folder."""
    variables = {"HOOKLINE_STORE__URL": f"sqlite:///{folder}/hookline.db", "HOOKLINE_CONFIG": None}
    return CliRunner(env=variables).invoke(hookline, list(words), input=text)


def done(folder: Path, *words: str, text: str | None = None) -> Any:
    """What a command that succeeds prints as JSON."""
    result = call(folder, *words, "--json", text=text)
    assert 0 == result.exit_code, result.output
    return json.loads(result.stdout)


def apply(folder: Path, text: str, *words: str) -> Any:
    """Apply a file with this text."""
    path = folder / "agents.toml"
    path.write_text(text)
    return done(folder, "agents", "apply", "-f", str(path), *words)


def refusal(folder: Path, *words: str, text: str | None = None) -> str:
    """The sentence of a command that fails."""
    result = call(folder, *words, text=text)
    assert 1 == result.exit_code, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_file_of_agents_is_applied(tmp_path: Path) -> None:
    """Agents come to be together, edges between them included; again, nothing changes."""
    first, again = apply(tmp_path, AGENTS), apply(tmp_path, AGENTS)

    assert [("helper", "created", 1), ("coder", "created", 1)] == [
        (one["id"], one["change"], one["version"]) for one in first
    ]
    assert ["unchanged", "unchanged"] == [one["change"] for one in again]
    assert ["coder", "helper"] == [agent["id"] for agent in done(tmp_path, "agents", "list")]


def test_agents_of_a_file_have_an_author_if_one_is_named(tmp_path: Path) -> None:
    """A user that exists; without one nobody may call them yet, and the way out is said."""
    path = tmp_path / "agents.toml"
    path.write_text(AGENTS)
    words = ("agents", "apply", "-f", str(path))
    assert "there is no user eve" in refusal(tmp_path, *words, "--author", "eve")
    remark = call(tmp_path, *words).stderr

    assert "nobody may call the agent helper yet: hookline grants add --public" in remark
    assert [] == done(tmp_path, "grants", "list")
    assert done(tmp_path, "agents", "show", "helper")["author"] is None
    assert "" == call(tmp_path, *words).stderr


def test_a_change_is_shown_before_and_after(tmp_path: Path) -> None:
    """A dry run shows the same difference and changes nothing."""
    apply(tmp_path, AGENTS)
    changed = tmp_path / "changed.json"
    changed.write_text('{"id": "coder", "provider": "p", "model": "new"}')
    words = ("agents", "apply", "-f", str(changed))
    dry, real = call(tmp_path, *words, "--dry-run"), call(tmp_path, *words)

    assert '-  "model": "m",\n+  "model": "new",' in dry.stdout
    assert dry.stdout.endswith("agent coder: would be changed\n")
    assert real.stdout.endswith("agent coder: changed (version 2)\n")
    assert dry.stdout.splitlines()[:-1] == real.stdout.splitlines()[:-1]


def test_agents_can_come_from_standard_input(tmp_path: Path) -> None:
    """``-f -`` reads TOML or JSON."""
    done(tmp_path, "agents", "apply", "-f", "-", text=AGENTS)

    assert "Be brief." == done(tmp_path, "agents", "show", "helper")["instructions"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[agents.a]\nmodel = 1", "agents.a: model: Expected `str`, got `int`"),
        ("[agents.a]\nmodel = 'm'", "agents.a: Object missing required field `provider`"),
        ("[agents.'a b']\nmodel = 'm'\nprovider = 'p'", "agents.a b: an id has letters"),
        ("model = 'm'", "one agent with its id"),
        ("{", "neither TOML nor JSON"),
        ("[agents.a", "neither TOML nor JSON"),
        ("x = 1\n[agents.a]\nmodel = 'm'\nprovider = 'p'", "no key 'x' beside agents"),
        ("agents = 1", "agents is not a table"),
        ("[agents]\na = 1", "agents.a: Expected `object`, got `int`"),
        ("[agents.a]\nmodel='m'\nprovider='p'\nmodle='x'", "agents.a: there is no key 'modle'"),
        (
            "[agents.a]\nmodel='m'\nprovider='p'\nedges=[{from='a',to='nobody'}]",
            "edges[0].to: there is no agent nobody",
        ),
    ],
)
def test_a_wrong_file_changes_nothing(tmp_path: Path, text: str, sentence: str) -> None:
    """The sentence names what is wrong; good agents beside it are not written either."""
    path = tmp_path / "wrong.toml"
    path.write_text(text)

    assert sentence in refusal(tmp_path, "agents", "apply", "-f", str(path))
    assert [] == done(tmp_path, "agents", "list")


def test_versions_are_listed_shown_and_gone_back_to(tmp_path: Path) -> None:
    """Going back is a new version."""
    for model in ("one", "two"):
        apply(tmp_path, f'id = "a"\nprovider = "p"\nmodel = "{model}"')
    kept = done(tmp_path, "agents", "revert", "a", "1")

    assert (3, "one") == (kept["version"], kept["model"])
    assert [3, 2, 1] == [one["version"] for one in done(tmp_path, "agents", "versions", "a")]
    assert "two" == done(tmp_path, "agents", "show", "a@2")["model"]
    assert "hookline agents versions a lists" in refusal(tmp_path, "agents", "show", "a@9")
    assert "no version 9" in refusal(tmp_path, "agents", "revert", "a", "9")


def test_a_deleted_agent_is_gone_with_its_edges(tmp_path: Path) -> None:
    """Agents that led to it do not any more."""
    apply(tmp_path, AGENTS)
    done(tmp_path, "agents", "delete", "coder")

    assert [] == done(tmp_path, "agents", "show", "helper")["edges"]
    assert "there is no agent coder" in refusal(tmp_path, "agents", "delete", "coder")


def test_users_are_created_changed_and_deleted(tmp_path: Path) -> None:
    """What is not given stays; a second one of the same id is refused."""
    done(tmp_path, "users", "create", "ann", "--name", "Ann")
    changed = done(tmp_path, "users", "update", "ann", "--role", "admin", "--disable")

    assert ("Ann", "admin", True, 2) == tuple(
        changed[name] for name in ("name", "role", "disabled", "version")
    )
    assert done(tmp_path, "users", "show", "ann") == changed
    assert "disabled" in call(tmp_path, "users", "list").stdout
    assert "ann has version 2 now" in refusal(tmp_path, "users", "create", "ann")
    assert {"id": "ann", "deleted": True} == done(tmp_path, "users", "delete", "ann")
    assert "there is no user ann" in refusal(tmp_path, "users", "show", "ann")


def test_groups_have_members(tmp_path: Path) -> None:
    """Users that exist; a deleted user is in no group."""
    for user in ("ann", "bob"):
        done(tmp_path, "users", "create", user)
    done(tmp_path, "groups", "create", "devs", "--member", "ann")
    assert "there is no user eve" in refusal(tmp_path, "groups", "add-members", "devs", "eve")
    added = done(tmp_path, "groups", "add-members", "devs", "bob")
    done(tmp_path, "users", "delete", "ann")

    assert ["ann", "bob"] == added["members"]
    assert ["bob"] == done(tmp_path, "groups", "show", "devs")["members"]
    assert [] == done(tmp_path, "groups", "remove-members", "devs", "bob")["members"]
    assert {"id": "devs", "deleted": True} == done(tmp_path, "groups", "delete", "devs")
    assert [] == done(tmp_path, "groups", "list")


def test_roles_allow_and_deny(tmp_path: Path) -> None:
    """A role that nobody changed is as it was from the beginning."""
    assert [] == done(tmp_path, "roles", "show", "user")["features"]
    allowed = done(tmp_path, "roles", "allow", "user", "remote_agents.use")
    denied = done(tmp_path, "roles", "deny", "admin", "remote_agents.share_public")

    assert ["remote_agents.use"] == allowed["features"]
    assert set(FEATURES) - {"remote_agents.share_public"} == set(denied["features"])
    assert ["admin", "user"] == [role["id"] for role in done(tmp_path, "roles", "list")]
    assert 2 == call(tmp_path, "roles", "allow", "user", "fly").exit_code


def test_the_features_of_the_help_are_those_there_are() -> None:
    """The help needs no import of the runtime to know them."""
    assert tuple(FEATURES) == roles.FEATURES


def test_grants_are_given_listed_and_taken(tmp_path: Path) -> None:
    """The default is calling an agent; the author of an agent has grants from the beginning."""
    done(tmp_path, "users", "create", "ann")
    done(tmp_path, "users", "create", "bob")
    apply(tmp_path, AGENTS, "--author", "bob")
    added = done(tmp_path, "grants", "add", "--user", "ann", "--agent", "helper")
    done(tmp_path, "grants", "add", "--public", "--agent", "helper", "--expires", "30d")

    assert ("remoteAgent_viewer", 1) == (added["role"], added["bits"])
    assert 4 == len(done(tmp_path, "grants", "list", "--agent", "helper"))
    [mine] = done(tmp_path, "grants", "list", "--user", "ann")
    assert added == mine
    done(tmp_path, "grants", "remove", "--user", "ann", "--agent", "helper")
    assert [] == done(tmp_path, "grants", "list", "--user", "ann")
    words = ("grants", "remove", "--user", "ann", "--agent", "helper")
    assert "user ann has no grant on remoteAgent helper" in refusal(tmp_path, *words)
    assert "public" in call(tmp_path, "grants", "list", "--kind", "remoteAgent").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--user", "eve", "--agent", "helper"], "there is no user eve"),
        (["--group", "eve", "--agent", "helper"], "there is no group eve"),
        (["--public", "--agent", "nobody"], "there is no agent nobody"),
    ],
)
def test_a_grant_names_what_there_is(tmp_path: Path, words: list[str], sentence: str) -> None:
    """Grantee and agent must exist."""
    apply(tmp_path, AGENTS)

    assert sentence in refusal(tmp_path, "grants", "add", *words)


@pytest.mark.parametrize("words", [[], ["--user", "a", "--public"]])
def test_a_grant_is_for_one(tmp_path: Path, words: list[str]) -> None:
    """None, or two, is a wrong call."""
    result = call(tmp_path, "grants", "add", "--agent", "helper", *words)

    assert 2 == result.exit_code
    assert "one of --user, --group, --role and --public" in result.stderr


def test_every_change_is_in_the_audit(tmp_path: Path) -> None:
    """Under the system's user, newest first, with hashes of before and after."""
    done(tmp_path, "users", "create", "ann")
    done(tmp_path, "users", "update", "ann", "--name", "Ann")
    done(tmp_path, "roles", "allow", "user", "remote_agents.use")
    records = done(tmp_path, "audit", "list")

    assert [("create", "role"), ("update", "user"), ("create", "user")] == [
        (record["action"], record["kind"]) for record in records
    ]
    assert all(record["actor"].startswith("cli:") for record in records)
    assert records[1]["before"] == records[2]["after"] != records[1]["after"]
    assert 1 == len(done(tmp_path, "audit", "list", "--kind", "role"))
    assert "ann" in call(tmp_path, "audit", "list", "--subject", "ann").stdout
