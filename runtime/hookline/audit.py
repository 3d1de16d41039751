"""The audit: who changed what, and when. Records are only ever added."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import attrs
import msgspec

from hookline.moments import now

Action = Literal["create", "update", "delete", "revoke"]
_encode = msgspec.json.Encoder(order="deterministic").encode


def new_audit_id(at: datetime, number: int = 0) -> str:
    """A new id; of two moments, the later one's is larger.

    Args:
        at: when the change was made, to the microsecond.
        number: of the change among those of one moment, 0 to 65,535.
    """
    micros = int(at.timestamp() * 1_000_000)
    return f"aud_{micros:014x}{number & 0xFFFF:04x}{secrets.token_hex(4)}"


@attrs.frozen(kw_only=True)
class AuditRecord:
    """One change. ``before`` and ``after`` are hashes of the content, empty if there was none.

    Args:
        actor: the id of the user who did it; ``cli`` and the system's user for the command line.
        key: the id of the API key that was used, if one was.
        action: what was done.
        kind: of what, such as ``agent`` or ``grant``.
        subject: its id.
        detail: what a reader should know besides, such as a version; never a secret.
    """

    id: str
    at: datetime = attrs.field(factory=now)
    actor: str
    key: str | None = None
    action: Action
    kind: str
    subject: str
    before: str = ""
    after: str = ""
    detail: str = ""


class AuditStore(Protocol):
    """Where the audit is kept. Every method may raise ``StoreUnavailable``."""

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Keep records; one that is there already stays as it is."""

    async def list(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        before: str = "",
        limit: int = 100,
    ) -> Sequence[AuditRecord]:
        """Newest first; of one kind and subject, if named; those with an id below ``before``."""


def content_hash(document: Any) -> str:
    """SHA-256 of a document's canonical JSON, as hex; empty for ``None``."""
    return "" if document is None else hashlib.sha256(_encode(document)).hexdigest()
