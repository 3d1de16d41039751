"""How accounts and entries stand in their tables, and how the archive reads and writes them."""

from collections.abc import Sequence
from typing import Any

import aiosqlite
import attrs
import msgspec

from hookline.archive import ArchiveRecord, content_of, unknown_of
from hookline.ledger import Account, LedgerEntry
from hookline.moments import all_in_utc, micros
from hookline_sqlite.columns import document, text, thing
from hookline_sqlite.database import Database

COLUMNS = (
    "id",
    "kind",
    "at",
    "account",
    "run",
    "user",
    "key",
    "agent",
    "provider",
    "model",
    "tool",
    "corrects",
    "amount",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "estimated",
    "unpriced",
    "document",
)
_VALUES = f"INTO ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
ADD = f"INSERT OR IGNORE {_VALUES}"
KNOWN = "SELECT id FROM ledger WHERE id IN (SELECT value FROM json_each(?))"
_REPLACE = f"INSERT OR REPLACE {_VALUES}"
_READ = "SELECT id, document FROM ledger WHERE id > ? ORDER BY id LIMIT ?"
_READ_ACCOUNTS = "SELECT id, document FROM accounts WHERE id > ? ORDER BY id LIMIT ?"
_PUT_ACCOUNT = "INSERT OR REPLACE INTO accounts (id, version, document) VALUES (?, ?, ?)"
_FIELDS = {field.name for field in attrs.fields(Account)}


def account_text(account: Account, current: str | None = None, column: str | None = None) -> str:
    """An account as JSON text, with what a newer Hookline wrote into the current one.

    Args:
        account: as it shall be.
        current: the text in whose place it comes.
        column: the text of the account alone, if that is known.

    Raises:
        InvalidRequest: it is too large.
        ValueError: a moment has no zone.
    """
    what = f"the account {account.id}"
    column = column or text(all_in_utc(account), what)
    if current is None:
        return column
    content = document(current, dict[str, Any], what)
    if content.keys() <= _FIELDS:
        return column
    return text({**content, **msgspec.json.decode(column)}, what)


def load_account(id_: str, column: str) -> Account:
    """The account of a row."""
    what = f"the account {id_}"
    return thing(document(column, dict[str, Any], what), Account, what)


def entry_row(entry: LedgerEntry, column: str | None = None) -> Sequence[Any]:
    """The row of an entry."""
    entry = all_in_utc(entry)
    tokens = entry.tokens
    what = f"the entry {entry.id}"
    return (
        entry.id,
        entry.kind,
        micros(entry.at),
        entry.account,
        entry.run,
        entry.user,
        entry.key,
        entry.agent,
        entry.provider,
        entry.model,
        entry.tool,
        entry.corrects,
        entry.amount,
        tokens.input,
        tokens.output,
        tokens.cache_read,
        tokens.cache_write,
        tokens.reasoning,
        tokens.audio_input,
        tokens.audio_output,
        entry.estimated,
        entry.unpriced,
        column or text(entry, what),
    )


def load_entry(id_: str, column: str) -> LedgerEntry:
    """The entry of a row."""
    what = f"the entry {id_}"
    return thing(document(column, dict[str, Any], what), LedgerEntry, what)


class SqliteAccountTable:
    """Accounts, for the archive."""

    count = "SELECT count(*) FROM accounts"

    def __init__(self, database: Database):
        self._database = database

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Accounts, as records."""
        return [
            ArchiveRecord(
                id_,
                content_of(
                    load_account(id_, column),
                    unknown_of(Account, document(column, dict[str, Any], id_)),
                ),
            )
            for id_, column in await self._database.read(_READ_ACCOUNTS, [after, limit])
        ]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            account = msgspec.convert(record.content, Account)
            column = text(dict(record.content), f"the account {account.id}")
            await connection.execute_fetchall(_PUT_ACCOUNT, (account.id, account.version, column))


class SqliteEntryTable:
    """Entries, for the archive."""

    count = "SELECT count(*) FROM ledger"

    def __init__(self, database: Database):
        self._database = database

    async def read(self, after: str, limit: int) -> Sequence[ArchiveRecord]:
        """Entries, as records."""
        return [
            ArchiveRecord(
                id_,
                content_of(
                    load_entry(id_, column),
                    unknown_of(LedgerEntry, document(column, dict[str, Any], id_)),
                ),
            )
            for id_, column in await self._database.read(_READ, [after, limit])
        ]

    async def write(
        self, connection: aiosqlite.Connection, records: Sequence[ArchiveRecord]
    ) -> None:
        """Keep records as they are."""
        for record in records:
            entry = msgspec.convert(record.content, LedgerEntry)
            column = text(dict(record.content), f"the entry {entry.id}")
            await connection.execute_fetchall(_REPLACE, entry_row(entry, column))
