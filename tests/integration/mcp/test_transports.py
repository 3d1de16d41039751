"""Real servers over both transports: lists, calls, changes, progress, cancellation."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline_mcp.failures import NotConnected
from support.mcp_server import made, old
from support.mcp_servers import child, endpoint, opened, run, scope_of, served, until


@pytest.fixture(params=["child", "old child", "http", "old http"])
def server(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The settings of the test server over each transport, in a new and an old version.

    The old one knows only versions of the protocol that begin with a handshake.
    """
    middleware = [old] if request.param.startswith("old") else []
    if request.param.endswith("child"):
        yield child(args=["old"] if middleware else [])
        return
    with served(made(*middleware).streamable_http_app()) as url:
        yield endpoint(url)


def test_tools_are_listed_and_called(server: dict[str, Any]):
    """An agent that names a tool gets its definition, and a call gets its result."""

    async def work() -> Any:
        async with opened({"here": server}) as tools:
            specs = await tools.specs("add_mcp_here", "effect_mcp_here")
            sum_ = await tools.call("add_mcp_here", a=2, b=3)
            effect = await tools.call("effect_mcp_here")
            return specs, sum_.content, effect.content

    specs, sum_, effect = run(work)

    assert ["add_mcp_here", "effect_mcp_here"] == [spec.name for spec in specs]
    assert "Add two numbers." == specs[0].description
    assert ["a", "b"] == list(specs[0].parameters["required"])
    assert [True, False] == [spec.repeatable for spec in specs]
    assert ("5", "eff_1") == (sum_, effect)


def test_all_tools_of_a_server(server: dict[str, Any]):
    """One entry stands for all tools of a server that are allowed and not denied."""
    limited = {**server, "allow": ["a*", "file"], "deny": ["arguments"]}

    async def work() -> Any:
        async with opened({"here": limited}) as tools:
            token = "sys__all__sys_mcp_here"
            return token, await tools.specs(token), await tools.names(token, "fail_mcp_here")

    token, specs, names = run(work)

    assert ["add_mcp_here", "file_mcp_here"] == [spec.name for spec in specs] == names
    assert {token} == {spec.part_of for spec in specs}


def test_list_follows_changes(server: dict[str, Any]):
    """A tool that a server begins to offer is there after its notice, and one that went is not."""

    async def work() -> None:
        async with opened({"here": server}) as tools:
            assert [] == await tools.names("later_mcp_here")
            await tools.call("grow_mcp_here", name="later")
            await until(lambda: _named(tools, "later_mcp_here"))
            grown = await tools.call("later_mcp_here")
            assert "grown" == grown.content
            await tools.call("shrink_mcp_here", name="later")
            await until(lambda: _missing(tools, "later_mcp_here"))

    run(work)


async def _named(tools: Any, name: str) -> bool:
    return [name] == await tools.names(name)


async def _missing(tools: Any, name: str) -> bool:
    return not await _named(tools, name)


def test_progress_keeps_a_call_alive(server: dict[str, Any]):
    """A call that gets on may take longer than its time-out, and the run hears of it."""
    told: list[None] = []

    async def work() -> Any:
        async with opened({"here": {**server, "timeout": 1.0}}) as tools:
            scope = scope_of(progress=lambda: told.append(None))
            loaded = await tools.loader.load(["steps_mcp_here"], scope)
            result: Any = await loaded["steps_mcp_here"].call({"count": 6, "seconds": 0.4}, scope)
            return result.content

    assert "6 steps" == run(work)
    assert len(told) >= 4


def test_hanging_call_ends_and_the_session_goes_on(server: dict[str, Any]):
    """A call without a sign of life ends with a text for the model; the next call works."""

    async def work() -> Any:
        async with opened({"here": {**server, "timeout": 0.5}}) as tools:
            hung = await tools.call("hang_mcp_here")
            after = await tools.call("add_mcp_here", a=1, b=1)
            return hung, after.content

    hung, after = run(work)

    assert hung.failed
    assert hung.text.startswith("[MCP][here][hang] tool call failed: ")
    assert "no sign of getting on for 0.5 s" in hung.text
    assert "2" == after


def test_cancellation_reaches_the_server(server: dict[str, Any], tmp_path: Path):
    """The server's tool is cancelled with the call, and other calls go on."""
    note = tmp_path / "note"

    async def work() -> str:
        async with opened({"here": server}) as tools:
            await tools.call("add_mcp_here", a=1, b=1)
            call = asyncio.create_task(tools.call("hang_mcp_here", note=str(note)))
            await until(note.exists)
            other = asyncio.create_task(tools.call("steps_mcp_here", count=2, seconds=0.2))
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await until(lambda: note.read_text() == "cancelled")
            return str((await other).content)

    assert "2 steps" == run(work)


def test_hundred_calls_at_once(server: dict[str, Any]):
    """A hundred calls go over one connection, and each gets its own result."""

    async def work() -> Any:
        async with opened({"here": server}) as tools:
            calls = (tools.call("add_mcp_here", a=number, b=1000) for number in range(100))
            return [result.content for result in await asyncio.gather(*calls)]

    assert [str(number + 1000) for number in range(100)] == run(work)


def test_large_message_has_a_limit(server: dict[str, Any]):
    """An answer beyond the limit is a failed call, and the server can be used again."""

    async def work() -> Any:
        async with opened({"here": server}, message_limit=100_000) as tools:
            failed = await tools.call("large_mcp_here", size=300_000)
            await until(lambda: _works(tools))
            return failed

    assert run(work).failed


async def _works(tools: Any) -> bool:
    result = await tools.call("add_mcp_here", a=1, b=1)
    return bool("2" == result.content)


def test_unreachable_server_fails_the_definitions():
    """The run of an agent whose server cannot be reached fails, and says which server it is."""
    servers = {"gone": endpoint("http://127.0.0.1:9/mcp"), "absent": {"command": "no-such-program"}}

    async def work() -> list[str]:
        async with opened(servers) as tools:
            errors, words = [], ""
            for name in servers:
                with pytest.raises(NotConnected) as caught:
                    await tools.specs(f"x_mcp_{name}")
                errors.append(str(caught.value))
                words = caught.value.words
            return [*errors, words]

    gone, absent, words = run(work)

    assert "the MCP server gone cannot be reached: http://127.0.0.1:9 cannot be reached" == gone
    assert (
        "the MCP server absent cannot be reached: Connection closed (it ended with status 127)"
        == absent
    )
    assert "no-such-program: No such file or directory" == words


def test_degraded_agent_keeps_its_other_tools():
    """An agent that may degrade gets the tools of the servers that answer."""

    async def work() -> list[str]:
        with served(made().streamable_http_app()) as url:
            servers = {"gone": endpoint("http://127.0.0.1:9/mcp"), "here": endpoint(url)}
            async with opened(servers) as tools:
                names = ("x_mcp_gone", "add_mcp_here", "y_mcp_unknown", "calculator")
                return await tools.names(*names, on_tool_failure="degrade")

    assert ["add_mcp_here"] == run(work)
