"""All of one store is copied into another, and compared."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from hookline.agents import Agent
from hookline.archive import KINDS, ArchiveRecord
from hookline.copying import BATCH, CopyRefused, copy
from hookline.store import Store
from hookline.testing.archive_suite import everything, fill
from hookline.users import User
from hookline_memory import MemoryStore
from hookline_sqlite import SqliteStores


def silent(*_: object) -> None:
    """Nobody listens."""


async def copied(origin: Store, target: Store, *, into_existing: bool = False) -> dict[str, int]:
    """How many of each kind were written; all must be equal afterwards."""
    done = await copy(origin.archive, target.archive, into_existing=into_existing, progress=silent)
    assert all(kind.equal for kind in done)
    return {kind.kind: kind.written for kind in done}


def test_everything_is_copied_from_one_kind_of_store_to_another(tmp_path: Path) -> None:
    """Every kind, exactly; a second copy writes nothing."""

    async def main() -> None:
        origin = MemoryStore()
        await fill(origin)
        async with SqliteStores().open(f"sqlite:///{tmp_path}/copy.db") as target:
            first = await copied(origin, target)
            again = await copied(origin, target)

            assert list(first) == list(KINDS)
            assert min(first.values()) > 0
            assert set(again.values()) == {0}
            for kind in KINDS:
                assert await everything(origin, kind) == await everything(target, kind)

    asyncio.run(main())


def test_what_is_there_besides_is_not_mixed_in() -> None:
    """Unless it is wanted; then it stays."""

    async def main() -> None:
        origin, target = MemoryStore(), MemoryStore()
        await origin.users.put(User(id="ann"))
        await target.users.put(User(id="bob"))

        with pytest.raises(CopyRefused, match="users that the other one does not, such as bob"):
            await copied(origin, target)
        assert await target.users.get("ann") is None
        await copied(origin, target, into_existing=True)
        assert [user.id for user in await target.users.list()] == ["ann", "bob"]

    asyncio.run(main())


def test_a_copy_that_was_interrupted_goes_on() -> None:
    """What is there already is not written again; what has changed meanwhile is."""

    async def main() -> None:
        origin, target = MemoryStore(), MemoryStore()
        for number in range(3 * BATCH):
            await origin.agents.put(Agent(id=f"a{number:04}", provider="p", model="m"))
        write, calls = target.archive.write, 0

        async def fail(kind: str, records: Sequence[ArchiveRecord]) -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise OSError("the power is gone")
            await write(kind, records)

        target.archive.write = fail
        with pytest.raises(OSError, match="power"):
            await copied(origin, target)
        target.archive.write = write
        changed = await origin.agents.get("a0000")
        assert changed is not None
        await origin.agents.put(attrs.evolve(changed, name="new"))

        assert (await copied(origin, target))["agents"] == 2 * BATCH + 1

    asyncio.run(main())


def test_a_difference_that_is_left_is_told() -> None:
    """A store that does not keep what it is given is found out."""

    async def main() -> None:
        origin, target = MemoryStore(), MemoryStore()
        await origin.users.put(User(id="ann"))

        async def lose(kind: str, records: Sequence[ArchiveRecord]) -> None:
            return

        target.archive.write = lose
        done = await copy(origin.archive, target.archive, into_existing=False, progress=silent)
        assert [kind.kind for kind in done if not kind.equal] == ["users"]

    asyncio.run(main())
