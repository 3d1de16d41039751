"""Makes a sandbox: new namespaces, a file system of its own, no privileges, and a first process.

The first process is number 1 of its own world: when it ends, the kernel ends every process in it,
whatever they did to hide. This process stays outside and waits for that; once it is gone, so are
they all.
"""

import os
import platform
import resource
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from hookline_code.inside import frames, kernel, rootfs, seccomp, service

NAMESPACES = (
    kernel.CLONE_NEWNS
    | kernel.CLONE_NEWCGROUP
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
)
INSIDE = 1000
"""The user and the group of everything in the sandbox, as it sees itself."""

NOBODY = 65534
"""Whom a sandbox is run as, outside, where the server is root."""


def main() -> None:
    """Make a sandbox as the first message says, and wait until it has ended."""
    setup, _ = frames.read(0)
    try:
        privileged = _leave_namespaces()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != setup["parent"]:
            return
        child = os.fork()
    except OSError as error:
        _fail(error)
    if child == 0:
        _first_process(setup, privileged=privileged)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGKILL))
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    os.waitpid(child, 0)
    os._exit(0)


def _leave_namespaces() -> bool:
    """Enter new namespaces; whether that was done with the rights of root.

    Root can do without a user namespace until it has built the file system; so it sees interpreters
    in directories that are its own. Everybody else needs the user namespace first.
    """
    if os.geteuid() == 0 and _knows_nobody():
        with suppress(PermissionError):
            kernel.unshare(NAMESPACES)
            return True
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(NAMESPACES | kernel.CLONE_NEWUSER)
    _map(user, group)
    return False


def _knows_nobody() -> bool:
    """Whether the user that is no one can be had here: in a container, perhaps not."""
    for name in ("uid_map", "gid_map"):
        lines = Path("/proc/self", name).read_text().splitlines()
        ranges = (tuple(map(int, line.split())) for line in lines)
        if not any(first <= NOBODY < first + count for first, _, count in ranges):
            return False
    return True


def _map(user: int, group: int) -> None:
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(f"{INSIDE} {user} 1")
    (process / "gid_map").write_text(f"{INSIDE} {group} 1")


def _first_process(setup: Mapping[str, Any], *, privileged: bool) -> NoReturn:
    try:
        _isolate(setup, privileged=privileged)
        requests, answers = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.close(nothing)
    except (OSError, ValueError) as error:
        _fail(error)
    frames.write(answers, {"kind": "ready"})
    with suppress(EOFError, BrokenPipeError):
        service.serve(requests, answers, setup)
    os._exit(0)


def _isolate(setup: Mapping[str, Any], *, privileged: bool) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    kernel.set_host_name("sandbox")
    owner = NOBODY if privileged else INSIDE
    os.umask(0o022)
    limits = setup["disk"], setup["entries"]
    rootfs.build(setup["base"], setup["mounts"], limits, owner)
    os.umask(0o077)
    if privileged:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        kernel.unshare(kernel.CLONE_NEWUSER)
        _map(NOBODY, NOBODY)
    Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kernel.drop_capabilities()
    kernel.install_filter(seccomp.program(platform.machine()))
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def _fail(error: Exception) -> NoReturn:
    with suppress(OSError):
        frames.write(1, {"kind": "failed", "error": getattr(error, "strerror", None) or str(error)})
    os._exit(1)
