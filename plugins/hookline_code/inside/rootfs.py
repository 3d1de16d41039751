"""What a sandbox sees of the file system: the interpreters, read-only, and a little of its own."""

import os
from collections.abc import Sequence
from pathlib import Path

from hookline_code.inside import kernel
from hookline_code.inside.paths import CODE, SESSION

HOST, SCRATCH = "/.host", "/.scratch"
OWN = {SESSION: "session", CODE: "code", "/tmp": "tmp", "/dev/shm": "shm"}  # noqa: S108
"""The directories that can be written; together they have the limit of the session."""

DEVICES = ("null", "zero", "full", "random", "urandom")
QUIET = kernel.MS_NOSUID | kernel.MS_NODEV


def build(
    base: str, mounts: Sequence[tuple[str, str]], limits: tuple[int, int], owner: int
) -> None:
    """Leave the machine's file system for one that ends with the sandbox.

    Args:
        base: a directory that is there; nothing in it is seen or changed.
        mounts: what is shown of the machine: what, and where.
        limits: bytes and entries that may be written.
        owner: the user id that may write.
    """
    size, entries = limits
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", base, "tmpfs", QUIET, "size=1m,nr_inodes=10k,mode=755")
    Path(base + HOST).mkdir()
    kernel.pivot_root(base, base + HOST)
    os.chdir("/")
    for path in ("/proc", SCRATCH):
        Path(path).mkdir()
    kernel.mount("proc", "/proc", "proc", QUIET | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", SCRATCH, "tmpfs", QUIET, f"size={size},nr_inodes={entries},mode=755")
    for path, name in OWN.items():
        own = Path(SCRATCH, name)
        own.mkdir(mode=0o700)
        os.chown(own, owner, owner)
        _bind(str(own), path)
    for device in DEVICES:
        _bind(f"{HOST}/dev/{device}", f"/dev/{device}")
    for source, target in mounts:
        _bind(HOST + source, target)
        flags = kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV
        kernel.seal(target, flags, recursive=True)
    for path in (SCRATCH, HOST):
        kernel.detach(path)
        Path(path).rmdir()
    kernel.seal("/", kernel.ATTR_RDONLY, recursive=False)


def _bind(source: str, target: str) -> None:
    if Path(source).is_dir():
        Path(target).mkdir(parents=True, exist_ok=True)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
    kernel.mount(source, target, "", kernel.MS_BIND | kernel.MS_REC)
