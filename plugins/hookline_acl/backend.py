"""The permission backend: who calls, and what they may do."""

import hmac
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Self

from structlog.typing import FilteringBoundLogger

from hookline.errors import Unauthenticated
from hookline.grants import ResourceKind
from hookline.keys import ApiKey, digest
from hookline.moments import now
from hookline.permissions import Credentials, Permission, Principal, ResourceFilter
from hookline.store import Store
from hookline.users import USER
from hookline_acl.memory import Memory
from hookline_acl.people import People, Person
from hookline_acl.rights import Rights, grantees, look_up
from hookline_acl.roles import bring_in
from hookline_acl.settings import Settings
from hookline_acl.tokens import Claims, TokenVerifier
from hookline_acl.usage import LastUse

Identity = tuple[str, str, frozenset[str]]
"""All that grants can name of a caller: the user, the role and the groups."""


class AccessControl:
    """Knows callers by tokens and API keys, and asks grants what they may do.

    Everything the store says is remembered for a short time. What fails is an error, and never an
    old answer. An async context manager: on entering, the roles of the config are brought into the
    store; from then to leaving, the last use of keys is written down.

    Args:
        store: where users, groups, roles, keys and grants are.
        settings: ``[plugins.acl]``.
        tokens: knows what a token says, if callers may come with tokens. It is entered.
        logger: for what fails in the background.
        clock: this moment, in UTC.
        ticks: seconds that only go forward.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        tokens: TokenVerifier | None = None,
        logger: FilteringBoundLogger,
        clock: Callable[[], datetime] = now,
        ticks: Callable[[], float] = time.monotonic,
    ):
        limits = settings.cache_seconds, settings.cache_entries, ticks
        self._keys: Memory[str, ApiKey | None] = Memory(*limits)
        self._persons: Memory[tuple[str, str | None], Person | None] = Memory(*limits)
        self._rights: Memory[Identity, Rights] = Memory(*limits)
        self._store = store
        self._settings = settings
        self._tokens = tokens
        self._people = People(store, self._persons)
        self._last_use = LastUse(store.keys, settings.touch_interval, logger)
        self._clock = clock
        self._stack = AsyncExitStack()

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Who shows a token, or else an API key; ``None`` if it is not good, or its user disabled.

        Source: seed 5.6.

        Raises:
            Unauthenticated: the user whom the key belongs to is gone. Source: seed 5.3.
        """
        claims = None if self._tokens is None else await self._tokens.verify(credentials.token)
        if claims is not None:
            return await self._bearer(claims)
        if self._settings.api_keys:
            return await self._holder(credentials.token)
        return None

    async def allowed(
        self, principal: Principal, permission: Permission, kind: ResourceKind
    ) -> ResourceFilter:
        """What grants allow to the user, the role, the groups and everybody, added up."""
        identity = (principal.user, principal.role, principal.groups)
        while True:
            rights = await self._rights.get(identity, lambda: self._look_up(identity))
            if rights.hold(self._clock()):
                return rights.allowed(permission, kind)
            self._rights.drop(identity, rights)

    def forget(self) -> None:
        """Users, groups, roles, keys or grants changed in this process: ask the store again."""
        for memory in (self._keys, self._persons, self._rights):
            memory.forget()

    async def __aenter__(self) -> Self:
        """Bring in the roles, and begin to write down the last use of keys."""
        await bring_in(self._store.roles, self._settings.roles)
        if self._tokens is not None:
            await self._stack.enter_async_context(self._tokens)
        await self._stack.enter_async_context(self._last_use)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Write down what is left."""
        await self._stack.aclose()

    async def _bearer(self, claims: Claims) -> Principal | None:
        allowed = self._settings.unknown_users == "allow"
        stranger = claims.role or USER if allowed else None
        person = await self._people.find(claims.user, stranger=stranger)
        if person is None or person.disabled:
            return None
        return Principal(
            user=claims.user,
            role=person.role,
            groups=person.groups | claims.groups,
            features=person.features,
            name=person.name,
        )

    async def _holder(self, token: str) -> Principal | None:
        key = await self._find_key(digest(token))
        at = self._clock()
        if key is None or not key.valid(at):
            return None
        person = await self._people.find(key.user)
        if person is None:
            message = "User not found for this API key"
            raise Unauthenticated(message)
        if person.disabled:
            return None
        self._last_use.note(key.id, at)
        return Principal(
            user=key.user,
            key=key.id,
            role=person.role,
            groups=person.groups,
            features=person.features,
            agents=key.agents,
            read_only=key.read_only,
            name=person.name,
        )

    async def _find_key(self, wanted: str) -> ApiKey | None:
        key = await self._keys.get(wanted, lambda: self._store.keys.find(wanted))
        # A store may compare as it likes, by prefix of an index or without case: we do not.
        if key is not None and not hmac.compare_digest(key.digest.encode(), wanted.encode()):
            return None
        return key

    async def _look_up(self, identity: Identity) -> Rights:
        return await look_up(self._store.grants, grantees(*identity), self._clock())
