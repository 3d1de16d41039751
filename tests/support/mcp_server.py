"""An MCP server, written with the protocol's own SDK: tools of every kind, good and bad.

Run as a program it speaks over one of the transports::

    python mcp_server.py [old] stdio
    python mcp_server.py [old] http PORT        # answers at http://127.0.0.1:PORT/mcp
"""

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
INSTRUCTIONS = "Sums are exact."
READING = types.ToolAnnotations(read_only_hint=True)


async def old(context: Any, call_next: Any) -> Any:
    """Middleware of a server that knows nothing newer than the handshake."""
    if context.method == "server/discover":
        raise MCPError(types.METHOD_NOT_FOUND, "Method not found")
    return await call_next(context)


def made(*middleware: Any) -> MCPServer:
    """The server, with what stands before its methods."""
    server = MCPServer("tests", instructions=INSTRUCTIONS, log_level="ERROR")
    server.middleware.extend(middleware)
    for offer in (_plain, _requests, _long, _changes, _texts, _media):
        offer(server)
    return server


def _plain(server: MCPServer) -> None:
    """Tools that look at the process."""

    @server.tool(annotations=READING)
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    async def fail() -> str:
        """Fail."""
        raise RuntimeError("the disk is full")

    @server.tool()
    async def environment() -> str:
        """The names of the variables of the environment."""
        return " ".join(sorted(os.environ))

    @server.tool()
    async def variable(name: str) -> str:
        """A variable of the environment."""
        return os.environ.get(name, "")

    @server.tool()
    async def arguments() -> str:
        """The arguments of the program."""
        return " ".join(sys.argv)

    @server.tool()
    async def pid() -> int:
        """The id of the process."""
        return os.getpid()


def _requests(server: MCPServer) -> None:
    """Tools that look at the request."""

    @server.tool()
    async def header(name: str, ctx: Context) -> str:
        """A header of the request."""
        request: Any = ctx.request_context.request
        return request.headers.get(name, "") if request is not None else "no request"

    @server.tool()
    async def query(ctx: Context) -> str:
        """The query of the request's URL."""
        request: Any = ctx.request_context.request
        return str(request.url.query)

    @server.tool()
    async def effect(ctx: Context) -> str:
        """The id of the effect."""
        return str((ctx.request_context.meta or {}).get("hookline/effect"))


def _long(server: MCPServer) -> None:
    """Tools that take their time, or end it."""

    @server.tool()
    async def steps(count: int, seconds: float, ctx: Context) -> str:
        """Get on, step by step."""
        for step in range(count):
            await asyncio.sleep(seconds)
            await ctx.report_progress(step)
        return f"{count} steps"

    @server.tool()
    async def hang(note: str = "") -> str:
        """Never end; write down that the call was cancelled."""
        try:
            if note:
                Path(note).write_text("begun")
            await asyncio.Event().wait()
        except BaseException:
            if note:
                Path(note).write_text("cancelled")
            raise
        return ""

    @server.tool()
    async def freeze() -> str:
        """Answer nobody any more."""
        import time

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        return ""

    @server.tool()
    async def die() -> str:
        """End the process."""
        os._exit(3)


def _changes(server: MCPServer) -> None:
    """Tools that change what the server offers."""

    @server.tool()
    async def grow(name: str, ctx: Context) -> str:
        """Offer one more tool."""

        async def grown() -> str:
            return "grown"

        server.add_tool(grown, name=name)
        await ctx.notify_tools_changed()
        await ctx.session.send_tool_list_changed()
        return f"{name} is there"

    @server.tool()
    async def shrink(name: str, ctx: Context) -> str:
        """Offer one tool less."""
        server.remove_tool(name)
        await ctx.notify_tools_changed()
        await ctx.session.send_tool_list_changed()
        return f"{name} is gone"


def result(*content: types.ContentBlock, **fields: Any) -> types.CallToolResult:
    """A result with this content."""
    return types.CallToolResult(content=list(content), **fields)


def text(words: str) -> types.TextContent:
    """A text in it."""
    return types.TextContent(text=words)


def _texts(server: MCPServer) -> None:
    """Tools that give back texts, or nothing."""

    @server.tool()
    async def paragraphs() -> types.CallToolResult:
        return result(text("one"), text("two"))

    @server.tool()
    async def nothing() -> types.CallToolResult:
        return result()

    @server.tool()
    async def refusal() -> types.CallToolResult:
        return result(text("no such page"), is_error=True)

    @server.tool()
    async def structured() -> types.CallToolResult:
        return result(structured_content={"b": 1, "a": [2]})

    @server.tool()
    async def large(size: int) -> str:
        """As many letters."""
        return "x" * size


def _media(server: MCPServer) -> None:
    """Tools that give back more than text."""
    encoded = base64.b64encode(PNG).decode()

    @server.tool()
    async def picture() -> types.CallToolResult:
        return result(text("a dot"), types.ImageContent(data=encoded, mime_type="image/png"))

    @server.tool()
    async def sound() -> types.CallToolResult:
        return result(types.AudioContent(data="UklGRg==", mime_type="audio/wav"))

    @server.tool()
    async def page_ui() -> types.CallToolResult:
        resource = types.TextResourceContents(
            uri="ui://page", mime_type="text/html", text="<p>Hi</p>"
        )
        return result(text("a page"), types.EmbeddedResource(resource=resource))

    @server.tool()
    async def file() -> types.CallToolResult:
        resource = types.TextResourceContents(
            uri="file:///notes.txt", mime_type="text/plain", text="remember"
        )
        blob = types.BlobResourceContents(uri="file:///a.bin", blob="AAAA")
        link = types.ResourceLink(uri="https://example.com/x", name="x", description="a link")
        return result(
            types.EmbeddedResource(resource=resource), types.EmbeddedResource(resource=blob), link
        )


async def speak_old(server: MCPServer) -> None:
    """Speak over standard input and output, and refuse what only newer clients ask."""
    lowlevel = server._lowlevel_server
    async with stdio_server() as (incoming, outgoing), anyio.create_task_group() as group:
        into, filtered = anyio.create_memory_object_stream[Any](0)

        async def pass_on() -> None:
            async with into:
                async for sent in incoming:
                    if getattr(sent.message, "method", "") != "server/discover":
                        await into.send(sent)
                        continue
                    error = types.ErrorData(code=types.METHOD_NOT_FOUND, message="?")
                    answer = types.JSONRPCError(jsonrpc="2.0", id=sent.message.id, error=error)
                    await outgoing.send(SessionMessage(answer))

        group.start_soon(pass_on)
        await lowlevel.run(filtered, outgoing, lowlevel.create_initialization_options())


def main() -> None:
    """Speak over the transport that the command line names."""
    if "old" in sys.argv and "stdio" in sys.argv:
        asyncio.run(speak_old(made()))
        return
    server = made(*([old] if "old" in sys.argv else []))
    if "http" in sys.argv:
        server.run("streamable-http", port=int(sys.argv[-1]))
    else:
        server.run()


if __name__ == "__main__":
    main()
