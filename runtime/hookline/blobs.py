"""Blobs: the bytes of files, under the SHA-256 of what they are. The only module that uses fsspec."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import fsspec

from hookline.errors import ConfigError, StoreUnavailable

PIECE = 256 * 1024
"""Bytes that are read at a time."""


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
            filesystem, root = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError, TypeError) as error:
            message = f"files.url: {url} cannot be opened: {error}"
            raise ConfigError(message) from error
        self._filesystem = filesystem
        self._root = root.rstrip("/")

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest}"

    async def put(self, digest: str, content: bytes) -> None:
        """Keep bytes under their digest; they are there as a whole or not at all."""
        await self._do(self._put, digest, content)

    async def size(self, digest: str) -> int | None:
        """How many bytes there are; ``None`` if there are none."""
        try:
            return int(await self._do(self._filesystem.size, self._path(digest)))
        except FileNotFoundError:
            return None

    async def read(self, digest: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from ``start`` up to ``end``.

        Raises:
            FileNotFoundError: there are none.
        """
        content: bytes = await self._do(self._filesystem.cat_file, self._path(digest), start, end)
        return content

    async def pieces(self, digest: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``, a piece at a time."""
        while start < end:
            until = min(start + PIECE, end)
            yield await self.read(digest, start, until)
            start = until

    async def delete(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        try:
            await self._do(self._filesystem.rm_file, self._path(digest))
        except FileNotFoundError:
            return

    async def _do(self, work: Any, *args: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *args)
        except FileNotFoundError:
            raise
        except Exception as error:
            message = f"the place where files are kept does not answer: {type(error).__name__}"
            raise StoreUnavailable(message) from error

    def _put(self, digest: str, content: bytes) -> None:
        path = self._path(digest)
        if self._filesystem.exists(path):
            return
        self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._filesystem.transaction, self._filesystem.open(path, "wb") as file:
            file.write(content)
