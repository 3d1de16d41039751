"""The part of the store contract that concerns the audit."""

import asyncio
from pathlib import Path

import attrs

from hookline.audit import AuditRecord, new_audit_id
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, StoreSuite, run


def record(number: int, kind: str = "agent", subject: str = "helper") -> AuditRecord:
    """A record of a moment that is known."""
    at = EARLIER + number * DAY
    return AuditRecord(
        id=new_audit_id(at),
        at=at,
        actor="alice",
        key="key_1",
        action="update",
        kind=kind,
        subject=subject,
        before="b" * 64,
        after="a" * 64,
        detail="version 2",
    )


class AuditContract(StoreSuite):
    """The part of the contract that concerns the audit."""

    def test_the_audit_is_read_newest_first(self, tmp_path: Path) -> None:
        """All of it, or what concerns one kind or one subject, in pages."""

        async def check(store: Store) -> None:
            kept = [record(i, *(("user", "ann") if i % 3 == 0 else ())) for i in range(7)]
            await store.audit.add(kept[:3])
            await store.audit.add(kept[3:])
            found: list[AuditRecord] = []
            while page := await store.audit.list(before=found[-1].id if found else "", limit=3):
                found += page

            assert found == kept[::-1]
            assert list(await store.audit.list(kind="user")) == [kept[6], kept[3], kept[0]]
            about = await store.audit.list(kind="agent", subject="helper", limit=2)
            assert list(about) == [kept[5], kept[4]]
            assert list(await store.audit.list(subject="nobody")) == []

        run(check, self.open(tmp_path))

    def test_a_record_is_never_changed(self, tmp_path: Path) -> None:
        """Adding one with the same id again changes nothing."""

        async def check(store: Store) -> None:
            first = record(1)
            await store.audit.add([first])
            await store.audit.add([attrs.evolve(first, actor="eve"), record(2)])

            assert list(await store.audit.list())[1:] == [first]
            await store.audit.add([])

        run(check, self.open(tmp_path))

    def test_records_at_once_are_all_kept(self, tmp_path: Path) -> None:
        """Each once, although two add the same one; of a batch with one twice, the first."""

        async def check(store: Store) -> None:
            kept = [record(i) for i in range(20)]
            await asyncio.gather(*(store.audit.add(kept[i : i + 2]) for i in range(19)))
            assert list(await store.audit.list()) == kept[::-1]

            newest = record(30)
            await store.audit.add([newest, attrs.evolve(newest, actor="eve")])
            assert list(await store.audit.list(limit=1)) == [newest]

        run(check, self.open(tmp_path))
