"""API keys: made once, shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from hookline.agents import now

PREFIX = "hk-"
SHOWN = 11
"""How many characters of a key are kept readable, to tell keys apart in a list: at most a quarter
of a key that an operator chose."""


@attrs.frozen(kw_only=True)
class ApiKey:
    """What is known of a key. The key itself is not: ``digest`` is its SHA-256, as hex.

    ``agents`` are the ids it may call; ``None`` means all that its user may.
    """

    id: str
    user: str
    digest: str = attrs.field(repr=False)
    shown: str
    name: str = ""
    agents: frozenset[str] | None = None
    created_at: datetime = attrs.field(factory=now)
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def valid(self, at: datetime) -> bool:
        """Whether the key is neither revoked nor expired at this moment."""
        if self.revoked_at is not None:
            return False
        return self.expires_at is None or at < self.expires_at


class KeyStore(Protocol):
    """Where keys are kept. Every method may raise ``StoreUnavailable``."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key.

        Raises:
            InvalidRequest: a key with this id or digest exists already.
        """

    async def find(self, digest: str) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""

    async def list(self, *, user: str | None = None) -> Sequence[ApiKey]:
        """All keys, or those of a user; newest first."""

    async def revoke(self, key: str, at: datetime) -> bool:
        """Make the key with this id invalid; false if there is none.

        A key that was revoked before keeps its first moment.
        """

    async def touch(self, used: Mapping[str, datetime]) -> None:
        """Write down when keys, by id, were last used.

        An earlier time than the one known changes nothing, and neither does an unknown id.
        """


def digest(text: str) -> str:
    """The SHA-256 of a key, as hex: what is looked up and stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def new_key(
    user: str,
    *,
    name: str = "",
    text: str | None = None,
    agents: frozenset[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A key for a user, and its text: ``hk-`` and 32 random bytes, shown now and never again.

    Args:
        user: the id of its owner.
        name: a label.
        text: a text of the operator's own choice, instead of a random one.
        agents: the only agents it may call.
        expires_at: when it stops being valid.
    """
    text = text or PREFIX + secrets.token_hex(32)
    key = ApiKey(
        id="key_" + secrets.token_hex(8),
        user=user,
        digest=digest(text),
        shown=text[: min(SHOWN, len(text) // 4)],
        name=name,
        agents=agents,
        expires_at=expires_at,
    )
    return key, text
