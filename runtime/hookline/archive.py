"""The archive: a store's documents as they are, for copying one store into another."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import attrs
import msgspec

KINDS: Sequence[str] = (
    "roles",
    "users",
    "groups",
    "agents",
    "agent_versions",
    "keys",
    "grants",
    "conversations",
    "files",
    "runs",
    "audit",
    "continuations",
    "accounts",
    "ledger",
    "outbox",
    "records",
)
"""What a store keeps, in the order in which it is copied."""

NOTHING: Mapping[str, Any] = MappingProxyType({})
_encode = msgspec.json.Encoder(order="deterministic").encode


@attrs.frozen
class ArchiveRecord:
    """One document of a kind.

    Args:
        id: what it is ordered by among its kind, character by character: the document's own id;
            what ``version_id`` says of one of ``agent_versions``, ``conversation_id`` of a
            conversation, and ``record_id`` of one of ``records``.
        content: JSON-like values, the same ones whichever store the document is in: the fields of
            its class as msgspec encodes them, and besides them what a newer Hookline wrote. All
            fields are there, ``None`` and defaults too. Moments are RFC 3339 in UTC with ``Z`` and
            as many microseconds as there are, sets are ordered lists, bytes are base64; a key has
            its ``digest``. What is left of a deleted document is what ``tombstone`` says.
            ``agent_versions`` are those that were replaced or deleted; the current one stands in
            ``agents``.
    """

    id: str
    content: Mapping[str, Any]

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON of id and content."""
        return hashlib.sha256(_encode([self.id, self.content])).digest()


class Archive(Protocol):
    """A store's documents, whole. Every method may raise ``StoreUnavailable``."""

    async def count(self, kind: str) -> int:
        """How many records of a kind there are."""

    async def read(
        self, kind: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[ArchiveRecord]:
        """Records of a kind, ordered by id: those with an id above ``after``."""

    async def write(self, kind: str, records: Sequence[ArchiveRecord]) -> None:
        """Keep records exactly as they are, each in the place of the one with its id.

        Versions and times are not counted on; what was kept under other ids stays.
        """


def version_id(agent: str, version: int) -> str:
    """The id of a replaced version of an agent."""
    return f"{agent}@{version}"


def conversation_id(owner: str, conversation: str) -> str:
    """The id of a conversation among those of all owners: JSON of both."""
    return _encode([owner, conversation]).decode()


def record_id(collection: str, id_: str) -> str:
    """The id of a plugin's record among all: no collection has a slash in its name.

    Those of one collection are ordered by their own ids.
    """
    return f"{collection}/{id_}"


def tombstone(id_: str, version: int) -> Mapping[str, Any]:
    """What is left of a deleted document: its id goes on counting versions."""
    return {"id": id_, "version": version, "deleted": True}


def content_of(document: Any, unknown: Mapping[str, Any] = NOTHING) -> Mapping[str, Any]:
    """The fields of a document, and what a newer Hookline wrote besides them."""
    return {**unknown, **msgspec.json.decode(_encode(document))}


def unknown_of(type_: type, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a document's content is no field of its class: a newer Hookline wrote it."""
    known = {field.name for field in attrs.fields(type_)}
    return {name: value for name, value in content.items() if name not in known}
