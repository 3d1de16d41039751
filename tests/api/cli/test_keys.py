"""``hookline keys``: make, list and revoke."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hookline_api.cli import hookline


def keys(folder: Path, *words: str, url: str | None = None) -> Result:
    """Call ``hookline keys`` with a store in this folder."""
    variables = {"HOOKLINE_STORE__URL": url or f"sqlite:///{folder}/hookline.db"}
    config = folder / "hookline.toml"
    if not config.exists():
        config.write_text('[agents.helper]\nprovider = "p"\nmodel = "m"\n')
    line = ["keys", *words, "--config", str(config)]
    return CliRunner(env=variables).invoke(hookline, line)


def created(folder: Path, *words: str) -> Mapping[str, str]:
    """What ``keys create --json`` prints."""
    result = keys(folder, "create", *words, "--json")
    assert 0 == result.exit_code, result.output
    made: Mapping[str, str] = json.loads(result.stdout)
    return made


def listed(folder: Path, *words: str) -> list[dict[str, Any]]:
    """What ``keys list --json`` prints."""
    rows: list[dict[str, Any]] = json.loads(keys(folder, "list", "--json", *words).stdout)
    return rows


def test_a_key_is_printed_as_json(tmp_path: Path) -> None:
    """``--json`` gives the id and the key, nothing else."""
    made = created(tmp_path, "--user", "alice")

    assert ["id", "key"] == list(made)
    assert made["id"].startswith("key_")
    assert len("hk-") + 64 == len(made["key"])


def test_a_key_is_shown_once(tmp_path: Path) -> None:
    """The key is in what ``create`` prints, with a word of warning, and never again."""
    printed = keys(tmp_path, "create", "--user", "alice").stdout
    key = printed.split()[0]

    assert "never shown again" in printed
    assert key not in keys(tmp_path, "list").stdout
    assert key not in keys(tmp_path, "list", "--json").stdout


def test_keys_are_listed_newest_first(tmp_path: Path) -> None:
    """A list has what is known of each key, and can be limited to a user."""
    created(tmp_path, "--user", "alice", "--name", "laptop")
    created(tmp_path, "--user", "bob", "--agents", "helper, other", "--expires", "2999-01-31")

    bob, alice = listed(tmp_path)
    assert ("bob", ["helper", "other"], "valid") == (bob["user"], bob["agents"], bob["state"])
    assert "2999-01-31T00:00:00Z" == bob["expires_at"]
    assert ("alice", "laptop", None) == (alice["user"], alice["name"], alice["agents"])
    assert ["alice"] == [key["user"] for key in listed(tmp_path, "--user", "alice")]


def test_a_table_has_a_line_for_each_key(tmp_path: Path) -> None:
    """Without ``--json`` keys are rows of text without colours, times in UTC."""
    made = created(tmp_path, "--user", "alice", "--expires", "2999-01-31T10:00:00+02:00")

    head, row = keys(tmp_path, "list").stdout.splitlines()
    assert ["ID", "USER", "NAME", "KEY", "STATE"] == head.split()[:5]
    assert [made["id"], "alice"] == row.split()[:2]
    assert "2999-01-31T08:00:00Z" in row
    assert "\x1b" not in row


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_key_may_expire_after_a_time(tmp_path: Path, text: str, span: timedelta) -> None:
    """Minutes, hours, days and weeks count from now."""
    before = datetime.now(UTC)
    created(tmp_path, "--user", "alice", "--expires", text)
    after = datetime.now(UTC)

    expires = datetime.fromisoformat(listed(tmp_path)[0]["expires_at"])
    assert before + span <= expires <= after + span


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--user", "a", "--expires", "soon"], "'soon' is neither like 30d or 12h nor an ISO date"),
        (["--user", "a", "--expires", "2001-01-01"], "'2001-01-01' lies in the past"),
        (["--user", "a", "--agents", " , "], "name at least one agent"),
        (["--user", " "], "it must not be empty"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, words: list[str], why: str) -> None:
    """What cannot be understood is wrong use, and no key is made."""
    result = keys(tmp_path, "create", *words)

    assert 2 == result.exit_code
    assert why in result.stderr
    assert [] == listed(tmp_path)


def test_an_unknown_agent_is_remarked(tmp_path: Path) -> None:
    """A key for an agent that does not exist yet is made, and a line on stderr says so."""
    result = keys(tmp_path, "create", "--user", "a", "--agents", "helper,halper")

    assert 0 == result.exit_code
    assert "hookline: there is no agent halper yet" in result.stderr.splitlines()


def test_a_key_is_revoked(tmp_path: Path) -> None:
    """A revoked key stays in the list, with the time of its end."""
    made = created(tmp_path, "--user", "alice")

    result = keys(tmp_path, "revoke", made["id"], "--json")

    (key,) = listed(tmp_path)
    assert {"id": made["id"], "revoked": True} == json.loads(result.stdout)
    assert "revoked" == key["state"]
    assert key["revoked_at"]
    assert "is revoked" in keys(tmp_path, "revoke", made["id"]).stdout


def test_a_key_that_does_not_exist_is_not_revoked(tmp_path: Path) -> None:
    """An unknown id is a failure with a remedy."""
    result = keys(tmp_path, "revoke", "key_nope")

    expected = "hookline: there is no key with the id key_nope; hookline keys list shows the ids\n"
    assert (1, expected) == (result.exit_code, result.stderr)


def test_a_store_in_memory_takes_no_keys(tmp_path: Path) -> None:
    """A key that would be gone at once is not made."""
    result = keys(tmp_path, "create", "--user", "alice", url="memory://")

    assert 1 == result.exit_code
    assert "store.url: memory:// is forgotten when a process ends" in result.stderr


def test_a_store_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    """The store's own words say what to do."""
    result = keys(tmp_path, "list", url=f"sqlite:///{tmp_path}/none/hookline.db")

    assert 1 == result.exit_code
    assert 1 == len(result.stderr.splitlines())
    assert "does not exist" in result.stderr


