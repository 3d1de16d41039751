"""``hookline plugins``: what is there, and what was set aside."""

import json
from pathlib import Path

from click.testing import CliRunner

from hookline_api.cli import hookline
from support.process import installed, run

LATE = """
from hookline import hookimpl

@hookimpl
def tool_loader():
    raise OSError("no tools today")
"""
BROKEN = "raise RuntimeError('the licence has expired')"


def test_the_plugins_that_come_with_it_are_listed(tmp_path: Path) -> None:
    """Each one has its distribution, version, state and hooks."""
    result = CliRunner().invoke(hookline, ["plugins", "--json"])

    listed = {plugin["name"]: plugin for plugin in json.loads(result.stdout)}
    fields = ["name", "distribution", "version", "state", "hooks", "error", "remedy"]
    assert fields == list(listed["acl"])
    assert ("hookline", "loaded") == (listed["acl"]["distribution"], listed["acl"]["state"])
    assert ["event_log", "store"] == listed["memory"]["hooks"]


def test_a_table_has_a_line_for_each_plugin() -> None:
    """Without ``--json`` there is a table, without colours where no terminal is."""
    head, *rows = CliRunner().invoke(hookline, ["plugins"]).stdout.splitlines()

    assert ["NAME", "STATE", "FROM", "HOOKS", "OR", "ERROR", "REMEDY"] == head.split()
    assert "acl" in [row.split()[0] for row in rows]
    assert "\x1b" not in "".join(rows)


def test_plugins_that_fail_are_listed_with_the_reason(tmp_path: Path) -> None:
    """One that cannot be imported and one that fails later are both named, on stdout alone."""
    path = installed(tmp_path / "site", {"broken": BROKEN, "late": LATE})

    result = run("plugins", "--json", cwd=tmp_path, PYTHONPATH=path)

    listed = {plugin["name"]: plugin for plugin in json.loads(result.stdout)}
    assert (0, "") == (result.returncode, result.stderr)
    assert "RuntimeError: the licence has expired" == listed["broken"]["error"]
    assert "OSError: no tools today" == listed["late"]["error"]
    assert "quarantined" == listed["late"]["state"]


def test_the_list_is_there_if_the_server_would_not_start(tmp_path: Path) -> None:
    """Plugins are listed although the config is wrong; a sentence says that it is."""
    config = tmp_path / "hookline.toml"
    config.write_text('[providers.p]\nkind = "nosuch"\n')

    result = CliRunner().invoke(hookline, ["plugins", "--json", "--config", str(config)])

    assert 0 == result.exit_code
    assert json.loads(result.stdout)
    assert "hookline: the server would not start" in result.stderr
    assert "providers.p.kind: no plugin offers 'nosuch'" in result.stderr
