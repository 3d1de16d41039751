"""Tools of each kind that do not end by themselves, and how one sees from outside what they do."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from aiohttp import web

from hookline import StaticTools, ToolLoader, hookimpl, tool
from hookline_actions.naming import domain
from support.action_documents import document, text_of
from support.action_servers import serving
from support.mcp_servers import child, endpoint, served
from support.pdfs import pdf
from support.sandboxes import processes_with

WORD = "busy-tool-test"
PAGES = 2_000


@attrs.frozen(kw_only=True)
class Busy:
    """A call that does not end by itself.

    Args:
        name: the tool.
        arguments: of the call.
        begun: whether it is under way.
        told: whether it has been told that it is over, and nothing of it goes on.
        tools: what the agent names, if that is not the tool.
        settings: of plugins.
        plugins: further ones.
        agents: further ones, and fields of the agent itself, which is ``helper``.
        file: that the caller attaches.
    """

    name: str
    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    begun: Callable[[], Any]
    told: Callable[[], Any]
    tools: list[str] | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    plugins: Mapping[str, object] = attrs.field(factory=dict)
    agents: Mapping[str, Any] = attrs.field(factory=dict)
    file: bytes | None = None

    def tables(self, **runs: Any) -> Mapping[str, Any]:
        """A server with an agent that makes the call unless it is told to warm up."""
        scripted = {"provider": "scripted", "model": "scripted"}
        call = {"name": self.name, "arguments": dict(self.arguments)}
        rules = [{"contains": "warm up", "reply": "warm"}, {"tool_calls": [call]}]
        further = {id_: {**scripted, **fields} for id_, fields in self.agents.items()}
        helper = {
            **scripted,
            "tools": [self.name] if self.tools is None else self.tools,
            "model_parameters": {"scripted": {"rules": rules}},
            **further.pop("helper", {}),
        }
        return {
            "providers": {"scripted": {"kind": "scripted"}},
            "agents": {"helper": helper, **further},
            "plugins": dict(self.settings),
            "runs": runs,
        }


class Witness:
    """What a tool, or a server that a tool asks, has lived through; from any thread."""

    def __init__(self) -> None:
        self.here = 0
        self.cancelled = 0
        self._lock = threading.Lock()

    async def wait(self) -> None:
        """Wait for ever; see it when that is over."""
        with self._lock:
            self.here += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with self._lock:
                self.cancelled += 1
            raise
        finally:
            with self._lock:
                self.here -= 1

    @property
    def told(self) -> bool:
        """Whether whoever waited was cancelled."""
        return not self.here and bool(self.cancelled)

    async def respond(self, request: web.Request) -> web.Response:
        """As a server that never answers."""
        await self.wait()
        return web.Response()


class Waiting:
    """A plugin with a tool that waits for ever."""

    def __init__(self, witness: Witness):
        @tool
        async def wait() -> str:
            """Wait."""
            await witness.wait()
            return ""

        self._tool = wait

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return StaticTools(self._tool)


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[Busy]:
    """A function of a plugin's."""
    witness = Witness()
    yield Busy(
        name="wait",
        begun=lambda: witness.here,
        told=lambda: witness.told,
        plugins={"waiting": Waiting(witness)},
    )


@asynccontextmanager
async def subagent(folder: Path) -> AsyncIterator[Busy]:
    """An agent that is asked by another one, and waits for a tool of its own."""
    witness = Witness()
    rules = [{"tool_calls": [{"name": "wait"}]}]
    worker = {"tools": ["wait"], "model_parameters": {"scripted": {"rules": rules}}}
    yield Busy(
        name="ask_worker",
        arguments={"task": "Wait."},
        begun=lambda: witness.here,
        told=lambda: witness.told,
        tools=[],
        plugins={"waiting": Waiting(witness)},
        agents={"worker": worker, "helper": {"subagents": ["worker"]}},
    )


@asynccontextmanager
async def mcp_stdio(folder: Path) -> AsyncIterator[Busy]:
    """A tool of an MCP server that is a child process."""
    yield _mcp(folder, child())


@asynccontextmanager
async def mcp_http(folder: Path) -> AsyncIterator[Busy]:
    """A tool of an MCP server that is reached by HTTP."""
    with served() as url:
        yield _mcp(folder, endpoint(url))


def _mcp(folder: Path, server: Mapping[str, Any]) -> Busy:
    note = folder / "note"

    def noted(word: str) -> bool:
        return note.exists() and note.read_text() == word

    return Busy(
        name="hang_mcp_here",
        arguments={"note": str(note)},
        begun=lambda: noted("begun"),
        told=lambda: noted("cancelled"),
        settings={"mcp": {"servers": {"here": server}}},
    )


@asynccontextmanager
async def action(folder: Path) -> AsyncIterator[Busy]:
    """An operation of an OpenAPI document whose server never answers."""
    witness = Witness()
    async with serving(_never(witness)) as origin:
        made = document(("get", "/", {"operationId": "wait"}))
        made["servers"] = [{"url": origin}]
        yield Busy(
            name=f"wait_action_{domain(origin)}",
            begun=lambda: witness.here,
            told=lambda: witness.told,
            tools=["sys__all__sys_action_here"],
            settings={
                "actions": {
                    "documents": {"here": {"document": text_of(made)}},
                    "allow_private": ["127.0.0.1"],
                }
            },
        )


@asynccontextmanager
async def web_fetch(folder: Path) -> AsyncIterator[Busy]:
    """A page that never comes."""
    witness = Witness()
    async with serving(_never(witness)) as origin:
        yield Busy(
            name="web_fetch",
            arguments={"url": f"{origin}/"},
            begun=lambda: witness.here,
            told=lambda: witness.told,
            settings={"web": {"allow_private": ["127.0.0.1"]}},
        )


def _never(witness: Witness) -> web.Application:
    app = web.Application()
    app.router.add_get("/", witness.respond)
    return app


@asynccontextmanager
async def execute_code(folder: Path) -> AsyncIterator[Busy]:
    """A program that never ends."""

    def inside() -> list[int]:
        return processes_with(f"/code/main\0{WORD}")

    yield Busy(
        name="execute_code",
        arguments={"lang": "py", "code": "while True: pass", "args": [WORD]},
        begun=inside,
        told=lambda: not inside(),
        settings={"code": {"enabled": True}},
    )


@asynccontextmanager
async def file_search(folder: Path) -> AsyncIterator[Busy]:
    """A file that takes long to read, in a thread."""
    yield Busy(
        name="file_search",
        arguments={"query": "word"},
        begun=lambda: reading("_page"),
        told=lambda: not reading(""),
        settings={"file_search": {"pages": PAGES, "characters": 50_000_000, "seconds": 60.0}},
        file=pdf(*(f"word {number} " * 200 for number in range(PAGES))),
    )


def reading(function: str) -> list[str]:
    """The threads of ``file_search`` that read a file, in a function of this name or in any."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return [
        names[id_]
        for id_, frame in sys._current_frames().items()
        if names.get(id_, "").startswith("file_search") and _within(frame, function)
    ]


def _within(frame: Any, function: str) -> bool:
    while frame is not None:
        code = frame.f_code
        if "hookline_file_search" in code.co_filename and function in {"", code.co_name}:
            return True
        frame = frame.f_back
    return False


KINDS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Busy]]] = {
    made.__name__: made
    for made in (
        plain, subagent, mcp_stdio, mcp_http, action, web_fetch, execute_code, file_search,
    )
}  # fmt: skip
"""All kinds of calls."""
