"""Sessions in real sandboxes, and what the kernel knows of the processes in them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from hookline import PluginContext, Principal, Tool, ToolResult
from hookline.blobs import Blobs
from hookline.errors import PluginError
from hookline.filing import Files
from hookline.scope import CallScope
from hookline_code import Settings, tool_loader
from hookline_code.probe import prove
from hookline_code.session import TOOL
from hookline_memory.store import MemoryStore

SECONDS = 60


def obstacle() -> str:
    """Why this machine cannot isolate code; empty if it can."""
    try:
        asyncio.run(prove(Settings(enabled=True)))
    except PluginError as error:
        return str(error)
    return ""


def files_in(folder: Path) -> Files:
    """Files that are kept in a folder."""
    return Files(MemoryStore().files, Blobs(f"file://{folder}", {}), limit=1 << 24, quota=0)


def context(folder: Path, **settings: Any) -> PluginContext:
    """The context of the plugin, when it is on."""
    return PluginContext(
        name="code",
        settings=Settings(enabled=True, **settings),
        logger=structlog.get_logger(),
        files=files_in(folder),
    )


def scope(**more: Any) -> CallScope:
    """The scope of a call."""
    alice = Principal(user="alice")
    return CallScope(run="run_1", agent="coder", principal=alice, deadline=0.0, **more)


@asynccontextmanager
async def tool(plugin: PluginContext) -> AsyncIterator[Tool]:
    """The tool, as a run has it."""
    (made,) = (await tool_loader(plugin).load([TOOL], scope())).values()
    async with made:  # type: ignore[attr-defined]
        yield made


def run(
    folder: Path, *programs: str, arguments: Sequence[str] = (), **settings: Any
) -> list[ToolResult]:
    """Call the tool with one program after the other, in one session."""

    async def story() -> list[ToolResult]:
        async with asyncio.timeout(SECONDS), tool(context(folder, **settings)) as made:
            return [await made.call(python(p, arguments), scope()) for p in programs]

    return asyncio.run(story())


def python(program: str, arguments: Sequence[str] = ()) -> Mapping[str, Any]:
    """The arguments of a call that runs Python."""
    return {"lang": "py", "code": program, "args": list(arguments)}


def made(result: ToolResult) -> Mapping[str, bytes]:
    """The files that a call gave out."""
    return {
        file["name"]: file["content"]
        for artifact in result.artifacts
        for file in artifact.data["files"]
    }


def processes_with(word: str) -> list[int]:
    """The processes of this machine, in whatever namespace, whose command line has a word."""
    found = []
    for path in Path("/proc").iterdir():
        if not path.name.isdecimal():
            continue
        try:
            line = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in line:
            found.append(int(path.name))
    return found
