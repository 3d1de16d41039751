"""Servers that are child processes: standard input and output as the streams of a session.

Not the SDK's own transport: that one lets a server that does not heed the end of its input live for
up to six seconds, reads lines of any length, and writes what the server complains of past our logs.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import attrs
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from structlog.typing import FilteringBoundLogger

from hookline.redaction import Redaction
from hookline_mcp.servers import Child

POLITE = 0.4
"""Seconds that a server has to end once its input has."""

FIRM = 0.2
"""Seconds that it has after SIGTERM."""

POLL = 0.01
LINE_SHOWN = 500
"""Characters of a line of its standard error that are logged."""

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))


@attrs.define
class Remains:
    """What is left to say about a process that ended: its last words, and its exit status.

    The words are for operators alone: nobody knows what they are about.
    """

    words: deque[str] = attrs.field(factory=lambda: deque(maxlen=3))
    status: int | None = None

    @property
    def ending(self) -> str:
        """How it ended, if it did."""
        return "" if self.status is None else f" (it ended with status {self.status})"

    @property
    def said(self) -> str:
        """What it said last, in one line."""
        return " | ".join(self.words)


@attrs.frozen
class Watch:
    """Who is told of what happens to a process.

    Args:
        ended: called when there is no more output.
        remains: filled in as it goes.
        redact: cuts secrets out of what it writes to standard error.
        logger: gets those lines.
        message_limit: bytes of a message.
    """

    ended: Callable[[], None]
    remains: Remains
    redact: Redaction
    logger: FilteringBoundLogger
    message_limit: int


@asynccontextmanager
async def child_streams(
    child: Child, watch: Watch
) -> AsyncIterator[
    tuple[ObjectReceiveStream[SessionMessage | Exception], ObjectSendStream[SessionMessage]]
]:
    """Start a server; it is gone within a second after leaving.

    Raises:
        OSError: it cannot be started.
    """
    process = await _start(child, watch.message_limit)
    into, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, out_of = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(_read(process, into, watch)),
        asyncio.create_task(_write(process, out_of)),
        asyncio.create_task(_complaints(process, watch)),
    ]
    try:
        yield incoming, outgoing
    finally:
        try:
            with anyio.CancelScope(shield=True):
                incoming.close()
                await _end(process)
        finally:
            _signal(process, signal.SIGKILL)
            for task in tasks:
                task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (into, incoming, outgoing, out_of):
                stream.close()
            watch.remains.status = process.returncode
            _forget(process)


async def _start(child: Child, limit: int) -> Process:
    launched = [sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid()), child.command]
    return await asyncio.create_subprocess_exec(
        *launched,
        *child.args,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=get_default_environment() | dict(child.env),
        cwd=child.cwd,
        start_new_session=True,
        limit=limit,
    )


async def _read(
    process: Process, into: ObjectSendStream[SessionMessage | Exception], watch: Watch
) -> None:
    """Hand over messages until there are no more. What is no message is left out."""
    try:
        while line := await process.stdout.readline():  # type: ignore[union-attr]
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                watch.logger.info("mcp.odd_line", size=len(line))
                continue
            await into.send(SessionMessage(message))
    except ValueError:
        watch.remains.words.append(f"it sent a message of more than {watch.message_limit} bytes")
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    finally:
        watch.remains.status = process.returncode
        into.close()  # type: ignore[attr-defined]
        watch.ended()


async def _write(process: Process, out_of: ObjectReceiveStream[SessionMessage]) -> None:
    stdin = process.stdin
    with suppress(OSError, anyio.ClosedResourceError):
        async for sent in out_of:
            text = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            stdin.write(text.encode() + b"\n")  # type: ignore[union-attr]
            await stdin.drain()  # type: ignore[union-attr]


async def _complaints(process: Process, watch: Watch) -> None:
    """Log what the server writes to its standard error."""
    while True:
        try:
            line = await process.stderr.readline()  # type: ignore[union-attr]
        except (ValueError, OSError):
            continue
        if not line:
            return
        text = watch.redact(line.decode(errors="replace").rstrip())[:LINE_SHOWN]
        watch.remains.words.append(text)
        watch.logger.debug("mcp.server_complained", text=text)


async def _end(process: Process) -> None:
    """Close its input; if it does not end by itself, make it."""
    process.stdin.close()  # type: ignore[union-attr]
    for name, patience in ((signal.SIGTERM, POLITE), (signal.SIGKILL, FIRM)):
        if await _ended(process, patience):
            return
        _signal(process, name)
    await _ended(process, POLITE)


async def _ended(process: Process, patience: float) -> bool:
    """Whether the process ended in time. Its pipes may live on in processes that it began."""
    end = asyncio.get_running_loop().time() + patience
    while process.returncode is None:
        if asyncio.get_running_loop().time() >= end:
            return False
        await asyncio.sleep(POLL)
    return True


def _signal(process: Process, number: signal.Signals) -> None:
    """To the process and all that it began, which may outlive it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _forget(process: Process) -> None:
    """Close the pipes, which a process that was begun by the server may hold open."""
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
