"""Callers of a permission backend, over a store that says what it was asked and fails when told."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

import attrs
import structlog
from structlog.testing import CapturingLogger

from hookline import Credentials, Principal, Store
from hookline.errors import StoreUnavailable
from hookline.grants import Bits, Grant, Grantee, Resource
from hookline.groups import Group
from hookline.keys import ApiKey, new_key
from hookline.roles import Role
from hookline.users import User
from hookline_acl import AccessControl, Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECONDS = 20


class Port:
    """A port that writes down its calls, fails those it is told to, and lets them wait."""

    def __init__(self, name: str, port: Any, store: "ToldStore"):
        self._name, self._port, self._store = name, port, store

    def __getattr__(self, name: str) -> Any:
        method, called = getattr(self._port, name), f"{self._name}.{name}"

        async def told(*args: Any, **kwargs: Any) -> Any:
            self._store.calls.append(called)
            if called in self._store.failing:
                raise StoreUnavailable(f"{called} failed")
            answer = await method(*args, **kwargs)
            if called in self._store.changed:
                answer = self._store.changed[called](answer)
            await self._store.gate.wait()
            return answer

        return told


class ToldStore:
    """A store behind ports that do as they are told; ``real`` does not."""

    def __init__(self, real: Store):
        self.real = real
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.changed: dict[str, Callable[[Any], Any]] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    def __getattr__(self, name: str) -> Any:
        return Port(name, getattr(self.real, name), self)


class Callers:
    """A backend, its store and its clocks, which stand still until they are moved."""

    def __init__(self, store: Store, *, tokens: Any = None, **settings: Any):
        self.store = ToldStore(store)
        self.at = NOON
        self.ticks = 0.0
        self.log = CapturingLogger()
        self.backend = AccessControl(
            self.store,
            Settings(**{"touch_interval": 3600.0, **settings}),
            tokens=tokens,
            logger=structlog.wrap_logger(self.log),
            clock=lambda: self.at,
            ticks=lambda: self.ticks,
        )

    @property
    def calls(self) -> list[str]:
        return self.store.calls

    async def add_key(self, text: str, user: str = "alice", **fields: Any) -> ApiKey:
        """A key of this text, whose user is there, too."""
        await self.add_user(user)
        key, _ = new_key(user, text=text)
        key = attrs.evolve(key, **fields)
        await self.store.real.keys.add(key)
        return key

    async def add_user(self, user: str, **fields: Any) -> User:
        return await self.store.real.users.put(User(id=user, **fields))

    async def add_group(self, group: str, *members: str) -> Group:
        return await self.store.real.groups.put(Group(id=group, members=members))

    async def add_role(self, role: str, *features: str) -> Role:
        return await self.store.real.roles.put(Role(id=role, features=features))

    async def grant(self, *grants: Grant) -> None:
        await self.store.real.grants.apply(grants)

    async def revoke(self, *grants: Grant) -> None:
        await self.store.real.grants.apply([], [grant.id for grant in grants])

    def ask(self, text: str) -> Awaitable[Principal | None]:
        return self.backend.authenticate(Credentials(text))

    async def may(
        self, principal: Principal, permission: str = "view", kind: str = "remoteAgent"
    ) -> Collection[str]:
        """The ids of a backend's answer, in order."""
        answer = await self.backend.allowed(principal, permission, kind)
        assert answer.ids is not None
        return sorted(answer.ids)


def grant(grantee: Grantee, resource: str, bits: int = Bits.VIEW, **fields: Any) -> Grant:
    """A grant on a resource such as ``remoteAgent helper``."""
    kind, _, id_ = resource.partition(" ")
    return Grant(
        grantee=grantee,
        resource=Resource(kind, id_),
        bits=Bits(bits),
        granted_at=NOON,
        **fields,
    )


def bounded(work: Callable[[], Awaitable[Any]]) -> Any:
    """The result of a coroutine function, which may take 20 seconds."""

    async def limited() -> Any:
        async with asyncio.timeout(SECONDS):
            return await work()

    return asyncio.run(limited())
