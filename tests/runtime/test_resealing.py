"""Resealing: after it, no former key is needed any more."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import attrs
import pytest

from hookline.errors import StoreUnavailable
from hookline.moments import now
from hookline.records import Record
from hookline.resealing import ATTEMPTS, PAGE, Resealed, reseal
from hookline.vault import Vault
from hookline_memory import MemoryStore
from support.runtimes import run

OLD, NEW = Vault([b"o" * 32]), Vault([b"n" * 32])
BOTH = Vault([b"n" * 32, b"o" * 32])
SECRETS = "notes.secrets"


def record(id_: str, vault: Vault, text: bytes = b"secret") -> Record:
    return Record(collection=SECRETS, id=id_, data=vault.seal(text, purpose=id_), owner="alice")


def anew(record: Record) -> bytes:
    return BOTH.reseal(record.data, purpose=record.id)


class Changing(MemoryStore):
    """A store in which somebody else is faster, so many times."""

    def __init__(self, change: Callable[["Changing"], Awaitable[object]], times: int) -> None:
        super().__init__()
        self.left = times
        self._change = change
        self._put = self.records.put
        self.records.put = self.put

    async def put(self, record: Record, *, expected: int | None = None) -> Record:
        if self.left:
            self.left -= 1
            await self._change(self)
        return await self._put(record, expected=expected)

    async def keep(self, record: Record) -> None:
        await self._put(record)


async def opened(store: MemoryStore) -> Sequence[bytes]:
    found = await store.records.list(SECRETS)
    return [NEW.open(one.data, purpose=one.id) for one in found]


def test_everything_is_sealed_with_the_present_key() -> None:
    """More than a page; owners and ends stay as they are, and a second time changes nothing."""

    async def work() -> None:
        store, end = MemoryStore(), now() + timedelta(days=1)
        for number in range(PAGE + 2):
            one = record(f"{number:04}", OLD if number else NEW, b"%d" % number)
            await store.records.put(attrs.evolve(one, expires_at=end))
        first = await reseal(store.records, SECRETS, anew)
        second = await reseal(store.records, SECRETS, anew)
        kept = await store.records.list(SECRETS)

        assert Resealed(resealed=PAGE + 1, unchanged=1) == first
        assert Resealed(unchanged=PAGE + 2) == second
        assert [b"%d" % number for number in range(PAGE + 2)] == await opened(store)
        assert {("alice", end)} == {(one.owner, one.expires_at) for one in kept}

    run(work)


def test_what_no_key_opens_is_named_and_kept() -> None:
    """The rest is resealed all the same."""

    async def work() -> None:
        store, lost = MemoryStore(), record("b", Vault([b"x" * 32]))
        for one in (record("a", OLD), lost, record("c", OLD)):
            await store.records.put(one)
        found = await reseal(store.records, SECRETS, anew)
        kept = await store.records.get(SECRETS, "b")

        assert Resealed(resealed=2, broken=("b",)) == found
        assert kept is not None
        assert (lost.data, 1) == (kept.data, kept.version)

    run(work)


def test_what_changes_meanwhile_is_read_again() -> None:
    """What somebody else has just kept is not overwritten with what was there before."""

    async def work() -> None:
        store = Changing(lambda it: it.keep(record("a", OLD, b"newer")), times=2)
        await store.keep(record("a", OLD))
        found = await reseal(store.records, SECRETS, anew)

        assert (Resealed(resealed=1), [b"newer"]) == (found, await opened(store))

    run(work)


def test_what_is_gone_meanwhile_stays_gone() -> None:
    """It is not kept anew."""

    async def work() -> None:
        store = Changing(lambda it: it.records.delete(SECRETS, "a"), times=1)
        await store.keep(record("a", OLD))
        found = await reseal(store.records, SECRETS, anew)

        assert (Resealed(), []) == (found, await opened(store))

    run(work)


def test_what_changes_all_the_time_is_an_error() -> None:
    """It names the record."""

    async def work() -> None:
        store = Changing(lambda it: it.keep(record("a", OLD)), times=ATTEMPTS)
        await store.keep(record("a", OLD))
        with pytest.raises(StoreUnavailable, match=r"^a in notes\.secrets changes all the time"):
            await reseal(store.records, SECRETS, anew)

    run(work)
