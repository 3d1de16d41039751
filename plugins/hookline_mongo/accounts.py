"""Accounts, one document each, with the entries that are on their way to the ledger.

A change writes the account with the entries that belong to it in one step, on the condition that
the version is still the one that was read. Then the entries are copied to the ledger, where they
have their ids, so that it makes no difference how often that is done; and then they are taken out
of the account. Whoever reads an account first finishes that, so a crash in between shows nowhere.
"""

import contextlib
import secrets
from collections.abc import Sequence

from hookline.archive import ArchiveRecord
from hookline.errors import StoreUnavailable, VersionConflict
from hookline.ledger import Account, LedgerEntry
from hookline_mongo.connection import Connection
from hookline_mongo.documents import ATTEMPTS, contended, pause
from hookline_mongo.driver import Document, DuplicateKeyError
from hookline_mongo.entries import MongoEntries
from hookline_mongo.marks import Mark, Marks
from hookline_mongo.models import AccountModel
from hookline_mongo.records import MongoRecords
from hookline_mongo.shapes import Shape

_DONE = {"$unset": {"pending": "", "unfinished": ""}}
_TEXTS = ("refill", "limits", "day", "month", "requests", "tokens")


class MongoAccounts(MongoRecords[Account]):
    """Accounts in the collection ``accounts``.

    Args:
        connection: to the database.
        entries: where the entries go.
    """

    def __init__(self, connection: Connection, entries: MongoEntries):
        super().__init__(connection, Shape(Account, AccountModel, "account", texts=_TEXTS))
        self._entries = entries
        self._marks = Marks()

    async def get(self, id_: str) -> Account | None:
        """The account with this id."""
        row = await self.row(id_)
        return None if row is None else self.shape.load(row)

    async def page(self, after: str, limit: int) -> Sequence[Account]:
        """Accounts ordered by id: those with an id above ``after``."""
        await self.settle()
        rows = await self.connection.rows(self.model, {"_id": {"$gt": after}}, limit=limit)
        found = [row if self._is_current(row) else await self.row(row["_id"]) for row in rows]
        return [self.shape.load(row) for row in found if row is not None]

    async def keep(
        self, account: Account, entries: Sequence[LedgerEntry], *, expected: int, durable: bool
    ) -> None:
        """Keep an account in the place of its version ``expected``, and add the entries.

        With entries it is durable always: of the two, a server that loses its power must not keep
        one alone. So is a new account.

        Raises:
            VersionConflict: another version is there.
        """
        [row] = self.dumped([account])
        row["mark"] = _new_mark()
        if entries:
            row.update(pending=self._entries.rows(entries), unfinished=0)
        durable = durable or bool(entries) or expected == 0
        for attempt in range(ATTEMPTS):
            if await self._step(row, expected, durable=durable):
                break
            # That may be for want of an end to what is unfinished; if so, it has one now.
            found = await self.row(account.id)
            version = 0 if found is None else found["version"]
            if version != expected:
                raise VersionConflict(account.id, version)
            await pause(attempt)
        else:
            raise contended(self.shape.what(account.id))
        self._marks.saw(account.id, Mark.of(row))
        # It is done. Should the server fail now, whoever reads the account next goes on.
        with contextlib.suppress(StoreUnavailable):
            await self._move(row)

    async def row(self, id_: str) -> Document | None:
        """What stands under an id, after what is unfinished was finished."""
        for attempt in range(ATTEMPTS):
            seen = self._marks.get(id_)
            with self.connection.translated(self.shape.what(id_)):
                found = await self.connection.collection(self.model).find_one({"_id": id_})
            if found is None:
                return None
            if seen is not None and Mark.of(found).lost(seen):
                await self._renumber(found, seen)
            elif await self._finished(found):
                self._marks.saw(id_, Mark.of(found))
                return found
            await pause(attempt)
        raise contended(self.shape.what(id_))

    async def settle(self) -> None:
        """Finish all that is unfinished."""
        condition = {"unfinished": {"$exists": True}}
        projection = {"_id": 1}
        for row in await self.connection.rows(self.model, condition, projection=projection):
            await self.row(row["_id"])

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Accounts, for the archive."""
        await self.settle()
        return await super().read(after, limit)

    async def write(self, records: Sequence[ArchiveRecord]) -> None:
        """Keep the archive's accounts as they are."""
        for record in records:
            self._marks.forget(record.id)
        await super().write(records)

    def _is_current(self, row: Document) -> bool:
        """Whether nothing is to be done before a row of a page is right."""
        if row.get("unfinished") is not None or Mark.of(row).lost(self._marks.get(row["_id"])):
            return False
        self._marks.saw(row["_id"], Mark.of(row))
        return True

    async def _step(self, row: Document, expected: int, *, durable: bool) -> bool:
        """Write an account if the expected version is there, with nothing unfinished."""
        with self.connection.translated(self.shape.what(row["_id"])):
            if expected == 0:
                return await self._create(row)
            condition = {"_id": row["_id"], "version": expected, "unfinished": None}
            seen = self._marks.get(row["_id"])
            if seen is not None and seen.version > expected:
                return False
            if seen is not None and seen.version == expected:
                condition["mark"] = seen.text
            at = self.connection.collection if durable else self.connection.quick
            done = await at(self.model).update_one(condition, {"$set": row})
            return done.matched_count == 1

    async def _create(self, row: Document) -> bool:
        try:
            await self.connection.collection(self.model).insert_one(row)
        except DuplicateKeyError:
            return False
        return True

    async def _finished(self, row: Document) -> bool:
        """Finish what is unfinished about a row; false if somebody else did something about it.

        What was read may be lost with a server that fails now, and then its entries must not be in
        the ledger. So the account is written first: when that is acknowledged, both will stay.
        """
        if row.get("unfinished") is None:
            return True
        same = {**_version_of(row), "unfinished": {"$exists": True}}
        with self.connection.translated(self.shape.what(row["_id"])):
            accounts = self.connection.collection(self.model)
            done = await accounts.update_one(same, {"$inc": {"unfinished": 1}})
        if done.matched_count:
            await self._move(row)
        return done.matched_count == 1

    async def _move(self, row: Document) -> None:
        """Copy the entries of a row to the ledger, then take them out of the account.

        The latter may get lost: then it is done again.
        """
        if not row.get("pending"):
            return
        await self._entries.insert(row["pending"])
        with self.connection.translated(self.shape.what(row["_id"])):
            await self.connection.quick(self.model).update_one(_version_of(row), _DONE)

    async def _renumber(self, row: Document, seen: Mark) -> None:
        """Give the account a version that this process has not seen yet.

        A server lost the one that it has seen, so what was made for that one is refused.
        """
        above = {"version": seen.version + 1, "mark": _new_mark()}
        with self.connection.translated(self.shape.what(row["_id"])):
            accounts = self.connection.collection(self.model)
            await accounts.update_one(_version_of(row), {"$set": above})


def _version_of(row: Document) -> Document:
    return {"_id": row["_id"], "version": row["version"], "mark": row.get("mark")}


def _new_mark() -> str:
    return secrets.token_hex(8)
