"""The files of a session: what is there, what a command made of it, and their bytes."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress

from hookline_code.inside.paths import SESSION

DEPTH = 16
"""How many directories deep files are looked for."""

State = tuple[int, int, int]


def put(path: str, content: bytes) -> None:
    """Write a new file, in the place of what has this name."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)


def survey() -> Mapping[str, State]:
    """The plain files of the session, and what changes about each when it is written to."""
    return dict(_walk(SESSION, DEPTH))


def _walk(folder: str, depth: int) -> Iterator[tuple[str, State]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # a directory that its own owner may not read
    for entry in entries:
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and depth > 1:
            yield from _walk(entry.path, depth - 1)
        elif stat.S_ISREG(found.st_mode):
            yield entry.path, (found.st_ino, found.st_size, found.st_ctime_ns)


def gather(
    before: Mapping[str, State], count: int, size: int
) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Files that were made or changed, by path, up to a count and a size; and those left out."""
    taken: list[tuple[str, bytes]] = []
    left_out: list[str] = []
    for path, state in survey().items():
        if before.get(path) == state:
            continue
        name = _shown(path.removeprefix(f"{SESSION}/"))
        content = _content(path, size) if len(taken) < count else None
        if content is None:
            left_out.append(name)
            continue
        taken.append((name, content))
        size -= len(content)
    return taken, left_out


def _content(path: str, limit: int) -> bytes | None:
    """The bytes of a plain file; nothing of one that is none, is too large or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            return None
        return file.read(limit)


def _shown(name: str) -> str:
    """A name that is text: bytes that are none, and what cannot be printed, are written out."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
