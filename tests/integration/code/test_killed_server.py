"""A server that is killed leaves no code running, and nothing on the disk."""

import subprocess
import sys

import pytest

from support import sandboxes
from support.waiting import until

pytestmark = pytest.mark.skipif(bool(sandboxes.obstacle()), reason=sandboxes.obstacle())

SERVER = """
import asyncio
from hookline_code.sandbox import Job, Sandbox
from hookline_code.settings import Settings

async def serve():
    settings = Settings(enabled=True)
    sandbox = await Sandbox.start(settings)
    code = b"import time; print(flush=True); time.sleep(600)"
    job = Job(
        command=settings.command("py", ["killed-server-test"]),
        code=code,
        environment=settings.variables(),
        timeout=600,
    )
    await sandbox.run(job, lambda: None)

{run}
"""
RUNS = {
    "asyncio": "asyncio.run(serve())",
    "uvloop": "import uvloop; uvloop.run(serve())",
}


@pytest.mark.parametrize("loop", RUNS)
def test_a_killed_server_leaves_nothing(loop: str):
    """After kill -9 the processes of its sandboxes are gone, too, whichever loop it ran on."""
    with subprocess.Popen([sys.executable, "-c", SERVER.format(run=RUNS[loop])]) as server:
        until(inside, sandboxes.SECONDS)
        server.kill()
        server.wait()

    until(lambda: not inside(), sandboxes.SECONDS)


def inside() -> list[int]:
    """The code that runs in the sandbox; what the server runs has the word, but not so."""
    return sandboxes.processes_with("/code/main\0killed-server-test")
