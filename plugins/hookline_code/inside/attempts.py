"""Run in a sandbox: tries what must not succeed, and prints what did, as a JSON list."""

import json
import mmap
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

PIECE = 1 << 20


def network(port: int) -> None:
    """Connect to the server that started us."""
    socket.create_connection(("127.0.0.1", port), timeout=1).close()


def other_files(path: str) -> None:
    """Read a file of the machine."""
    Path(path).read_bytes()


def other_processes() -> None:
    """See a process that is not of the sandbox: here are the first one, and this one."""
    others = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
    if len(others) <= 2:
        raise OSError


def other_variables() -> None:
    """See a variable that nobody gave."""
    if set(os.environ) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}:
        raise OSError


def privileges() -> None:
    """Have capabilities, or a way to get them."""
    lines = (line.partition(":") for line in Path("/proc/self/status").read_text().splitlines())
    facts = {name: value.strip() for name, _, value in lines}
    capabilities = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    none = all(int(facts[name], 16) == 0 for name in capabilities)
    if none and facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2" and os.getuid() != 0:
        raise OSError


def system_directories() -> None:
    """Write where programs are."""
    Path(sys.prefix, "bin", "probe").touch()


def too_much_memory(limit: int) -> None:
    """Take more memory than is allowed."""
    mmap.mmap(-1, limit + PIECE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def too_many_processes(limit: int) -> None:
    """Start more processes than are allowed."""
    for _ in range(limit + 2):
        if os.fork() == 0:
            time.sleep(60)


def too_large_files(limit: int) -> None:
    """Write more than is allowed."""
    for number in range(2):
        with Path(f"large{number}").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, limit)


def main() -> None:
    """Try everything; the processes that are left over end with the sandbox."""
    port, path, memory, processes, disk = sys.argv[1:]
    attempts: dict[str, Callable[[], None]] = {
        "the network": lambda: network(int(port)),
        "other files": lambda: other_files(path),
        "other processes": other_processes,
        "other variables": other_variables,
        "privileges": privileges,
        "system directories": system_directories,
        "memory above the limit": lambda: too_much_memory(int(memory)),
        "files above the limit": lambda: too_large_files(int(disk)),
        "processes above the limit": lambda: too_many_processes(int(processes)),
    }
    reached = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, MemoryError):
            continue
        reached.append(name)
    print(json.dumps(reached))  # noqa: T201  the sandbox's answer


if __name__ == "__main__":
    main()
