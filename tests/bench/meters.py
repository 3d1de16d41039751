"""What a process costs, as Linux says in ``/proc``; elsewhere nothing is known."""

import os
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024


def cpu_seconds(pid: int) -> float | None:
    """CPU time of the process so far, in user and kernel mode."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return None


def resident(pid: int) -> int | None:
    """Bytes of memory that the process holds now."""
    return _status(pid, "VmRSS:")


def peak(pid: int) -> int | None:
    """Bytes of memory that it held at most, since ``reset_peak``."""
    return _status(pid, "VmHWM:")


def reset_peak(pid: int) -> None:
    """Forget the peak."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, key: str) -> int | None:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return None
