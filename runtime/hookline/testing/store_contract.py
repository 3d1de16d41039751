"""What every store must do. A suite for pytest, to be subclassed.

::

    class TestMyStore(StoreContract):
        def open(self, tmp_path):
            return MyStore(tmp_path / "data")
"""

import asyncio
from pathlib import Path
from unittest import SkipTest

from hookline.archive import KINDS, ArchiveRecord
from hookline.store import Store
from hookline.testing.account_contract import AccountContract
from hookline.testing.agent_contract import AgentContract, AgentJsonContract
from hookline.testing.archive_contract import ArchiveContract
from hookline.testing.archive_suite import everything, fill
from hookline.testing.audit_contract import AuditContract
from hookline.testing.claim_contract import ClaimContract
from hookline.testing.continuation_contract import ContinuationContract
from hookline.testing.conversation_contract import ConversationContract
from hookline.testing.document_contract import DocumentContract
from hookline.testing.file_contract import FileContract
from hookline.testing.grant_contract import GrantContract
from hookline.testing.group_contract import GroupContract
from hookline.testing.history_contract import HistoryContract
from hookline.testing.key_contract import KeyContract
from hookline.testing.lasting_contract import LastingContract
from hookline.testing.ledger_contract import LedgerContract
from hookline.testing.moment_contract import MomentContract
from hookline.testing.newer_contract import NewerContract
from hookline.testing.outbox_contract import OutboxContract
from hookline.testing.record_contract import RecordContract
from hookline.testing.suite import run
from hookline.testing.sum_contract import SumContract
from hookline.testing.writer_contract import WriterContract


class StoreContract(
    DocumentContract,
    WriterContract,
    AgentContract,
    AgentJsonContract,
    GroupContract,
    KeyContract,
    GrantContract,
    ConversationContract,
    FileContract,
    HistoryContract,
    AuditContract,
    ContinuationContract,
    OutboxContract,
    ClaimContract,
    AccountContract,
    LedgerContract,
    SumContract,
    RecordContract,
    LastingContract,
    MomentContract,
    NewerContract,
    ArchiveContract,
):
    """Subclass it and say how your store is opened."""

    def test_an_open_store_answers(self, tmp_path: Path) -> None:
        """A ping returns."""

        async def check(store: Store) -> None:
            await store.ping()

        run(check, self.open(tmp_path))

    def test_what_is_kept_outlives_the_store(self, tmp_path: Path) -> None:
        """A store that is opened again holds all that was put into the first one."""
        if not self.durable:
            message = "this store says that it is not durable"
            raise SkipTest(message)
        kept: dict[str, list[ArchiveRecord]] = {}

        async def keep(store: Store) -> None:
            await fill(store)
            kept.update({kind: await everything(store, kind) for kind in KINDS})

        async def check(store: Store) -> None:
            for kind in KINDS:
                assert kept[kind] == await everything(store, kind)

        run(keep, self.open(tmp_path))
        run(check, self.open(tmp_path))

    def test_a_store_says_how_it_is(self, tmp_path: Path) -> None:
        """Before it was prepared, and after; preparing it twice does nothing the second time."""
        store = self.open(tmp_path)

        async def prepare() -> None:
            before = await store.status()
            assert before.current >= before.version
            await store.migrate()
            assert list(await store.migrate()) == []
            after = await store.status()
            assert (after.ready, list(after.missing)) == (True, [])

        asyncio.run(prepare())
