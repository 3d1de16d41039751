"""The ledger, in the tables ``accounts`` and ``ledger``."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import attrs

from hookline.errors import VersionConflict
from hookline.ledger import SPENDING, Account, Dimension, EntryQuery, LedgerEntry, UsageSum
from hookline.moments import micros
from hookline_sqlite.columns import text
from hookline_sqlite.database import Database
from hookline_sqlite.ledger_tables import (
    ADD,
    KNOWN,
    account_text,
    entry_row,
    load_account,
    load_entry,
)

_ACCOUNT = "SELECT id, document FROM accounts WHERE id = ?"
_ACCOUNTS = "SELECT id, document FROM accounts WHERE id > ? ORDER BY id LIMIT ?"
_CURRENT = "SELECT version, document FROM accounts WHERE id = ?"
_CREATE = "INSERT INTO accounts (id, version, document) VALUES (?, ?, ?)"
_REPLACE = "UPDATE accounts SET version = ?, document = ? WHERE id = ?"
_EQUAL = ("account", "user", "key", "agent", "provider", "model", "run")
_DAY = "strftime('%Y-%m-%d', at / 1000000, 'unixepoch')"
_SUMS = """
    sum(kind = 'usage'), sum(kind = 'tool'),
    sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens),
    sum(reasoning_tokens), sum(audio_input_tokens), sum(audio_output_tokens),
    -sum(amount),
    sum(kind = 'usage' AND estimated), sum(kind != 'correction' AND unpriced)
"""
_SUMMED = (
    "calls",
    "tool_calls",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "amount",
    "estimated",
    "unpriced",
)


class SqliteLedger:
    """Accounts, one row each, and entries, with a column for all that they are asked by."""

    def __init__(self, database: Database):
        self._database = database

    async def account(self, id_: str, /) -> Account | None:
        """The account with this id."""
        rows = await self._database.read(_ACCOUNT, [id_])
        return load_account(*rows[0]) if rows else None

    async def accounts(self, *, after: str = "", limit: int = 1000) -> Sequence[Account]:
        """Accounts ordered by id."""
        return [load_account(*row) for row in await self._database.read(_ACCOUNTS, [after, limit])]

    async def change(
        self,
        account: Account,
        entries: Sequence[LedgerEntry] = (),
        *,
        expected: int,
        durable: bool = True,
    ) -> None:
        """Keep the account in the place of its version ``expected``, and add the entries."""
        column = account_text(account)
        rows = [entry_row(entry) for entry in entries]

        def work(connection: sqlite3.Connection) -> None:
            current = connection.execute(_CURRENT, [account.id]).fetchone()
            version = 0 if current is None else current[0]
            if version != expected:
                raise VersionConflict(account.id, version)
            if current is None:
                connection.execute(_CREATE, (account.id, account.version, column))
            else:
                kept = account_text(account, current[1], column)
                connection.execute(_REPLACE, (account.version, kept, account.id))
            connection.executemany(ADD, rows)

        await self._database.together(work, durable=durable)

    async def add(self, entries: Sequence[LedgerEntry]) -> None:
        """Add entries; those whose id is known stay as they are."""
        rows = [entry_row(entry) for entry in entries]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(ADD, rows)

        await self._database.together(work, durable=True)

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that entries have."""
        asked = text(list(ids), "the list of entries")
        return frozenset(id_ for (id_,) in await self._database.read(KNOWN, [asked]))

    async def entries(
        self, query: EntryQuery, *, before: str = "", limit: int = 100
    ) -> Sequence[LedgerEntry]:
        """Entries, newest first: those that come after the one named ``before``."""
        conditions, parameters = _conditions(query)
        if before:
            conditions.append("(at, id) < (SELECT at, id FROM ledger WHERE id = ?)")
            parameters.append(before)
        sql = f"""
        SELECT id, document FROM ledger {_where(conditions)} ORDER BY at DESC, id DESC LIMIT ?
        """  # noqa: S608  conditions of ours
        rows = await self._database.read(sql, [*parameters, limit])
        return [load_entry(*row) for row in rows]

    async def sums(
        self, query: EntryQuery, by: Sequence[Dimension] = (), *, limit: int = 10_000
    ) -> Sequence[UsageSum]:
        """Sums of spending entries, one for each combination of values, in their order."""
        conditions, parameters = _conditions(attrs.evolve(query, kinds=SPENDING))
        group = ", ".join(_DAY if one == "day" else one for one in by)
        sql = f"""
        SELECT {f"{group}," if by else ""} {_SUMS} FROM ledger {_where(conditions)}
        {f"GROUP BY {group} ORDER BY {group}" if by else ""} LIMIT ?
        """  # noqa: S608  conditions and dimensions of ours
        rows = await self._database.read(sql, [*parameters, limit])
        return [_sum(row, by) for row in rows]


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _conditions(query: EntryQuery) -> tuple[list[str], list[Any]]:
    """What a query asks for, as conditions that all have to hold, and their parameters."""
    conditions: list[str] = []
    parameters: list[Any] = []
    for name in _EQUAL:
        value = getattr(query, name)
        if value is not None:
            conditions.append(f"{name} = ?")
            parameters.append(value)
    if query.since is not None:
        conditions.append("at >= ?")
        parameters.append(micros(query.since))
    if query.until is not None:
        conditions.append("at < ?")
        parameters.append(micros(query.until))
    for name, values in (("kind", query.kinds), ("corrects", query.corrects)):
        if values:
            conditions.append(f"{name} IN (SELECT value FROM json_each(?))")  # noqa: S608  as above
            parameters.append(text(list(values), "the query"))
    return conditions, parameters


def _sum(row: Sequence[Any], by: Sequence[Dimension]) -> UsageSum:
    group = dict(zip(by, row[: len(by)], strict=True))
    sums = dict(zip(_SUMMED, (value or 0 for value in row[len(by) :]), strict=True))
    return UsageSum(group=group, **sums)
