"""One command in a sandbox, from its start until nothing of it is left."""

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from hookline_code.inside import watch
from hookline_code.inside.capture import Capture
from hookline_code.inside.paths import SESSION

TICK = 0.025
"""Seconds between two looks at the memory."""

REPORT = 1.0
"""Seconds after which the server is told that the command goes on."""


class Command:
    """A command that runs.

    Attributes:
        status: what it exited with; below zero the signal that ended it.
        ended: ``exited``, or the limit that it reached: ``time`` or ``memory``.
    """

    def __init__(self, request: Mapping[str, Any], setup: Mapping[str, Any]):
        self.status: int | None = None
        self.ended = "exited"
        self._setup = setup
        self._until = time.monotonic() + request["timeout"]
        reads, writes = zip(os.pipe(), os.pipe(), strict=True)
        self._main = os.fork()
        if self._main == 0:
            _become(request, setup, writes)
        for descriptor in writes:
            os.close(descriptor)
        self.stdout, self.stderr = (Capture(source, setup["output"]) for source in reads)
        self._open = {capture.source: capture for capture in (self.stdout, self.stderr)}

    def finish(self, requests: int, tell: Callable[[], None]) -> None:
        """Wait for its end, end all that it left behind, and read what they wrote.

        Raises:
            EOFError: the server wants no answer any more.
        """
        poll = select.poll()
        for descriptor in (requests, *self._open):
            poll.register(descriptor, select.POLLIN)
        told = time.monotonic()
        while self._runs():
            for descriptor, _ in poll.poll(TICK * 1000):
                if descriptor == requests:
                    raise EOFError
                if not self._open[descriptor].read():
                    poll.unregister(descriptor)
            if time.monotonic() - told > REPORT:
                told = time.monotonic()
                tell()
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        self._reap(0)
        for capture in self._open.values():
            while capture.read():
                pass
            os.close(capture.source)

    def _runs(self) -> bool:
        self._reap(os.WNOHANG)
        if self.status is not None:
            return False
        if time.monotonic() > self._until:
            self.ended = "time"
        elif watch.exceeds(self._setup["memory"]):
            self.ended = "memory"
        return self.ended == "exited"

    def _reap(self, options: int) -> None:
        """Take note of the processes that have ended, be they ours or left to us."""
        with suppress(ChildProcessError):
            while True:
                number, status = os.waitpid(-1, options)
                if number == self._main:
                    self.status = os.waitstatus_to_exitcode(status)
                if number == 0:
                    return


def _become(
    request: Mapping[str, Any], setup: Mapping[str, Any], writes: Sequence[int]
) -> NoReturn:
    """Turn this new process into the command."""
    command = request["command"]
    try:
        os.setsid()
        for descriptor, target in zip(writes, (1, 2), strict=True):
            os.dup2(descriptor, target)
        os.nice(10)
        os.chdir(SESSION)
        for kind, limit in _limits(request, setup).items():
            resource.setrlimit(kind, (limit, limit))
        os.execve(command[0], command, request["environment"])  # noqa: S606  no shell is wanted
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _limits(request: Mapping[str, Any], setup: Mapping[str, Any]) -> Mapping[int, int]:
    return {
        resource.RLIMIT_CPU: int(request["timeout"]) + 2,
        resource.RLIMIT_DATA: setup["memory"],
        resource.RLIMIT_FSIZE: setup["disk"],
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_NOFILE: 256,
        # This process and the two that made the sandbox are counted, too.
        resource.RLIMIT_NPROC: setup["processes"] + 2,
    }
