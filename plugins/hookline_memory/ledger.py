"""The ledger: accounts and entries by their ids, and sums of entries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs
import msgspec

from hookline.documents import check_version, refuse_large
from hookline.ledger import (
    SPENDING,
    Account,
    Dimension,
    EntryQuery,
    LedgerEntry,
    UsageSum,
)
from hookline.moments import all_in_utc
from hookline_memory.documents import Kept, copy, page

_EQUAL: Final = ("account", "user", "key", "agent", "provider", "model", "run")


class MemoryLedger:
    """Accounts and entries in dictionaries."""

    def __init__(self) -> None:
        self.kept = Kept[str, Account]()
        self.written = Kept[str, LedgerEntry]()

    async def account(self, id_: str, /) -> Account | None:
        """The account with this id."""
        kept = self.kept.get(id_)
        return None if kept is None else copy(kept)

    async def accounts(self, *, after: str = "", limit: int = 1000) -> Sequence[Account]:
        """Accounts ordered by id."""
        return [copy(self.kept[id_]) for id_ in page(self.kept, after, limit)]

    async def change(
        self,
        account: Account,
        entries: Sequence[LedgerEntry] = (),
        *,
        expected: int,
        durable: bool = True,
    ) -> None:
        """Keep the account in the place of its version ``expected``, and add the entries."""
        del durable  # memory outlives nothing
        given, new = all_in_utc(account), _given(entries)
        refuse_large(len(msgspec.json.encode(given)), f"the account {account.id}")
        check_version(given.id, self.kept.get(given.id), expected)
        self.kept[given.id] = copy(given)
        self._write(new)

    async def add(self, entries: Sequence[LedgerEntry]) -> None:
        """Add entries; those whose id is known stay as they are."""
        self._write(_given(entries))

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that entries have."""
        return frozenset(id_ for id_ in ids if id_ in self.written)

    async def entries(
        self, query: EntryQuery, *, before: str = "", limit: int = 100
    ) -> Sequence[LedgerEntry]:
        """Entries, newest first: those that come after the one named ``before``."""
        last = self.written.get(before)
        if before and last is None:
            return []
        found = [
            entry
            for entry in self.written.values()
            if _matches(entry, query) and (last is None or _age(entry) < _age(last))
        ]
        found.sort(key=_age, reverse=True)
        return [copy(entry) for entry in found[:limit]]

    async def sums(
        self, query: EntryQuery, by: Sequence[Dimension] = (), *, limit: int = 10_000
    ) -> Sequence[UsageSum]:
        """Sums of spending entries, one for each combination of values, in their order."""
        spending = attrs.evolve(query, kinds=SPENDING)
        groups = defaultdict[tuple[str | None, ...], list[LedgerEntry]](list)
        if not by:
            groups[()] = []
        for entry in self.written.values():
            if _matches(entry, spending):
                groups[tuple(_value(entry, one) for one in by)].append(entry)
        values = sorted(groups, key=lambda group: [(one is not None, one or "") for one in group])
        return [_sum(dict(zip(by, group, strict=True)), groups[group]) for group in values[:limit]]

    def _write(self, entries: Iterable[LedgerEntry]) -> None:
        for entry in entries:
            self.written.setdefault(entry.id, entry)


def _given(entries: Sequence[LedgerEntry]) -> Sequence[LedgerEntry]:
    return [copy(all_in_utc(entry)) for entry in entries]


def _age(entry: LedgerEntry) -> tuple[datetime, str]:
    return entry.at, entry.id


def _matches(entry: LedgerEntry, query: EntryQuery) -> bool:
    wanted = ((getattr(query, name), getattr(entry, name)) for name in _EQUAL)
    return (
        all(asked in {None, found} for asked, found in wanted)
        and (query.since is None or query.since <= entry.at)
        and (query.until is None or entry.at < query.until)
        and (not query.kinds or entry.kind in query.kinds)
        and (not query.corrects or entry.corrects in query.corrects)
    )


def _value(entry: LedgerEntry, dimension: Dimension) -> str | None:
    if dimension == "day":
        return entry.at.date().isoformat()
    value: str | None = getattr(entry, dimension)
    return value


def _sum(group: Mapping[str, str | None], entries: Sequence[LedgerEntry]) -> UsageSum:
    usage = [entry for entry in entries if entry.kind == "usage"]
    tools = [entry for entry in entries if entry.kind == "tool"]
    return UsageSum(
        group=group,
        calls=len(usage),
        tool_calls=len(tools),
        input_tokens=sum(entry.tokens.input for entry in entries),
        output_tokens=sum(entry.tokens.output for entry in entries),
        cache_read_tokens=sum(entry.tokens.cache_read for entry in entries),
        cache_write_tokens=sum(entry.tokens.cache_write for entry in entries),
        reasoning_tokens=sum(entry.tokens.reasoning for entry in entries),
        audio_input_tokens=sum(entry.tokens.audio_input for entry in entries),
        audio_output_tokens=sum(entry.tokens.audio_output for entry in entries),
        amount=-sum(entry.amount for entry in entries),
        estimated=sum(entry.estimated for entry in usage),
        unpriced=sum(entry.unpriced for entry in (*usage, *tools)),
    )
