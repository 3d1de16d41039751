"""Administrations of a store in memory, without a server."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs

from hookline.administration import Actor, Administration
from hookline.agents import Agent
from hookline.groups import Group
from hookline.users import User
from hookline_memory import MemoryStore

ResultT = TypeVar("ResultT")
ROOT = Actor(user="root", key="key_root")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECONDS = 20


@attrs.define
class Office:
    """An administration, its store, and how often it said that something changed."""

    store: MemoryStore
    changes: int = 0
    asked: int = 0
    administration: Administration = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.administration = Administration(
            self.store, changed=self._changed, keys_per_user=3, clock=self._clock
        )

    def _clock(self) -> datetime:
        """Noon, and later by a millisecond each time."""
        self.asked += 1
        return NOON + timedelta(milliseconds=self.asked)

    def _changed(self) -> None:
        self.changes += 1

    async def audited(self, *fields: str) -> list[tuple[Any, ...]]:
        """These fields of the audit's records, oldest first."""
        records = await self.store.audit.list(limit=1000)
        return [tuple(getattr(record, name) for name in fields) for record in reversed(records)]

    async def people(self, *users: str, **groups: set[str]) -> None:
        """Have users and groups."""
        for user in users:
            await self.administration.users.create(ROOT, User(id=user))
        for group, members in groups.items():
            await self.administration.groups.create(ROOT, Group(id=group, members=members))


def in_office(work: Callable[[Office], Awaitable[ResultT]]) -> ResultT:
    """What comes of work in an office with an empty store."""

    async def do() -> ResultT:
        async with asyncio.timeout(SECONDS), MemoryStore() as store:
            return await work(Office(store))

    return asyncio.run(do())


def agent(id_: str = "helper", **fields: Any) -> Agent:
    """An agent."""
    return Agent(id=id_, provider="script", model="m", **fields)
