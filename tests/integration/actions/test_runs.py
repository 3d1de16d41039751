"""Actions in runs of agents: called by a model, cancelled, and kept out of the log."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

import hookline_actions
from hookline.events import ToolCallFinished
from hookline.providers import ModelFinished, ToolCallPiece
from hookline_actions.naming import domain
from support.action_documents import document, petstore, text_of
from support.action_servers import HEADER_KEY, PetStore, serving
from support.actions import call, names, opened, run, scope
from support.runtimes import STOP, ListedModel, finished, start
from support.runtimes import opened as opened_runtime

KEY = {"api_key": {"type": "api_key", "value": HEADER_KEY}}
CALLS = 1_000
SPARE = 5


@pytest.mark.parametrize("token", ["sys__all__sys_action_pets", "getPetById_action_{domain}"])
def test_model_calls_an_operation(token: str):
    """An agent that names a document, or one operation of it, can call it."""

    async def work() -> list[tuple[str, str]]:
        async with serving(PetStore().app()) as origin:
            tool = f"getPetById_action_{domain(origin)}"
            settings = {
                "documents": {"pets": {"document": petstore(origin), "security": KEY}},
                "allow_private": ["127.0.0.1"],
            }
            asking = [ToolCallPiece(0, "call_1", tool, '{"petId": 1}'), ModelFinished("tool_calls")]
            async with opened_runtime(
                ListedModel(asking, [STOP]),
                hookline_actions,
                tables={"plugins": {"plugin0": settings}},
                tools=[token.format(domain=domain(origin))],
            ) as runtime:
                events = await finished(await start(runtime))
        return [(e.status, e.content) for e in events if isinstance(e, ToolCallFinished)]

    assert [("success", '{"id":1,"name":"Rex","status":"available"}')] == run(work)


def test_nothing_secret_is_logged():
    """Neither credentials nor arguments get into the log, whatever comes of the call."""

    async def work() -> str:
        with capture_logs() as logs:
            async with serving(PetStore().app()) as origin:
                pets = {"document": petstore(origin), "security": KEY, "headers": {"X": "head-777"}}
                async with opened({"pets": pets}) as loader:
                    for arguments in (
                        {"petId": 1, "reason": "private-1"},
                        {"petId": "../private-2"},
                    ):
                        await call(loader, "pets", "deletePet", **arguments)
                    tool = (await names(loader, "pets"))["deletePet"]
                    logs.append({"shown": repr((await loader.load([tool], scope()))[tool])})
                    logs.append({"shown": repr(vars((await loader.load([tool], scope()))[tool]))})
        assert "action.called" in [entry.get("event") for entry in logs]
        return repr(logs)

    text = run(work)
    assert [] == [secret for secret in (HEADER_KEY, "head-777", "private-") if secret in text]


def test_cancelled_calls_leave_nothing():
    """After a thousand calls that were cancelled, no task, connection or file is left."""

    async def work() -> tuple[int, int]:
        async def hang(request: web.Request) -> web.Response:
            await asyncio.sleep(60)
            return web.Response()

        app = web.Application()
        app.router.add_get("/x", hang)
        made = document(("get", "/x", {"operationId": "x"}))
        async with serving(app) as origin:
            made["servers"] = [{"url": origin}]
            async with opened({"x": {"document": text_of(made)}}) as loader:
                await cancelled(loader, 10)
                before = left()
                for _ in range(CALLS // 50):
                    await cancelled(loader, 50)
                while left() > before + SPARE:  # the server notices a little later
                    await asyncio.sleep(0.05)
                return before, left()

    before, after = run(work)
    assert after <= before + SPARE


async def cancelled(loader: Any, number: int) -> None:
    """Begin calls, and cancel them while the server works on them."""
    tasks = [asyncio.create_task(call(loader, "x", "x")) for _ in range(number)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)


def left() -> int:
    """Tasks of this loop and open files of this process together."""
    gc.collect()
    return len(asyncio.all_tasks()) + sum(1 for _ in Path("/proc/self/fd").iterdir())
