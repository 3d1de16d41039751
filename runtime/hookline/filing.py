"""Filing: files are saved, read and removed, their bytes by content, the rest in the store."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from hookline.blobs import Blobs
from hookline.errors import InvalidRequest, NotFound
from hookline.files import FileRecord, FileStore
from hookline.moments import now


def new_file_id() -> str:
    """A new id: ``file-`` and 24 random characters."""
    return "file-" + secrets.token_hex(12)


class Files:
    """The files of a server. Who may read them is asked by those who serve them to callers.

    Args:
        records: what is known of files.
        blobs: their bytes.
        limit: bytes that one file may have.
        quota: bytes that the files of one owner may have together; 0 for no limit.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        records: FileStore,
        blobs: Blobs,
        *,
        limit: int,
        quota: int,
        clock: Callable[[], datetime] = now,
    ):
        self._records = records
        self._blobs = blobs
        self._limit = limit
        self._quota = quota
        self._clock = clock

    async def save(  # noqa: PLR0913  all that is known of a file
        self,
        content: bytes,
        *,
        owner: str,
        name: str,
        media_type: str,
        purpose: str = "assistants_output",
        conversation: str | None = None,
        metadata: Mapping[str, str] | None = None,
        expires_at: datetime | None = None,
    ) -> FileRecord:
        """Save a file; what is known of it.

        Raises:
            InvalidRequest: it is too large, or the owner's quota is used up.
            StoreUnavailable: it could not be saved.
        """
        if len(content) > self._limit:
            message = f"{name} has {len(content):,} bytes, and a file may have {self._limit:,}"
            raise InvalidRequest(message, param="file", reason="file_too_large")
        used = await self._records.total(owner) if self._quota else 0
        if self._quota and used + len(content) > self._quota:
            message = (
                f"{name} has {len(content):,} bytes, and of {self._quota:,} that all files may "
                f"have together {used:,} are used; delete some"
            )
            raise InvalidRequest(message, param="file", reason="file_quota_exceeded")
        digest = hashlib.sha256(content).hexdigest()
        await self._blobs.put(digest, content)
        file = FileRecord(
            id=new_file_id(),
            owner=owner,
            name=name,
            media_type=media_type,
            size=len(content),
            digest=digest,
            purpose=purpose,
            conversation=conversation,
            metadata=metadata or {},
            created_at=self._clock(),
            expires_at=expires_at,
        )
        await self._records.add(file)
        return file

    async def get(self, file: str) -> FileRecord | None:
        """What is known of a file that has not expired."""
        found = await self._records.get(file)
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock()):
            return None
        return found

    async def read(self, file: FileRecord, start: int = 0, end: int | None = None) -> bytes:
        """Its bytes from ``start`` up to ``end``.

        Raises:
            NotFound: they are gone.
            StoreUnavailable: they cannot be read now.
        """
        try:
            return await self._blobs.read(file.digest, start, end)
        except FileNotFoundError as error:
            message = f"the bytes of {file.id} are gone"
            raise NotFound(message) from error

    async def delete(self, file: FileRecord) -> bool:
        """Remove a file, and its bytes if no other file has the same; false if there was none."""
        removed = await self._records.delete(file.id)
        if not await self._records.holds(file.digest):
            await self._blobs.delete(file.digest)
        return removed
