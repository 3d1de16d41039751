"""Whether a server starts that is to run code: only where the proof succeeds."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hookline import Agent, PluginContext, Principal
from hookline.errors import PluginError
from hookline_code import tool_loader
from support import sandboxes

pytestmark = pytest.mark.skipif(bool(sandboxes.obstacle()), reason=sandboxes.obstacle())

AGENT = Agent(id="coder", provider="p", model="m", tools=("execute_code", "calculator"))
PROVE = """
import asyncio
from hookline_code import Settings
from hookline_code.probe import prove
asyncio.run(prove(Settings(enabled=True)))
"""


async def start(plugin: PluginContext) -> list[str]:
    """Start the part; the tools that it offers to an agent."""
    loader = tool_loader(plugin)
    async with loader:  # type: ignore[attr-defined]
        specs = await loader.definitions(AGENT, Principal(user="alice"))
        return [spec.name for spec in specs]


def test_the_tool_is_offered_where_code_is_isolated(tmp_path: Path):
    """The part starts, and offers the tool to agents that name it."""
    assert ["execute_code"] == asyncio.run(start(sandboxes.context(tmp_path)))


def test_settings_that_let_code_out_are_refused(tmp_path: Path):
    """Settings that show code what the server has keep the server from starting, in one line."""
    plugin = sandboxes.context(tmp_path, paths=["/tmp"])

    # Where the interpreter itself is below that folder, the sandbox does not even begin.
    expected = r"^plugins\.code: (code in a sandbox could reach other f|this machine cannot )"
    with pytest.raises(PluginError, match=expected):
        asyncio.run(start(plugin))


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_a_machine_without_namespaces_is_refused():
    """Where user namespaces are forbidden the error names the switch, in one line."""
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", forbid, "sh", sys.executable, "-c", PROVE],
        capture_output=True,
        text=True,
        timeout=sandboxes.SECONDS,
        check=False,
    )

    assert (
        "hookline.errors.PluginError: plugins.code: this machine cannot isolate code: unshare: No "
        "space left on device; allow user namespaces (sysctl user.max_user_namespaces=10000), or "
        "set enabled = false"
    ) == done.stderr.splitlines()[-1]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_a_server_in_a_namespace_of_its_own():
    """A server that is root of its own user namespace alone can isolate, or says that it cannot."""
    done = subprocess.run(
        ["unshare", "-Ur", sys.executable, "-c", PROVE],
        capture_output=True,
        text=True,
        timeout=sandboxes.SECONDS,
        check=False,
    )

    last = done.stderr.splitlines()[-1:] or [""]
    assert (
        done.returncode == 0 or "plugins.code: code in a sandbox could reach processes" in last[0]
    )
