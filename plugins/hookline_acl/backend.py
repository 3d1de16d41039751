"""The permission backend: a key names its user, and limits which agents may be used."""

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Self

from hookline.keys import ApiKey, KeyStore, digest
from hookline.moments import now
from hookline.permissions import (
    EVERYTHING,
    NOTHING,
    Credentials,
    Permission,
    Principal,
    ResourceFilter,
    ResourceKind,
)
from hookline_acl.cache import KeyCache
from hookline_acl.usage import LastUse


class KeyPermissions:
    """Knows callers by API keys. An expired or revoked key is like one that never was.

    An async context manager: from entering to leaving, the last use of keys is written down.

    Args:
        keys: where keys are kept.
        cache: what the store said a moment ago.
        last_use: writes down when keys were used.
        clock: this moment, in UTC.
    """

    def __init__(
        self,
        keys: KeyStore,
        *,
        cache: KeyCache,
        last_use: LastUse,
        clock: Callable[[], datetime] = now,
    ):
        self._keys = keys
        self._cache = cache
        self._last_use = last_use
        self._clock = clock

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The owner of the key; ``None`` if it is unknown, expired or revoked."""
        key = await self._find(digest(credentials.token))
        at = self._clock()
        if key is None or not key.valid(at):
            return None
        self._last_use.note(key.id, at)
        return Principal(user=key.user, key=key.id, agents=key.agents)

    async def allowed(
        self, principal: Principal, permission: Permission, kind: ResourceKind
    ) -> ResourceFilter:
        """A key may view the agents that it is limited to, or all; it may change none."""
        if permission != "view" or kind != "agent":
            return NOTHING
        return EVERYTHING if principal.agents is None else ResourceFilter(principal.agents)

    def forget(self, key_id: str) -> None:
        """A key was made, changed or revoked in this process: ask the store again, at once."""
        self._cache.forget(key_id)

    def clear(self) -> None:
        """Forget all that the store said."""
        self._cache.clear()

    async def __aenter__(self) -> Self:
        """Begin to write down the last use of keys."""
        await self._last_use.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Write down what is left."""
        await self._last_use.__aexit__(*exc)

    async def _find(self, wanted: str) -> ApiKey | None:
        answer = self._cache.get(wanted)
        if answer is not None:
            return answer.key
        changes = self._cache.changes
        key = await self._keys.find(wanted)
        # A store may compare as it likes, by prefix of an index or without case: we do not.
        if key is not None and not hmac.compare_digest(key.digest.encode(), wanted.encode()):
            key = None
        self._cache.keep(wanted, key, changes=changes)
        return key
