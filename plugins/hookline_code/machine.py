"""What of this machine code gets to see, and why a machine might not be able to isolate it."""

import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hookline_code.settings import Settings

SYSTEM = (
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/share/locale",
    "/usr/share/zoneinfo",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
)
"""Programs and their libraries. Not all of ``/usr``: images keep applications in ``/usr/src``."""

OF_PYTHON = ("bin", "lib", "lib64", "pyvenv.cfg")
"""What a Python needs of its prefix. Not all of it: a prefix may be an application's directory."""

_SWITCHES = {
    "kernel/unprivileged_userns_clone": ("0", "sysctl kernel.unprivileged_userns_clone=1"),
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    "user/max_user_namespaces": ("0", "sysctl user.max_user_namespaces=10000"),
}


def mounts(settings: Settings) -> Sequence[tuple[str, str]]:
    """What is shown, read-only: where it really is, and where code sees it."""
    shown = [*map(Path, SYSTEM), *_of_python(), *map(Path, settings.paths)]
    return [(str(path.resolve()), str(path)) for path in dict.fromkeys(shown) if path.exists()]


def _of_python() -> Iterator[Path]:
    """The server's own Python, by all the names that lead to it."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    prefixes += [str(Path(prefix).resolve()) for prefix in prefixes]
    prefixes += [str(Path(sys.executable).resolve().parents[1])]
    for prefix in dict.fromkeys(prefixes):
        if prefix not in {"/", "/usr"}:
            yield from (Path(prefix, name) for name in OF_PYTHON)


def remedy() -> str:
    """What an operator can do where namespaces are refused."""
    if platform.system() != "Linux":
        return "it needs Linux; run the server there, or set enabled = false"
    for name, (bad, command) in _SWITCHES.items():
        switch = Path("/proc/sys", name)
        if switch.exists() and switch.read_text().strip() == bad:
            return f"allow user namespaces ({command}), or set enabled = false"
    return (
        "it needs Linux 5.14 and, in a container, a seccomp profile that allows user namespaces "
        "and mounts; else set enabled = false"
    )
