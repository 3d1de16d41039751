"""Blobs: the bytes of files, under the SHA-256 of what they are. The only module that uses fsspec.

::

    <url>/ab/abcdef…            the bytes whose digest begins with ab
    <url>/incoming/…            bytes that are coming in (a local folder alone)
    <url>/aside/abcdef….…       bytes that may be removed, until it is sure that nobody needs them
"""

import asyncio
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]

from hookline.drafts import Draft
from hookline.errors import ConfigError, StoreUnavailable

PIECE = 1024 * 1024
"""Bytes that are read at a time."""
FOLDERS: Sequence[str] = [f"{number:02x}" for number in range(256)]
"""The folders that bytes are in, by the first two characters of their digests."""
INCOMING, ASIDE = "incoming", "aside"


class Blobs:
    """A folder or a bucket, by URL. Every method may raise ``StoreUnavailable``.

    Args:
        url: any that fsspec knows, such as ``file://./files`` or ``s3://bucket/prefix``.
        options: of that filesystem.

    Raises:
        ConfigError: fsspec does not know the URL, or lacks a package for it.
    """

    def __init__(self, url: str, options: Mapping[str, Any]):
        try:
            filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **options)
        except (ImportError, ValueError, TypeError) as error:
            message = f"files.url: {url} cannot be opened: {error}"
            raise ConfigError(message) from error
        self._filesystem = filesystem
        self._root = root.rstrip("/")
        self._local = isinstance(filesystem, fsspec.get_filesystem_class("file"))

    @asynccontextmanager
    async def draft(self, check: Callable[[int], None]) -> AsyncIterator[Draft]:
        """A draft, to be filled and kept; what was not kept is gone in the end.

        ``check`` is told how many bytes there will be before more are taken, and may raise.
        """
        made = await self._do(self._new_draft, check)
        try:
            yield made
        finally:
            made.discard()

    async def keep(self, draft: Draft) -> None:
        """Keep the bytes of a draft under their digest.

        They are there as a whole or not at all, and when this returns they survive a crash. May be
        called again, should they be gone.
        """
        await self._do(self._keep, draft)

    async def has(self, digest: str, size: int) -> bool:
        """Whether all bytes are there."""
        return bool(await self._do(self._has, self._path(digest), size))

    async def read(self, digest: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from ``start`` up to ``end``.

        Raises:
            FileNotFoundError: there are none.
        """
        work = partial(self._filesystem.cat_file, self._path(digest), start=start, end=end)
        content: bytes = await self._do(work)
        return content

    async def put_aside(self, digest: str) -> str | None:
        """Move the bytes to where nobody looks; where that is, or ``None`` if there are none."""
        name = f"{digest}.{int(time.time())}.{secrets.token_hex(4)}"
        moved = await self._do(self._move, self._path(digest), f"{self._root}/{ASIDE}/{name}")
        return name if moved else None

    async def put_back(self, name: str) -> None:
        """Move the bytes back from where ``put_aside`` moved them, if they are still there."""
        digest = name.partition(".")[0]
        await self._do(self._move, f"{self._root}/{ASIDE}/{name}", self._path(digest))

    async def remove(self, name: str) -> None:
        """Remove the bytes that ``put_aside`` moved, if they are still there."""
        await self._do(self._remove, f"{self._root}/{ASIDE}/{name}")

    async def in_folder(self, folder: str) -> Sequence[str]:
        """The digests of all bytes in one of ``FOLDERS``."""
        found: list[str] = await self._do(self._names, folder)
        return found

    async def left_aside(self, seconds: float) -> Sequence[str]:
        """What was put aside so long ago that whoever did it will not come back for it."""
        until = time.time() - seconds
        found: list[str] = await self._do(self._names, ASIDE)
        return [name for name in found if name.count(".") == 2 and _moved_at(name) <= until]

    async def forget_incoming(self, seconds: float) -> None:
        """Remove what began to come in so long ago that it never will."""
        if self._local:
            await self._do(self._forget_incoming, time.time() - seconds)

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest}"

    async def _do(self, work: Any, *args: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *args)
        except FileNotFoundError:
            raise
        except Exception as error:
            message = f"the place where files are kept does not answer: {type(error).__name__}"
            raise StoreUnavailable(message) from error

    def _new_draft(self, check: Callable[[int], None]) -> Draft:
        if not self._local:
            return Draft(Path(tempfile.gettempdir()), check)
        folder = Path(self._root, INCOMING)
        folder.mkdir(parents=True, exist_ok=True)
        return Draft(folder, check)

    def _has(self, path: str, size: int) -> bool:
        try:
            return bool(self._filesystem.info(path)["size"] == size)
        except FileNotFoundError:
            return False

    def _keep(self, draft: Draft) -> None:
        path = self._path(draft.digest)
        if self._has(path, draft.size):
            return
        if not self._local:
            # An object comes to be when all of it was sent.
            self._filesystem.put_file(str(draft.path), path)
            return
        target = Path(path)
        made = not target.parent.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        _twin(draft.path).replace(target)
        _sync(target.parent)
        if made:
            _sync(target.parent.parent)

    def _move(self, source: str, target: str) -> bool:
        try:
            if self._local:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                Path(source).replace(target)
                _sync(Path(target).parent)
            else:
                self._filesystem.cp_file(source, target)
                self._filesystem.rm_file(source)
        except FileNotFoundError:
            return False
        return True

    def _remove(self, path: str) -> None:
        try:
            self._filesystem.rm_file(path)
        except FileNotFoundError:
            return

    def _names(self, folder: str) -> list[str]:
        try:
            found = self._filesystem.ls(f"{self._root}/{folder}", detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(path.rpartition("/")[2] for path in found)

    def _forget_incoming(self, until: float) -> None:
        folder = Path(self._root, INCOMING)
        for path in folder.iterdir() if folder.exists() else ():
            try:
                if path.stat().st_mtime <= until:
                    path.unlink()
            except FileNotFoundError:  # its upload came to an end
                continue


def _moved_at(name: str) -> float:
    """When something was put aside, in seconds since 1970; in no time if it does not say so."""
    at = name.split(".")[1]
    return float(at) if at.isascii() and at.isdecimal() else float("inf")


def _twin(path: Path) -> Path:
    """A second name for a file beside it, or a copy where a file can have but one.

    The first stays: its bytes are needed again if another server removes the second.
    """
    twin = path.with_name(f"{path.name}.twin")
    twin.unlink(missing_ok=True)
    try:
        twin.hardlink_to(path)
    except OSError:
        with path.open("rb") as source, twin.open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
    return twin


def _sync(folder: Path) -> None:
    """Have the names in a folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
