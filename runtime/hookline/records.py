"""Records: what a plugin keeps of its own, such as servers, credentials or what a call gave back.

A collection is named after the plugin and the noun, ``mcp.servers``. What a record holds is the
business of the one who keeps it; secrets are sealed first (``hookline.vault``).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

import attrs
from msgspec import Meta

from hookline.moments import now

Collection = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=100)]
KEY_LENGTH = 512
"""Characters that ``id`` and ``owner`` have at most."""


@attrs.frozen(kw_only=True)
class Record:
    """A piece of data under a name that its collection has once.

    Args:
        collection: ``plugin.noun``, in small letters.
        id: within the collection; told apart by case.
        owner: the user whose it is, or empty.
        data: bytes, at most ``documents.LIMIT`` less some room for the rest.
        version: 1, 2, 3 …; begins again at 1 once the record was deleted or has expired.
        updated_at: when this version was kept, in UTC.
        expires_at: when it is gone; ``None`` for never.
    """

    collection: str
    id: str
    owner: str = ""
    data: bytes
    version: int = 1
    updated_at: datetime = attrs.field(factory=now)
    expires_at: datetime | None = None


class RecordStore(Protocol):
    """Where records are kept. Every method may raise ``StoreUnavailable``.

    A record that has expired by the store's clock is not there for any method but ``expire``.
    """

    async def get(self, collection: str, id: str, /) -> Record | None:  # noqa: A002
        """The record with this id."""

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        """Keep a record, in the place of the one with its id; what is kept is returned.

        What is kept has the next version and this moment as ``updated_at``. When this returns the
        record survives a crash of the process and of the machine. Of several that put the same
        record at once with the same ``expected``, one succeeds, on any number of servers.

        Args:
            record: as it shall be.
            expected: the version that it replaces; 0 if there must be none; ``None`` replaces
                whatever is there.

        Raises:
            VersionConflict: another version is there; nothing is changed.
            InvalidRequest: it is larger than ``documents.LIMIT``; nothing is changed.
        """

    async def list(
        self, collection: str, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Records of a collection ordered by id, all or an owner's: those with an id above."""

    async def delete(self, collection: str, id: str, /, *, expected: int | None = None) -> bool:  # noqa: A002
        """Remove a record; false if there was none.

        Raises:
            VersionConflict: another version than ``expected`` is there; nothing is changed.
        """

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
