"""MCP servers that run: as children, in a thread, in a process that can be killed; and loaders."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette

from hookline import Agent, Principal, ToolResult, ToolSpec
from hookline.scope import CallScope
from hookline.store import Store
from hookline.vault import Vault
from hookline_mcp.loader import McpTools
from hookline_mcp.parts import reach_of
from hookline_mcp.settings import Settings
from hookline_memory.store import MemoryStores
from support.mcp_server import made

ResultT = TypeVar("ResultT")
SECONDS = 40
PROGRAM = str(Path(__file__).with_name("mcp_server.py"))
VAULT = Vault([b"k" * 32])


def child(**fields: Any) -> dict[str, Any]:
    """A table of settings for the test server as a child process."""
    args = [PROGRAM, *fields.pop("args", []), "stdio"]
    return {"command": sys.executable, "args": args, "connect_timeout": 20, **fields}


def endpoint(url: str, **fields: Any) -> dict[str, Any]:
    """A table of settings for a server at a URL."""
    return {"url": url, "connect_timeout": 5, **fields}


@contextmanager
def served(app: Starlette | None = None, port: int = 0) -> Iterator[str]:
    """The test server, or another application, by HTTP in a thread; gives its URL."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        app = app or made().streamable_http_app()
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            loop="asyncio",
            ws="none",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        _wait(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join(SECONDS)


@attrs.define
class Killable:
    """The test server by HTTP in a process of its own."""

    port: int
    words: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, *self.words, "http", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait(self._answers)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        with socket.socket() as probing:
            return probing.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def killable(*words: str) -> Iterator[Killable]:
    """A server that runs in a process, on a port that stays the same."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        server = Killable(asking.getsockname()[1], words)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@attrs.frozen
class Tools:
    """A loader of tools, and what it keeps."""

    loader: McpTools
    store: Store
    reach: Any

    async def specs(self, *names: str, user: str = "alice", **fields: Any) -> list[ToolSpec]:
        """The definitions for an agent that names these tools."""
        agent = Agent(id="helper", provider="p", model="m", tools=names, **fields)
        return list(await self.loader.definitions(agent, Principal(user=user)))

    async def names(self, *names: str, user: str = "alice", **fields: Any) -> list[str]:
        """Their names."""
        return [spec.name for spec in await self.specs(*names, user=user, **fields)]

    async def call(self, name: str, /, *, user: str = "alice", **arguments: Any) -> ToolResult:
        """What a call gives back."""
        scope = scope_of(user)
        loaded = await self.loader.load([name], scope)
        result = await loaded[name].call(arguments, scope)
        assert isinstance(result, ToolResult)
        return result


def scope_of(user: str = "alice", **fields: Any) -> CallScope:
    """The scope of some call of a user's."""
    principal = Principal(user=user)
    return CallScope(
        **{
            "run": "run_1",
            "agent": "helper",
            "principal": principal,
            "deadline": float("inf"),
            "effect": "eff_1",
            **fields,
        }
    )


@asynccontextmanager
async def opened(
    servers: Mapping[str, Any], *, vault: Vault = VAULT, **settings: Any
) -> AsyncIterator[Tools]:
    """A loader with these servers, over a store in memory."""
    decoded = msgspec.convert({"servers": servers, **settings}, Settings)
    store = MemoryStores().open("memory://")
    async with store:
        logger = structlog.get_logger("hookline.plugins.mcp")
        reach = reach_of(decoded, store, vault, logger)
        async with McpTools(reach, logger) as loader:
            yield Tools(loader, store, reach)


def run(work: Callable[[], Awaitable[ResultT]], seconds: float = SECONDS) -> ResultT:
    """The result of a coroutine function, which has to come in time."""

    async def bounded() -> ResultT:
        async with asyncio.timeout(seconds):
            return await work()

    return asyncio.run(bounded())


async def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until something holds; it may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process is there, and is no zombie."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def _wait(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.02)
