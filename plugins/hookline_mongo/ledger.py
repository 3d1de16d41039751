"""The ledger: accounts, and entries that are joined to them whatever crashes."""

from collections.abc import Collection, Sequence

from hookline.archive import ArchiveRecord
from hookline.ledger import Account, Dimension, EntryQuery, LedgerEntry, UsageSum
from hookline_mongo.accounts import MongoAccounts
from hookline_mongo.connection import Connection
from hookline_mongo.entries import MongoEntries


class MongoLedger:
    """Accounts and entries in the collections ``accounts`` and ``ledger``."""

    def __init__(self, connection: Connection):
        self._written = MongoEntries(connection)
        self.kept = MongoAccounts(connection, self._written)

    async def account(self, id_: str, /) -> Account | None:
        """The account with this id."""
        return await self.kept.get(id_)

    async def accounts(self, *, after: str = "", limit: int = 1000) -> Sequence[Account]:
        """Accounts ordered by id."""
        return await self.kept.page(after, limit)

    async def change(
        self,
        account: Account,
        entries: Sequence[LedgerEntry] = (),
        *,
        expected: int,
        durable: bool = True,
    ) -> None:
        """Keep the account in the place of its version ``expected``, and add entries.

        Raises:
            VersionConflict: another version is there; nothing is changed.
            InvalidRequest: account and entries together are larger than a document may be.
        """
        await self.kept.keep(account, entries, expected=expected, durable=durable)

    async def add(self, entries: Sequence[LedgerEntry]) -> None:
        """Add entries that change no account."""
        await self._written.insert(self._written.rows(entries))

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that entries have."""
        return await self._written.known(ids)

    async def entries(
        self, query: EntryQuery, *, before: str = "", limit: int = 100
    ) -> Sequence[LedgerEntry]:
        """Entries, newest first: those that come after the one named ``before``."""
        await self.kept.settle()
        return await self._written.find(query, before=before, limit=limit)

    async def sums(
        self, query: EntryQuery, by: Sequence[Dimension] = (), *, limit: int = 10_000
    ) -> Sequence[UsageSum]:
        """Sums of spending entries, made by the server."""
        await self.kept.settle()
        return await self._written.sums(query, by, limit)

    async def count(self) -> int:
        """How many entries there are."""
        await self.kept.settle()
        return await self._written.count()

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Entries, for the archive."""
        await self.kept.settle()
        return await self._written.read(after, limit)

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep the archive's entries as they are."""
        await self._written.write(records)