def test_a_role_that_may_not_call_is_remarked(tmp_path: Path) -> None:
    """The line on stderr has the command that changes it; the config can change it, too."""
    remark = "hookline: the role user may not call agents yet: hookline roles allow user"

    assert remark in keys(tmp_path, "create", "--user", "alice").stderr
    config = (tmp_path / "hookline.toml").read_text()
    opened = '[plugins.acl.roles]\nuser = ["remote_agents.use"]\n'
    (tmp_path / "hookline.toml").write_text(f"{config}{opened}")
    assert keys(tmp_path, "create", "--user", "bob").stderr == ""


def test_the_first_administrator_comes_with_a_key(tmp_path: Path) -> None:
    """``--admin`` makes the user an administrator; one who is there already is not changed."""
    assert keys(tmp_path, "create", "--user", "root", "--admin").stderr == ""
    created(tmp_path, "--user", "alice")
    result = keys(tmp_path, "create", "--user", "alice", "--admin")

    assert 1 == result.exit_code
    assert "hookline users update alice --role admin" in result.stderr
    assert ["alice", "root"] == sorted({key["user"] for key in listed(tmp_path)})


def test_a_key_can_be_read_only(tmp_path: Path) -> None:
    """The list says so."""
    created(tmp_path, "--user", "alice", "--read-only")

    assert [True] == [key["read_only"] for key in listed(tmp_path)]
    assert "all (read-only)" in keys(tmp_path, "list").stdout


def test_keys_of_a_user_are_limited(tmp_path: Path) -> None:
    """``[permissions] keys_per_user`` holds on the command line, too."""
    (tmp_path / "hookline.toml").write_text("[permissions]\nkeys_per_user = 1\n")
    created(tmp_path, "--user", "alice")
    result = keys(tmp_path, "create", "--user", "alice")

    assert 1 == result.exit_code
    assert "alice has 1 valid keys, as many as a user may" in result.stderr
