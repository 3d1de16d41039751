"""Records: what a plugin keeps of its own, such as servers, credentials or what a call gave back.

A collection is named after the plugin and the noun, ``mcp.servers``. What a record holds is the
business of the one who keeps it; secrets are sealed first (``hookline.vault``).
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

import attrs
from msgspec import Meta

from hookline.documents import refuse_large
from hookline.errors import InvalidRequest, VersionConflict
from hookline.moments import in_utc, now

_COLLECTION = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
_LONGEST = 100
Collection = Annotated[str, Meta(pattern=_COLLECTION, max_length=_LONGEST)]
KEY_LENGTH = 512
"""Characters that ``id`` and ``owner`` have at most."""


@attrs.frozen(kw_only=True)
class Record:
    """A piece of data under a name that its collection has once.

    Args:
        collection: ``plugin.noun``, in small letters.
        id: within the collection; told apart by case.
        owner: the user whose it is, or empty.
        data: at most ``documents.LIMIT`` bytes.
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
            InvalidRequest: there are more data than ``documents.LIMIT``, or ``id`` or ``owner``
                are longer than ``KEY_LENGTH``; nothing is changed.
            ValueError: a time has no zone, or ``collection`` is none.
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


def checked(record: Record) -> Record:
    """A record as it comes back, with its moments in UTC.

    Raises:
        InvalidRequest: no store keeps one as large.
        ValueError: a time has no zone, or ``collection`` is none.
    """
    what = f"the record {record.id[:KEY_LENGTH]} of {record.collection}"
    if len(record.collection) > _LONGEST or not re.fullmatch(_COLLECTION, record.collection):
        message = f"{what}: a collection is called plugin.noun, in small letters"
        raise ValueError(message)
    if max(len(record.id), len(record.owner)) > KEY_LENGTH:
        message = f"{what}: id and owner have {KEY_LENGTH} characters at most"
        raise InvalidRequest(message, reason="key_too_long")
    refuse_large(len(record.data), what)
    return in_utc(record)


def revise(
    record: Record, current: Record | None, *, at: datetime, expected: int | None = None
) -> Record:
    """What a store keeps when a record is put.

    Args:
        record: as it was put.
        current: what is there under its id, and has not expired.
        at: this moment.
        expected: the version that must be there, 0 for none; ``None`` for any.

    Raises:
        VersionConflict: another version is there.
    """
    check_version(record.id, current, expected)
    return attrs.evolve(record, version=1 + version_of(current), updated_at=at)


def check_version(id_: str, current: Record | None, expected: int | None) -> None:
    """Refuse a change that was made for another version than the current one.

    Raises:
        VersionConflict: another version is there.
    """
    if expected not in {None, version_of(current)}:
        raise VersionConflict(id_, version_of(current))


def version_of(record: Record | None) -> int:
    """The version of a record; 0 of none."""
    return 0 if record is None else record.version


def living(record: Record | None, at: datetime) -> Record | None:
    """The record, unless it has expired by then."""
    if record is None or record.expires_at is None or at < record.expires_at:
        return record
    return None
