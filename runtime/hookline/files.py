"""What is known of files. Their bytes are kept elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from hookline.moments import now


@attrs.frozen(kw_only=True)
class FileRecord:
    """A file of its owner. ``digest`` is the SHA-256 of its bytes, as hex; ``size`` is in bytes.

    ``purpose`` is OpenAI's: ``user_data`` and others for an upload, ``assistants_output`` for what
    a tool made. ``conversation`` is the one that a tool made it in, as its owner calls it.
    ``metadata`` is for whoever keeps the file.
    """

    id: str
    owner: str
    name: str
    media_type: str
    size: int
    digest: str
    purpose: str = ""
    conversation: str | None = None
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    created_at: datetime = attrs.field(factory=now)
    expires_at: datetime | None = None


class FileStore(Protocol):
    """Where files' metadata are kept. Every method may raise ``StoreUnavailable``."""

    async def add(self, file: FileRecord) -> None:
        """Keep a new file's metadata.

        Raises:
            InvalidRequest: there is a file with this id.
        """

    async def put(self, file: FileRecord) -> None:
        """Keep a file's metadata, in the place of those with its id, if there are any."""

    async def get(self, file: str) -> FileRecord | None:
        """The file with this id, expired or not."""

    async def named(self, owner: str, conversation: str, name: str) -> FileRecord | None:
        """The owner's file with this name in a conversation; of several the one with the last id.

        Source: seed 10, code output: the same name in one conversation is the same file.
        """

    async def total(self, owner: str) -> int:
        """Bytes of all files of an owner, expired or not; summed where they are kept."""

    async def holds(self, digest: str) -> bool:
        """Whether any file has these bytes: only then may they not be removed."""

    async def list(
        self, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """Files ordered by id, all or an owner's: those with an id above ``after``."""

    async def latest(
        self, *, owner: str | None = None, before: str = "", limit: int = 1000
    ) -> Sequence[FileRecord]:
        """The same from the last id backwards: those with an id below ``before``, if it is given.

        Ids begin with the moment at which a file was made, so these are the newest first.
        """

    async def delete(self, file: str) -> bool:
        """Forget a file; false if there was none."""

    async def expired(self, at: datetime, *, limit: int = 1000) -> Sequence[FileRecord]:
        """Files that have expired by then, the earliest first."""
