"""How much memory the processes of a sandbox have together."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def exceeds(limit: int) -> bool:
    """Whether all processes but the first have more than ``limit`` bytes of memory.

    What processes share is counted once for all of them; but that is asked for only where counting
    it for each would be too much, because it takes the kernel longer.
    """
    resident = sum(_resident(number) for number in _processes())
    return resident > limit and sum(_proportional(number) for number in _processes()) > limit


def _processes() -> Iterator[str]:
    names = (path.name for path in Path("/proc").iterdir())
    return (name for name in names if name.isdecimal() and name != "1")


def _resident(number: str) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(number: str) -> int:
    try:
        lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident(number)
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
