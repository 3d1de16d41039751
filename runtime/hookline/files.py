"""What is known of files. Their bytes are kept elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import attrs

from hookline.moments import now


@attrs.frozen(kw_only=True)
class FileRecord:
    """A file of its owner. ``digest`` is the SHA-256 of its bytes, as hex; ``size`` is in bytes."""

    id: str
    owner: str
    name: str
    media_type: str
    size: int
    digest: str
    purpose: str = ""
    created_at: datetime = attrs.field(factory=now)
    expires_at: datetime | None = None


class FileStore(Protocol):
    """Where files' metadata are kept. Every method may raise ``StoreUnavailable``."""

    async def add(self, file: FileRecord) -> None:
        """Keep a new file's metadata.

        Raises:
            InvalidRequest: there is a file with this id.
        """

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's: those with an id above ``after``."""

    async def delete(self, file: str) -> bool:
        """Forget a file; false if there was none."""

    async def expired(self, at: datetime, *, limit: int = 1000) -> Sequence[FileRecord]:
        """Files that have expired by then, the earliest first."""
