"""The archive: a store's documents as they are, for copying one store into another."""

import hashlib
from collections.abc import Mapping, Sequence
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
)
"""What a store keeps, in the order in which it is copied."""

_encode = msgspec.json.Encoder(order="deterministic").encode


@attrs.frozen
class ArchiveRecord:
    """One document of a kind.

    Args:
        id: what it is ordered by among its kind, character by character.
        content: JSON-like values, the same ones whichever store the document is in: the fields of
            its class as msgspec encodes them, and besides them what a newer Hookline wrote. What is
            left of a deleted document is ``{"id", "version", "deleted": true}``.
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
