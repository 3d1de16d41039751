"""A sandbox, as the server sees it: a process that answers messages, and can be ended for good."""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, cast

import attrs
import msgspec

from hookline_code import machine
from hookline_code.inside import frames
from hookline_code.settings import Settings

BOOT = """
import sys, types
package = types.ModuleType("hookline_code")
package.__path__ = [sys.argv[1]]
sys.modules[package.__name__] = package
from hookline_code.inside.launcher import main
main()
"""
"""Imports what makes the sandbox, and nothing else of Hookline."""

PATIENCE = 10.0
"""Seconds that a sandbox has to start, and to answer after a command has ended."""

END = 0.5
"""Seconds that a sandbox has to end itself before it is killed from outside."""


class SandboxFailed(Exception):
    """The sandbox could not be made, or is gone, or refused; the message says why."""


@attrs.frozen(kw_only=True)
class Job:
    """A command with the code that it runs."""

    command: Sequence[str]
    code: bytes
    environment: Mapping[str, str]
    timeout: float


@attrs.frozen(kw_only=True)
class Stream:
    """What a command wrote: the beginning, the end, and how many bytes it was in all."""

    begun: bytes
    ended: bytes
    total: int

    def text(self) -> str:
        """As text, with a mark where something was left out."""
        missing = self.total - len(self.begun) - len(self.ended)
        mark = f"\n[… {missing:,} bytes left out …]\n".encode() if missing else b""
        return (self.begun + mark + self.ended).decode("utf-8", "replace")


@attrs.frozen(kw_only=True)
class Done:
    """What became of a job.

    Args:
        ended: ``exited``, or the limit that was reached: ``time`` or ``memory``.
        status: what it exited with; below zero the signal that ended it.
        files: those that were made or changed, by their path in the session.
        left_out: some of those beyond the limits, or not readable.
        left_out_count: how many these are in all.
    """

    ended: str
    status: int | None
    stdout: Stream
    stderr: Stream
    files: Mapping[str, bytes]
    left_out: Sequence[str]
    left_out_count: int


class _Process(asyncio.SubprocessProtocol):
    """Reads what the process writes; one that writes more than ``allowed`` bytes is killed."""

    def __init__(self) -> None:
        self.answers = asyncio.StreamReader()
        self.exited = asyncio.Event()
        self.allowed = frames.HEADER_LIMIT
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do what the class says, and are not of it.
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.allowed -= len(data)
        if self.allowed >= 0:
            self.answers.feed_data(data)
        elif self._transport is not None and self._transport.get_returncode() is None:
            self._transport.kill()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self.answers.feed_eof()

    def process_exited(self) -> None:
        self.exited.set()


class Sandbox:
    """A sandbox that has started. Its files last until it is closed."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, process: _Process, settings: Settings
    ):
        self._transport = transport
        self._process = process
        self._settings = settings
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, settings: Settings) -> Self:
        """Make a sandbox.

        Raises:
            SandboxFailed: this machine cannot isolate.
        """
        command = (sys.executable, "-I", "-S", "-B", "-c", BOOT, str(Path(__file__).parent))
        transport, process = await asyncio.get_running_loop().subprocess_exec(
            _Process, *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/", env={}
        )
        sandbox = cls(transport, process, settings)
        try:
            await sandbox._ask(sandbox._setup(), (), PATIENCE)
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._ending is None and self._transport.get_returncode() is None

    async def put(self, name: str, content: bytes) -> None:
        """Place a file into the session, in the place of one that has its name.

        Raises:
            SandboxFailed: there is no room for it, or the sandbox is gone.
        """
        await self._ask({"kind": "put", "name": name}, (content,), PATIENCE)

    async def run(self, job: Job, progress: Callable[[], None]) -> Done:
        """Run a command; when it has ended, so have all the processes that it started.

        Where the caller is cancelled the sandbox is closed.

        Raises:
            SandboxFailed: it could not be started, or the sandbox is gone.
        """
        request = {
            "kind": "run",
            "command": list(job.command),
            "environment": dict(job.environment),
            "timeout": job.timeout,
        }
        patience = job.timeout + PATIENCE
        answer, blobs = await self._ask(request, (job.code,), patience, progress)
        return Done(
            ended=answer["ended"],
            status=answer["status"],
            stdout=Stream(begun=blobs[0], ended=blobs[1], total=answer["stdout"]),
            stderr=Stream(begun=blobs[2], ended=blobs[3], total=answer["stderr"]),
            files=dict(zip(answer["files"], blobs[4:], strict=True)),
            left_out=answer["left_out"],
            left_out_count=answer["left_out_count"],
        )

    async def close(self) -> None:
        """End every process of the sandbox, and wait until they are gone; its files go with them.

        The end is waited for to the end, even where the caller is cancelled meanwhile.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            self._transport.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END):
                await self._process.exited.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._transport.kill()
            await self._process.exited.wait()
        self._transport.close()

    async def _ask(
        self,
        header: Mapping[str, Any],
        blobs: Sequence[bytes],
        patience: float,
        progress: Callable[[], None] = lambda: None,
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Ask, and wait for the answer; a sandbox that gave none is closed."""
        answer: dict[str, Any] = {}
        content: list[bytes] = []
        limits = self._settings
        self._process.allowed = 2 * limits.output + limits.file_bytes + frames.HEADER_LIMIT
        pipe = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))
        try:
            pipe.write(frames.encode(header, blobs))
            async with asyncio.timeout(patience):
                while answer.get("kind", "running") == "running":
                    if answer:
                        progress()
                    answer, content = await self._answer()
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            message = "the sandbox has ended"
            raise SandboxFailed(message) from error
        finally:
            if answer.get("kind", "running") == "running":
                await self.close()
        if answer["kind"] == "failed":
            raise SandboxFailed(answer["error"])
        return answer, content

    async def _answer(self) -> tuple[dict[str, Any], list[bytes]]:
        answers = self._process.answers
        (length,) = frames.LENGTH.unpack(await answers.readexactly(frames.LENGTH.size))
        header = msgspec.json.decode(await answers.readexactly(length))
        return header, [await answers.readexactly(size) for size in header[frames.BLOBS]]

    def _setup(self) -> Mapping[str, Any]:
        limits = self._settings
        return {
            "parent": os.getpid(),
            "base": tempfile.gettempdir(),
            "mounts": machine.mounts(limits),
            "memory": limits.memory,
            "disk": limits.disk,
            "entries": limits.entries,
            "processes": limits.processes,
            "output": limits.output,
            "files": limits.files,
            "file_bytes": limits.file_bytes,
        }
