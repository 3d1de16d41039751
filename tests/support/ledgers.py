"""A ledger on a store in memory, and what it is asked and told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hookline.ledger import Account, EntryQuery, LedgerEntry, LedgerStore
from hookline.money import DOLLAR
from hookline.permissions import Principal
from hookline.scope import RunScope
from hookline.usage import Admission, Closing, Price, TokenCounts, UsageEntry
from hookline_ledger.recorder import Ledger
from hookline_ledger.settings import Settings
from hookline_memory.ledger import MemoryLedger
from support.runtimes import HELPER

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self, at: datetime = NOON):
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **units: float) -> None:
        """Put it forward, such as by ``hours=1``."""
        self.at += timedelta(**units)


class Office:
    """A ledger, the store behind it, and its clock."""

    def __init__(self, store: LedgerStore, clock: Clock, settings: dict[str, Any]):
        self.store = store
        self.clock = clock
        found = msgspec.convert({"cache_seconds": 0.0, **settings}, Settings)
        self.ledger = Ledger(store, found, clock)

    async def admit(self, run: str, cost: int, **fields: Any) -> Any:
        """Ask for a run whose first call may cost so many nano-dollars."""
        return await self.ledger.admit(admission(run, cost, **fields))

    async def use(self, run: str, cost: int | None, step: int = 0, **fields: Any) -> UsageEntry:
        """Record a call that cost so much."""
        used = entry(run, cost, step, at=self.clock(), **fields)
        await self.ledger.record(used)
        return used

    async def close(self, run: str, **fields: Any) -> None:
        """End a run."""
        await self.ledger.close(
            Closing(run=run, agent="helper", outcome="finished", **{"user": "alice", **fields})
        )

    async def account(self, id_: str = "user:alice") -> Account:
        """An account that is there."""
        found = await self.store.account(id_)
        assert found is not None
        return found

    async def balance(self, id_: str = "user:alice") -> int | None:
        """What an account holds."""
        return (await self.account(id_)).balance

    async def put(self, id_: str, **fields: Any) -> None:
        """Make an account."""
        at = self.clock()
        fields = {"refilled_at": at, "created_at": at, "updated_at": at, **fields}
        await self.store.change(Account(id=id_, version=1, **fields), expected=0)

    async def entries(self) -> list[LedgerEntry]:
        """All entries, the oldest first."""
        return list(reversed(await self.store.entries(EntryQuery(), limit=10_000)))


def admission(
    run: str,
    cost: int | None,
    *,
    step: int = 0,
    tokens: int = 10,
    user: str = "alice",
    groups: frozenset[str] = frozenset(),
    key: str | None = None,
) -> Admission:
    """What a call may need."""
    principal = Principal(user=user, groups=groups, key=key)
    return Admission(
        scope=RunScope(run=run, agent="helper", principal=principal, deadline=float("inf")),
        agent=HELPER,
        step=step,
        estimated_input=0,
        expected_output=tokens,
        estimate=cost,
    )


def entry(
    run: str, cost: int | None, step: int = 0, *, tokens: int = 10, **fields: Any
) -> UsageEntry:
    """What a call consumed."""
    price = None if cost is None else Price(amount=cost, version="v", rates={"output": "1"})
    return UsageEntry(
        **{
            "run": run,
            "step": step,
            "agent": "helper",
            "provider": "local",
            "model": "m",
            "user": "alice",
            "tokens": TokenCounts(output=tokens),
            "price": price,
            **fields,
        }
    )


@asynccontextmanager
async def office(store: LedgerStore | None = None, **settings: Any) -> AsyncIterator[Office]:
    """A ledger with these settings."""
    made = Office(store or MemoryLedger(), Clock(), settings)
    async with made.ledger:
        yield made


def dollars(amount: str) -> int:
    """Nano-dollars of a text such as ``0.5``."""
    whole, _, rest = amount.partition(".")
    return int(whole) * DOLLAR + int((rest + "0" * 9)[:9])


async def settle() -> None:
    """Let what was begun go on."""
    for _ in range(20):
        await asyncio.sleep(0)
