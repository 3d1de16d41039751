"""Filing: files are saved, read and removed, their bytes by content, the rest in the store."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import attrs

from hookline.blobs import Blobs
from hookline.drafts import Draft
from hookline.errors import FileTooLarge, InvalidRequest
from hookline.filenames import clean_name
from hookline.files import FileRecord, FileStore
from hookline.holdings import Holdings
from hookline.media import sniff
from hookline.moments import micros, now

OUTPUT = "assistants_output"
"""The purpose of what a tool made."""
Content = bytes | Draft | AsyncIterable[bytes]


def new_file_id(at: datetime) -> str:
    """A new id: ``file-``, the moment, and 16 random characters. Later ids come after it."""
    return f"file-{micros(at):014x}{secrets.token_hex(8)}"


class Files:
    """The files of a server. Who may read them is asked by those who serve them to callers.

    Args:
        records: what is known of files.
        blobs: their bytes.
        limit: bytes that one file may have.
        quota: bytes that the files of one owner may have together; 0 for no limit.
        days: how long what tools made is kept; 0 is for ever.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        records: FileStore,
        blobs: Blobs,
        *,
        limit: int,
        quota: int,
        days: float = 0.0,
        clock: Callable[[], datetime] = now,
    ):
        self._records = records
        self._blobs = blobs
        self._bytes = Holdings(records, blobs)
        self._limit = limit
        self._quota = quota
        self._kept = timedelta(days=days)
        self._clock = clock
        self._owners: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def draft(self, owner: str) -> AsyncIterator[Draft]:
        """Begin to take bytes in, before all is known of the file that they shall be.

        Writing raises ``InvalidRequest`` as soon as they are too many for the owner.
        """
        async with self._draft(await self._used(owner)) as made:
            yield made

    async def save(  # noqa: PLR0913  all that is known of a file
        self,
        content: Content,
        *,
        owner: str,
        name: str,
        media_type: str | None = None,
        purpose: str = OUTPUT,
        conversation: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expires_at: datetime | None = None,
    ) -> FileRecord:
        """Save a file; what is known of it. When this returns, it survives a crash.

        Args:
            content: the bytes, a stream of them, or a draft.
            owner: the user whose it is.
            name: is cleaned: no path, no characters that are not seen, at most 255 bytes.
            media_type: of content that the caller made itself; else it is found from the bytes.
            purpose: OpenAI's.
            conversation: the one that a tool made it in.
            metadata: for whoever keeps it.
            expires_at: when it is gone; what tools made is gone after ``[files] days``.

        Raises:
            InvalidRequest: it is too large, or the owner's quota is used up.
            StoreUnavailable: it could not be saved.
        """
        async with self._drafted(content, await self._used(owner)) as draft:
            new = self._file(
                draft,
                owner=owner,
                name=name,
                media_type=media_type,
                purpose=purpose,
                conversation=conversation,
                metadata=metadata,
                expires_at=expires_at,
            )
            return await self._keep(new, draft, None)

    async def replace(
        self,
        content: Content,
        *,
        owner: str,
        name: str,
        conversation: str | None,
        media_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> FileRecord:
        """Save what a tool made, in the place of what one made earlier under the same name.

        The id stays. Source: seed 10, code output: the same name in one conversation is the same
        file. Without a conversation every file is a new one. Tools that do this at the same moment
        on two servers may leave two files.

        Raises:
            InvalidRequest: it is too large, or the owner's quota is used up.
            StoreUnavailable: it could not be saved.
        """
        async with self._drafted(content, 0) as draft:
            new = self._file(
                draft,
                owner=owner,
                name=name,
                media_type=media_type,
                conversation=conversation,
                metadata=metadata,
            )
            return await self._keep(new, draft, conversation)

    def now(self) -> datetime:
        """This moment, by the clock that files expire by."""
        return self._clock()

    async def get(self, file: str) -> FileRecord | None:
        """What is known of a file that has not expired."""
        found = await self._records.get(file)
        return None if found is None or self.expired(found) else found

    def expired(self, file: FileRecord) -> bool:
        """Whether it is gone by now, be it removed already or not."""
        return file.expires_at is not None and file.expires_at <= self._clock()

    async def read(self, file: FileRecord, start: int = 0, end: int | None = None) -> bytes:
        """Its bytes from ``start`` up to ``end``.

        Raises:
            NotFound: they are gone.
            StoreUnavailable: they cannot be read now.
        """
        return await self._bytes.read(file, start, end)

    async def pieces(
        self, file: FileRecord, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Its bytes from ``start`` up to ``end``, a piece of at most ``PIECE`` at a time.

        Raises:
            NotFound: they are gone.
            StoreUnavailable: they cannot be read now.
        """
        async with aclosing(self._bytes.pieces(file, start, end)) as pieces:
            async for piece in pieces:
                yield piece

    async def delete(self, file: FileRecord) -> bool:
        """Remove a file, and its bytes if no other file has the same; false if there was none."""
        removed = await self._records.delete(file.id)
        await self._bytes.release_sometime(file.digest)
        return removed

    @asynccontextmanager
    async def _draft(self, used: int) -> AsyncIterator[Draft]:
        def check(size: int) -> None:
            if size > self._limit:
                message = f"a file may have {self._limit:,} bytes, and this one has more"
                raise FileTooLarge(message, param="file", reason="file_too_large")
            self._refuse_beyond_quota(used, size)

        async with self._blobs.draft(check) as made:
            yield made

    @asynccontextmanager
    async def _drafted(self, content: Content, used: int) -> AsyncIterator[Draft]:
        """The content as a draft to which nothing is added any more."""
        if isinstance(content, Draft):
            await content.finish()
            yield content
            return
        async with self._draft(used) as made:
            if isinstance(content, bytes):
                await made.write(content)
            else:
                async for piece in content:
                    await made.write(piece)
            await made.finish()
            yield made

    def _file(  # noqa: PLR0913  all that is known of a file
        self,
        draft: Draft,
        *,
        owner: str,
        name: str,
        media_type: str | None,
        conversation: str | None,
        metadata: Mapping[str, str] | None,
        purpose: str = OUTPUT,
        expires_at: datetime | None = None,
    ) -> FileRecord:
        """What will be known of a file once it is kept."""
        at = self._clock()
        if expires_at is None and purpose == OUTPUT and self._kept:
            expires_at = at + self._kept
        cleaned = clean_name(name)
        return FileRecord(
            id=new_file_id(at),
            owner=owner,
            name=cleaned,
            media_type=media_type or sniff(draft.head, cleaned),
            size=draft.size,
            digest=draft.digest,
            purpose=purpose,
            conversation=conversation,
            metadata=metadata or {},
            created_at=at,
            expires_at=expires_at,
        )

    async def _keep(self, new: FileRecord, draft: Draft, conversation: str | None) -> FileRecord:
        """Keep a file; one that was made in the conversation goes in the place of the earlier."""
        await self._blobs.keep(draft)
        old: FileRecord | None = None
        try:
            async with self._owners.setdefault(new.owner, asyncio.Lock()):
                if conversation is not None:
                    old = await self._earlier(new.owner, conversation, new.name)
                if old is not None:
                    new = attrs.evolve(new, id=old.id, created_at=old.created_at)
                await self._record(new, old)
                await self._bytes.hold(draft)
        except BaseException:
            await self._bytes.release_sometime(new.digest)
            raise
        if old is not None and old.digest != new.digest:
            await self._bytes.release_sometime(old.digest)
        return new

    async def _earlier(self, owner: str, conversation: str, name: str) -> FileRecord | None:
        found = await self._records.named(owner, conversation, name)
        made = found is not None and found.purpose == OUTPUT and not self.expired(found)
        return found if made else None

    async def _record(self, new: FileRecord, old: FileRecord | None) -> None:
        """Say what is known of a file, unless that takes its owner beyond the quota.

        Other servers may do the same for the same owner: so it is summed up again afterwards.
        """
        if self._quota:
            used = await self._records.total(new.owner)
            self._refuse_beyond_quota(used - (old.size if old else 0), new.size)
        await (self._records.add(new) if old is None else self._records.put(new))
        if not self._quota:
            return
        used = await self._records.total(new.owner) - new.size
        try:
            self._refuse_beyond_quota(used, new.size)
        except InvalidRequest:
            await (self._records.delete(new.id) if old is None else self._records.put(old))
            raise

    async def _used(self, owner: str) -> int:
        """The bytes that count against the quota of an owner."""
        return await self._records.total(owner) if self._quota else 0

    def _refuse_beyond_quota(self, used: int, size: int) -> None:
        if not self._quota or used + size <= self._quota:
            return
        message = (
            f"your files may have {self._quota:,} bytes together, and {used:,} are used; "
            "delete some, or have the quota raised"
        )
        raise InvalidRequest(message, param="file", reason="file_quota_exceeded")
