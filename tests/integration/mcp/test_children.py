"""Servers that are child processes inherit nothing but what the config says."""

import os
from typing import Any

import pytest

from hookline_mcp.failures import NotConnected
from support.mcp_servers import child, opened, run

SAFE = {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"}
OWN = {"LC_CTYPE"}
"""What Python itself sets where the environment names no locale."""


def test_environment_of_a_child(monkeypatch: pytest.MonkeyPatch):
    """It has the few variables that are safe, and those of the config; no secret of its parent."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-parent")
    monkeypatch.setenv("HOOKLINE_SECRETS__KEY", "parent")

    async def work() -> Any:
        async with opened({"here": child(env={"ONLY": "this"})}) as tools:
            names = await tools.call("environment_mcp_here")
            value = await tools.call("variable_mcp_here", name="ONLY")
            return set(names.text.split()), value.content

    names, value = run(work)

    assert "ONLY" in names
    assert names <= SAFE | OWN | {"ONLY"}
    assert "this" == value


def test_descriptors_of_a_child():
    """No file or connection of the parent is open in it."""
    program = "import os; print(sorted(os.listdir('/proc/self/fd')), file=__import__('sys').stderr)"
    server = {"command": "python3", "args": ["-c", program]}
    read, write = os.pipe()
    os.set_inheritable(write, False)

    async def work() -> str:
        async with opened({"here": server}) as tools:
            with pytest.raises(NotConnected) as caught:
                await tools.specs("x_mcp_here")
            return caught.value.words

    text = run(work)
    os.close(read)
    os.close(write)

    assert "['0', '1', '2', '3']" in text  # 3 is the folder that is being listed
