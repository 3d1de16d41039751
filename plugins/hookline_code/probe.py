"""Tries to get out of a sandbox, once, when the server starts."""

import asyncio
import os
import socket
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from hookline.errors import PluginError
from hookline_code import machine
from hookline_code.inside.paths import SOURCE
from hookline_code.sandbox import Job, Sandbox, SandboxFailed
from hookline_code.settings import VARIABLES, Settings

MEMORY = 128 * 1024**2
"""What the probe may take, so that it need not reach a generous limit."""

DISK = 8 * 1024**2
PROCESSES = 8
SECONDS = 10.0
_ATTEMPTS = Path(__file__).parent / "inside" / "attempts.py"


async def prove(settings: Settings) -> None:
    """Return if what code must not do cannot be done in a sandbox of this machine.

    Raises:
        PluginError: one line with what could be done, and the remedy.
    """
    small = structs.replace(settings, memory=MEMORY, disk=DISK, processes=PROCESSES)
    try:
        escaped = await _attempt(small)
    except SandboxFailed as error:
        message = f"plugins.code: this machine cannot isolate code: {error}; {machine.remedy()}"
        raise PluginError(message) from error
    if escaped:
        reached = ", ".join(escaped)
        message = f"plugins.code: code in a sandbox could reach {reached}; {machine.remedy()}"
        raise PluginError(message)


async def _attempt(settings: Settings) -> Any:
    """What could be reached that must not be."""
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as server,
        tempfile.NamedTemporaryFile() as secret,
    ):
        os.fchmod(secret.fileno(), 0o644)  # it is hidden because it is not there, not by its mode
        job = Job(
            command=[
                *(sys.executable, "-I", "-S", SOURCE, str(server.getsockname()[1]), secret.name),
                *(str(limit) for limit in (settings.memory, settings.processes, settings.disk)),
            ],
            code=await asyncio.to_thread(_ATTEMPTS.read_bytes),
            environment=VARIABLES,
            timeout=SECONDS,
        )
        sandbox = await Sandbox.start(settings)
        try:
            done = await sandbox.run(job, lambda: None)
        finally:
            await sandbox.close()
    if done.ended != "exited" or done.status != 0:
        message = f"the probe ended with {done.status}: {done.stderr.text()[-200:]}"
        raise SandboxFailed(" ".join(message.split()))
    return msgspec.json.decode(done.stdout.begun, type=list[str])
