"""API keys: made once, shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from hookline.moments import now

PREFIX = "hk-"
SHOWN = 11
"""How many characters of a key are kept readable, to tell keys apart in a list: at most a quarter
of a key that an operator chose."""


@attrs.frozen(kw_only=True)
class ApiKey:
    """What is known of a key. The key itself is not: ``digest`` is its SHA-256, as hex.

    ``agents`` are the ids it may call; ``None`` means all that its user may. A ``read_only`` key
    lists and reads; it calls no agent and changes nothing.
    """

    id: str
    user: str
    digest: str = attrs.field(repr=False)
    shown: str
    name: str = ""
    agents: frozenset[str] | None = None
    read_only: bool = False
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
    """Where keys are kept, revoked ones too. Every method may raise ``StoreUnavailable``."""

    async def add(self, key: ApiKey, /, *, limit: int | None = None) -> None:
        """Keep a new key.

        Args:
            key: the key.
            limit: how many keys its user may have that are neither revoked nor expired, this one
                included, however many are added at once.

        Raises:
            InvalidRequest: a key with this id or digest exists already (``duplicate_key``), or
                the user has as many keys as it may (``key_limit_reached``).
        """

    async def get(self, key: str, /) -> ApiKey | None:
        """The key with this id, valid or not."""

    async def find(self, digest: str, /) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[ApiKey]:
        """Keys, all or a user's, newest first; those that come after the key with the id ``after``.

        Keys of the same moment are ordered by id, the largest first. If ``after`` is unknown, there
        are none.
        """

    async def invalid(self, keys: Collection[str], at: datetime) -> frozenset[str]:
        """Those of these ids that are revoked or expired at this moment.

        Ids that are unknown are not among them: another permission backend may know them.
        """

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
    read_only: bool = False,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A key for a user, and its text: ``hk-`` and 32 random bytes, shown now and never again.

    Args:
        user: the id of its owner.
        name: a label.
        text: a text of the operator's own choice, instead of a random one.
        agents: the only agents it may call.
        read_only: whether it may only list and read.
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
        read_only=read_only,
        expires_at=expires_at,
    )
    return key, text
