"""The library: the passages of files and indexes of them, made once and remembered.

What is remembered goes by the bytes of a file, so it is never out of date. An index is of all
files of a call together: only then do the scores of their passages mean the same.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

import attrs
import structlog

from hookline.errors import NotFound
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.ranking import Index
from hookline_file_search.documents import kind_of, read
from hookline_file_search.passages import Passage, cut
from hookline_file_search.reading import OutOfTime, Unreadable, Watch
from hookline_file_search.settings import Settings
from hookline_file_search.shelf import Shelf

THREADS = 2
"""Files that are read, and indexes that are made, at a time: both are work for a processor."""

FETCHED = 4
"""Files whose bytes are in memory at a time."""

log = structlog.get_logger("hookline.file_search")
Result = TypeVar("Result")


@attrs.frozen(kw_only=True)
class Text:
    """The passages of a file.

    Args:
        key: what it is remembered by.
        passages: in order.
        missing: which part of it was not read, or empty.
        problem: why there are no passages, or empty.
    """

    key: Hashable
    passages: Sequence[Passage] = ()
    missing: str = ""
    problem: str = ""

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return sum(passage.size for passage in self.passages) + 200


class Library:
    """Reads files, in threads of its own."""

    def __init__(self, files: Callable[[], Files], settings: Settings):
        self._files = files
        self._settings = settings
        self._shelf = Shelf[Text | Index](settings.cache_bytes)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="file_search")
        self._fetching = asyncio.Semaphore(FETCHED)
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def close(self) -> None:
        """Begin no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def file(self, id_: str) -> FileRecord | None:
        """What is known of a file.

        Raises:
            StoreUnavailable: it cannot be known now.
        """
        return await self._files().get(id_)

    async def text(self, file: FileRecord) -> Text:
        """The passages of a file, or why it has none.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        if file.size > self._settings.file_bytes:
            limit = self._settings.file_bytes
            problem = f"it has {file.size:,} bytes, and files up to {limit:,} are searched"
            return Text(key=None, problem=problem)
        key = (file.digest, kind_of(file))
        async with self._lock(key):
            kept = self._shelf.get(key)
            if isinstance(kept, Text):
                return kept
            return await self._read(file, key)

    async def index(self, texts: Sequence[Text]) -> Index:
        """The index of the passages of all these files, in their order."""
        key = tuple(text.key for text in texts)
        async with self._lock(key):
            kept = self._shelf.get(key)
            if isinstance(kept, Index):
                return kept
            searched = [passage.text for text in texts for passage in text.passages]
            index = await self.work(lambda: Index(searched))
            self._shelf.put(key, index, index.size)
            return index

    async def work(self, do: Callable[[], Result]) -> Result:
        """Do what takes a while, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)

    def _lock(self, key: Hashable) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _read(self, file: FileRecord, key: Hashable) -> Text:
        watch = Watch(self._settings.seconds)
        try:
            async with self._fetching:
                content = await self._files().read(file)
                text = await self.work(lambda: self._text(content, file, key, watch))
        except NotFound:
            return Text(key=None, problem="it is gone")
        except OutOfTime:
            return Text(key=None, problem="reading it takes too long")
        finally:
            watch.stop()
        self._shelf.put(key, text, text.size)
        return text

    def _text(self, content: bytes, file: FileRecord, key: Hashable, watch: Watch) -> Text:
        settings = self._settings
        try:
            reading = read(content, file, settings, watch)
        except Unreadable as error:
            return Text(key=key, problem=str(error))
        except Exception:
            log.exception("file_search.reading_failed", file=file.id)
            return Text(key=key, problem="it cannot be read")
        passages = cut(reading.sections, settings.chunk_size, settings.overlap)
        return Text(key=key, passages=passages, missing=reading.missing)
