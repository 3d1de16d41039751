"""Runs with calls of many kinds, of which some are cancelled; and what is left after them."""

import asyncio
import gc
import random
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import attrs
from aiohttp import web

from hookline import Principal, StaticTools, ToolLoader, hookimpl, tool
from hookline.plugins import Plugins
from hookline.registry import Registry
from hookline.runtime import Runtime
from hookline.wire.chat import ChatCompletionRequest, UserMessage
from hookline_actions.naming import domain
from support.action_documents import document, text_of
from support.action_servers import serving
from support.mcp_servers import child, endpoint, served
from support.server import config_of

ADMIN = Principal(user="alice", role="admin", features=frozenset({"remote_agents.use"}))
AT_ONCE = 16
LATEST = 0.05
"""Seconds after which a run is cancelled, at most."""

CHEAP = ("plain", "find", "ask", "team", "remote", "action")
"""Words that make the agent call a tool of some kind."""

COSTLY = ("child", "code")
"""The same, with a process for the call or behind it."""


@tool
async def nap(seconds: float) -> str:
    """Sleep."""
    await asyncio.sleep(seconds)
    return "rested"


@tool
async def dig() -> str:
    """Dig for gold."""
    await asyncio.sleep(0.001)
    return "gold"


class Naps:
    """A plugin with two tools."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return StaticTools(nap, dig)


def rule(word: str, tool: str, turn: int = 1, **arguments: Any) -> Mapping[str, Any]:
    """What makes the model call a tool."""
    return {"contains": word, "turn": turn, "tool_calls": [{"name": tool, "arguments": arguments}]}


def tables(folder: Path, url: str, origin: str, *, code: bool) -> Mapping[str, Any]:
    """A server whose agents have tools of every kind."""
    made = document(("get", "/", {"operationId": "look"}))
    made["servers"] = [{"url": origin}]
    scripted = {"provider": "scripted", "model": "scripted"}
    helper = {
        **scripted,
        "tools": [
            "nap", "dig", "add_mcp_remote", "add_mcp_child", "sys__all__sys_action_here",
            *(["execute_code"] if code else []),
        ],
        "tool_options": {"dig": {"defer_loading": True}},
        "subagents": ["worker"],
        "model_parameters": {
            "scripted": {
                "rules": [
                    rule("plain", "nap", seconds=0.002),
                    rule("find", "tool_search", query="gold"),
                    rule("find", "dig", turn=2),
                    rule("ask", "ask_worker", task="plain"),
                    rule("remote", "add_mcp_remote", a=1, b=2),
                    rule("child", "add_mcp_child", a=1, b=2),
                    rule("action", f"look_action_{domain(origin)}"),
                    rule("code", "execute_code", lang="py", code="print(1)"),
                ]
            }
        },
    }  # fmt: skip
    rules = [rule("plain", "nap", seconds=0.002), rule("team", "nap", seconds=0.002)]
    worker = {**scripted, "tools": ["nap"], "model_parameters": {"scripted": {"rules": rules}}}
    ways = [{"from": "lead", "to": ["worker", "other"], "edge_type": "direct"}]
    return {
        "store": {"url": f"sqlite:///{folder}/hookline.db"},
        "providers": {"scripted": {"kind": "scripted"}},
        "agents": {
            "helper": helper,
            "worker": worker,
            "other": worker,
            "lead": {**worker, "edges": ways},
        },
        "plugins": {
            "actions": {
                "documents": {"here": {"document": text_of(made)}},
                "allow_private": ["127.0.0.1"],
            },
            "code": {"enabled": code},
            "mcp": {"servers": {"remote": endpoint(url), "child": child()}},
        },
    }


async def _look(request: web.Request) -> web.Response:
    await asyncio.sleep(0.002)
    return web.json_response({"seen": True})


@asynccontextmanager
async def opened(folder: Path, *, code: bool) -> AsyncIterator[Runtime]:
    """A runtime with all installed plugins, and the servers that its tools ask."""
    app = web.Application()
    app.router.add_get("/", _look)
    async with serving(app) as origin:
        with served() as url:
            config = config_of(tables(folder, url, origin, code=code))
            found = Plugins(config.plugins, "test.toml")
            found.add("naps", Naps())
            found.discover()
            async with Runtime(Registry(config, found, "test.toml")) as runtime:
                yield runtime


@attrs.define
class Mix:
    """Runs of many kinds, a third of them cancelled at some moment; always the same for a seed.

    Attributes:
        ended: how the runs ended.
    """

    runtime: Runtime
    seed: int
    ended: Counter[str] = attrs.field(factory=Counter)

    async def run(self, kinds: Sequence[str]) -> None:
        """Begin a run of each kind, some at a time, and wait for all of them."""
        places = asyncio.Semaphore(AT_ONCE)
        chance = random.Random(self.seed)
        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                moment = chance.random() * LATEST if chance.random() < 1 / 3 else None
                await places.acquire()
                group.create_task(self._one(kind, moment, places))

    async def _one(self, kind: str, moment: float | None, places: asyncio.Semaphore) -> None:
        name = "lead" if kind == "team" else "helper"
        try:
            agent = await self.runtime.access.find_agent(ADMIN, name)
            request = ChatCompletionRequest(model=name, messages=[UserMessage(kind)])
            run = await self.runtime.start(ADMIN, agent, request)
            if moment is not None:
                asyncio.get_running_loop().call_later(moment, run.cancel, "operator")
            await run.wait()
            self.ended[f"{kind} {run.outcome}"] += 1
        finally:
            places.release()


def left() -> Mapping[str, Counter[str]]:
    """What this process holds: tasks of this loop, open files, children, and our own objects."""
    gc.collect()
    return {
        "tasks": Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks()),
        "files": Counter(_files()),
        "children": Counter(_children()),
        "objects": Counter(
            f"{type(thing).__module__}.{type(thing).__qualname__}"
            for thing in gc.get_objects()
            if str(type(thing).__module__).startswith("hookline")
        ),
    }


def _files() -> list[str]:
    found = []
    for path in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(path.readlink()).partition(":")[0])
        except FileNotFoundError:  # the folder itself, while it was read
            continue
    return found


def _children() -> list[str]:
    found = []
    for path in Path("/proc/self/task").iterdir():
        for pid in (path / "children").read_text().split():
            try:
                found.append((Path("/proc") / pid / "comm").read_text().strip())
            except FileNotFoundError:
                continue
    return found


def entries(root: object) -> int:
    """Entries of all containers that can be reached from an object.

    Not by way of code, of the loop and what it works on: connections that are kept for the next
    run hold what the run had that opened them; nor of SQLite's, which tidies up at times.
    """
    seen: set[int] = set()
    queue: list[Any] = [root]
    total = 0
    while queue:
        thing = queue.pop()
        if id(thing) in seen or isinstance(thing, _PASSED_OVER):
            continue
        seen.add(id(thing))
        if isinstance(thing, dict | list | set | deque):
            total += len(thing)
        queue += gc.get_referents(thing)
    return total


_PASSED_OVER = (
    type, ModuleType, FunctionType, BuiltinFunctionType, FrameType, CodeType,
    asyncio.AbstractEventLoop, asyncio.Future, asyncio.BaseTransport, asyncio.Handle, Context,
    sqlite3.Connection,
)  # fmt: skip
