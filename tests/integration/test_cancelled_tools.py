"""Calls that are under way when their run ends: each kind of tool is told, within a second.

However the run ends: the caller leaves, the operator ends it, or it has taken as long as it may.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import openai
import pytest

from hookline.events import RunCancelled, RunEnded, RunFailed
from hookline.runs import Run
from support import sandboxes
from support.busy_tools import KINDS, Busy
from support.mcp_servers import until
from support.server import KEY, RunningServer, running_server

PATIENCE = 30.0
SECOND = 1.0
DEADLINE = 3.0
OBSTACLE = sandboxes.obstacle()
ALL = [
    pytest.param(kind, marks=pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE))
    if kind == "execute_code"
    else kind
    for kind in KINDS
]


@asynccontextmanager
async def client_of(server: RunningServer) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of the server's."""
    async with openai.AsyncOpenAI(base_url=server.url, api_key=KEY, max_retries=0) as client:
        yield client


async def question(client: openai.AsyncOpenAI, busy: Busy) -> dict[str, Any]:
    """A request that makes the agent call its tool."""
    parts: list[Any] = [{"type": "text", "text": "Begin."}]
    if busy.file is not None:
        file = await client.files.create(file=("a.pdf", busy.file), purpose="user_data")
        parts.append({"type": "file", "file": {"file_id": file.id}})
    return {"model": "helper", "messages": [{"role": "user", "content": parts}]}


async def begun(server: RunningServer, busy: Busy) -> Run:
    """The run whose tool is being called."""
    await until(busy.begun, PATIENCE)
    (run,) = server.runtime.running
    return run


async def over(server: RunningServer, run: Run, busy: Busy) -> RunEnded:
    """How the run ended; a second later at most, nothing of the call is left."""
    ended = asyncio.run_coroutine_threadsafe(run.wait(), server.loop)
    async with asyncio.timeout(PATIENCE):
        await asyncio.wrap_future(ended)
    await until(busy.told, SECOND)
    assert run.ended is not None
    return run.ended


def finished(work: Any) -> Any:
    """The result of a coroutine, which must not take for ever."""

    async def bounded() -> Any:
        async with asyncio.timeout(3 * PATIENCE):
            return await work

    return asyncio.run(bounded())


@pytest.mark.parametrize("kind", ALL)
def test_a_call_whose_caller_leaves(kind: str, tmp_path: Path):
    """Whether the caller reads a stream or waits for the whole answer."""

    async def work() -> list[RunEnded]:
        async with KINDS[kind](tmp_path) as busy:
            with running_server(busy.tables(), busy.plugins) as server:
                async with client_of(server) as client:
                    asked = await question(client, busy)
                    stream = await client.chat.completions.create(**asked, stream=True)
                    run = await begun(server, busy)
                    await stream.close()
                    ends = [await over(server, run, busy)]

                    whole = asyncio.create_task(client.chat.completions.create(**asked))
                    run = await begun(server, busy)
                    whole.cancel()
                    await asyncio.wait([whole])
                    return [*ends, await over(server, run, busy)]

    assert [RunCancelled("client_gone")] * 2 == finished(work())


@pytest.mark.parametrize("kind", ALL)
def test_a_call_whose_run_the_operator_ends(kind: str, tmp_path: Path):
    """The caller reads that the run was cancelled."""

    async def work() -> tuple[RunEnded, int]:
        async with KINDS[kind](tmp_path) as busy:
            with running_server(busy.tables(), busy.plugins) as server:
                async with client_of(server) as client:
                    asked = await question(client, busy)
                    whole = asyncio.create_task(client.chat.completions.create(**asked))
                    run = await begun(server, busy)
                    server.loop.call_soon_threadsafe(run.cancel, "operator")
                    ended = await over(server, run, busy)
                    with pytest.raises(openai.APIStatusError) as caught:
                        await whole
                    return ended, caught.value.status_code

    assert (RunCancelled("operator"), 503) == finished(work())


@pytest.mark.parametrize("kind", ALL)
def test_a_call_whose_run_takes_too_long(kind: str, tmp_path: Path):
    """The run's own deadline ends it, though that of its tools has not come."""

    async def work() -> RunEnded:
        async with KINDS[kind](tmp_path) as busy:
            with running_server(busy.tables(deadline=DEADLINE), busy.plugins) as server:
                async with client_of(server) as client:
                    asked = await question(client, busy)
                    warming = [{"role": "user", "content": "warm up"}]
                    with suppress(openai.APIStatusError):  # connecting may take longer than a run
                        await client.chat.completions.create(model="helper", messages=warming)
                    whole = asyncio.create_task(client.chat.completions.create(**asked))
                    run = await begun(server, busy)
                    ended = await over(server, run, busy)
                    await asyncio.wait([whole])
                    assert isinstance(whole.exception(), openai.APIStatusError)
                    return ended

    ended = finished(work())
    assert isinstance(ended, RunFailed)
    assert "deadline_exceeded" == ended.code
