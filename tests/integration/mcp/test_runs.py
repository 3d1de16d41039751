"""Tools of MCP servers in runs of agents: called by a model, cancelled, and left out."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import hookline_mcp
from hookline.errors import ToolUnavailable
from hookline.events import RunFinished, ToolCallFinished
from hookline.providers import ModelFinished, ToolCallPiece
from support.mcp_server import INSTRUCTIONS
from support.mcp_servers import alive, child, endpoint, run, served, until
from support.runtimes import STOP, ListedModel, finished, start
from support.runtimes import opened as opened_runtime


def _asking(*calls: tuple[str, dict[str, Any]]) -> list[Any]:
    pieces = [
        ToolCallPiece(number, f"call_{number}", name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(calls)
    ]
    return [*pieces, ModelFinished("tool_calls")]


def _opened(model: ListedModel, servers: dict[str, Any], **agent: Any) -> Any:
    tables = {"plugins": {"plugin0": {"servers": servers}}}
    return opened_runtime(model, hookline_mcp, tables=tables, **agent)


def test_model_calls_tools():
    """A model calls tools of a server at the same time; one of them fails, and the run goes on."""

    async def work() -> Any:
        with served() as url:
            model = ListedModel(
                _asking(
                    ("add_mcp_here", {"a": 1, "b": 2}),
                    ("refusal_mcp_here", {}),
                    ("add_mcp_here", {"a": "x"}),
                ),
                [STOP],
            )
            tools = ["sys__all__sys_mcp_here"]
            async with _opened(model, {"here": endpoint(url)}, tools=tools) as runtime:
                events = await finished(await start(runtime))
        assert isinstance(events[-1], RunFinished)
        calls = [event for event in events if isinstance(event, ToolCallFinished)]
        return sorted((call.status, call.content.partition("\n")[0]) for call in calls)

    (odd, refused, done) = run(work)

    assert ("error", "no such page") == refused
    assert ("success", "3") == done
    assert odd[1].startswith("Error: arguments")


@pytest.mark.parametrize("told", [True, False])
def test_model_knows_what_the_server_says_of_itself(told: bool):
    """Its instructions stand before the agent's, unless the config has them left out."""

    async def work() -> Any:
        with served() as url:
            model = ListedModel([STOP])
            servers = {"here": {**endpoint(url), "instructions": told}}
            async with _opened(
                model, servers, tools=["add_mcp_here"], instructions="Be brief."
            ) as runtime:
                await finished(await start(runtime))
        return model.requests[0].messages[0].content

    before = f"About the tools of here:\n{INSTRUCTIONS}\n\n" if told else ""
    assert f"{before}Be brief." == run(work)


def test_cancelled_run_cancels_the_call(tmp_path: Path):
    """The server's tool hears of it at once, and the process is gone when the runtime is."""
    note = tmp_path / "note"

    async def work() -> int:
        model = ListedModel(
            _asking(("pid_mcp_here", {}), ("hang_mcp_here", {"note": str(note)})), [STOP]
        )
        tools = ["pid_mcp_here", "hang_mcp_here"]
        async with _opened(model, {"here": child()}, tools=tools) as runtime:
            running = await start(runtime)
            await until(note.exists)
            running.cancel("operator")
            events = await finished(running)
            await until(lambda: note.read_text() == "cancelled")
            (pid,) = [int(e.content) for e in events if isinstance(e, ToolCallFinished)][:1]
            assert alive(pid)
        return pid

    assert not alive(run(work))


def test_unreachable_server_fails_the_run():
    """Without its server a run fails, and says why; an agent that may degrade goes on."""

    async def work() -> None:
        server = endpoint("http://127.0.0.1:9/mcp")
        for policy in ("fail", "degrade"):
            fields: dict[str, Any] = {"tools": ["add_mcp_here"], "on_tool_failure": policy}
            async with _opened(ListedModel([STOP]), {"here": server}, **fields) as runtime:
                if policy == "fail":
                    with pytest.raises(ToolUnavailable, match="MCP server here cannot be reached"):
                        await start(runtime)
                else:
                    assert isinstance((await finished(await start(runtime)))[-1], RunFinished)

    run(work)


def test_many_runs_at_once():
    """Runs share the connection of their server."""

    async def work() -> Any:
        with served() as url:
            model = ListedModel([STOP])
            tools = ["add_mcp_here"]
            async with _opened(model, {"here": endpoint(url)}, tools=tools) as runtime:
                runs = await asyncio.gather(*(start(runtime) for _ in range(50)))
                events = await asyncio.gather(*(finished(one) for one in runs))
        return {type(one[-1]) for one in events}

    assert {RunFinished} == run(work)
