"""The ledger: accounts, what was paid from them, and sums of that.

Amounts are nano-US-dollars (1e-9). An entry below zero takes from the balance, one above zero adds
to it. Entries are only ever added; a correction is another entry.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import attrs

from hookline.usage import TokenCounts, UsageType

EntryKind = Literal["usage", "tool", "correction", "start", "refill", "credit"]
"""``credit`` is what an administrator added or took, ``correction`` a change of what usage cost."""

SPENDING: Sequence[EntryKind] = ("usage", "tool", "correction")
"""The kinds of entries that sums are made of."""

NONE = TokenCounts()
IntervalUnit = Literal["seconds", "minutes", "hours", "days", "weeks", "months"]
Dimension = Literal["day", "user", "key", "agent", "provider", "model", "tool", "account"]


@attrs.frozen(kw_only=True)
class Reservation:
    """Money and tokens that a call under way may need. After ``until`` they count no more."""

    amount: int
    until: datetime
    tokens: int = 0


@attrs.frozen(kw_only=True)
class Refill:
    """How an account refills itself when it runs out.

    Args:
        amount: that is added, once per interval.
        interval: how many of ``unit`` an interval has.
        unit: days and weeks of 24 hours and 7 days; months of the calendar.
    """

    amount: int
    interval: int = 30
    unit: IntervalUnit = "days"


@attrs.frozen(kw_only=True)
class Limits:
    """What may be spent and asked for at most. ``None`` is no limit.

    Args:
        day: nano-dollars in a day (UTC).
        month: nano-dollars in a month (UTC).
        requests: a minute.
        tokens: a minute.
    """

    day: int | None = None
    month: int | None = None
    requests: int | None = None
    tokens: int | None = None


@attrs.frozen(kw_only=True)
class Spent:
    """What was spent since a day or a month began."""

    since: datetime
    amount: int


@attrs.frozen(kw_only=True)
class Bucket:
    """What was left of a limit per minute at a moment.

    ``level`` is in parts of a request or a token, of which there are 60,000,000 in one, so that
    what flows back in a microsecond is a whole number. It may be below zero.
    """

    level: int
    at: datetime


@attrs.frozen(kw_only=True)
class Account:
    """Who pays, or who is limited.

    Args:
        id: ``user:alice``, ``group:engineering`` or ``key:key_1``.
        version: 1, 2, 3 …; each change counts it up.
        balance: what is left; ``None`` if nothing is paid from it, and it only has limits.
        reservations: of calls under way, by the id that their entry will have.
        refill: the account's own; ``None`` for that of the settings.
        refilled_at: when it was refilled last, or began.
        limits: the account's own; ``None`` for those of the settings.
        day: what was spent today.
        month: what was spent this month.
        requests: what is left of the requests per minute.
        tokens: what is left of the tokens per minute.
        created_at: when it came to be.
        updated_at: when it was changed last.
    """

    id: str
    version: int = 0
    balance: int | None = None
    reservations: Mapping[str, Reservation] = attrs.field(factory=dict)
    refill: Refill | None = None
    refilled_at: datetime | None = None
    limits: Limits | None = None
    day: Spent | None = None
    month: Spent | None = None
    requests: Bucket | None = None
    tokens: Bucket | None = None
    created_at: datetime
    updated_at: datetime

    def reserved(self, at: datetime) -> int:
        """What calls under way may still need, at this moment."""
        return sum(one.amount for one in self.reservations.values() if one.until > at)


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """One entry.

    Args:
        id: of usage, the id of the ``UsageEntry``.
        kind: what it is.
        account: whose balance it changed; ``None`` if no balance was kept.
        amount: nano-dollars.
        at: when it happened.
        corrects: the id of the entry that a correction is for.
        price_version: which list of prices the amount is from; empty if there was no price.
        rates: what the amount was made of, as in ``Price``.
        unpriced: it was used, and had no price.
        detail: more, in words.

    The rest is as in ``UsageEntry``.
    """

    id: str
    kind: EntryKind
    account: str | None = None
    amount: int
    at: datetime
    corrects: str | None = None
    run: str | None = None
    step: int | None = None
    agent: str | None = None
    provider: str | None = None
    vendor: str | None = None
    model: str | None = None
    user: str | None = None
    key: str | None = None
    conversation: str | None = None
    tool: str | None = None
    usage_type: UsageType | None = None
    tokens: TokenCounts = NONE
    estimated: bool = False
    incomplete: bool = False
    unpriced: bool = False
    price_version: str = ""
    rates: Mapping[str, str] = attrs.field(factory=dict)
    detail: str = ""


@attrs.frozen(kw_only=True)
class EntryQuery:
    """Which entries. ``None`` and empty ask for nothing in particular.

    Args:
        since: at that moment or later.
        until: before that moment.
        kinds: of one of these kinds.
        corrects: corrections of one of these entries.
    """

    account: str | None = None
    user: str | None = None
    key: str | None = None
    agent: str | None = None
    provider: str | None = None
    model: str | None = None
    run: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: Sequence[EntryKind] = ()
    corrects: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class UsageSum:
    """The sum of some entries.

    Args:
        group: what they have in common: a value for each dimension; a ``day`` is ``2026-11-21``.
        calls: model calls.
        tool_calls: calls of tools that have a price.
        input_tokens: and the other counts, as in ``TokenCounts``; those of corrections included.
        amount: nano-dollars that were spent, corrections included; above zero for spending.
        estimated: model calls whose tokens were estimated.
        unpriced: calls that had no price.
    """

    group: Mapping[str, str | None]
    calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    amount: int = 0
    estimated: int = 0
    unpriced: int = 0


class LedgerStore(Protocol):
    """Where accounts and entries are kept. Every method may raise ``StoreUnavailable``."""

    async def account(self, id: str, /) -> Account | None:  # noqa: A002  the field's own word
        """The account with this id. All entries that it was changed with can be found by then."""

    async def accounts(self, *, after: str = "", limit: int = 1000) -> Sequence[Account]:
        """Accounts ordered by id, character by character: those with an id above ``after``."""

    async def change(
        self,
        account: Account,
        entries: Sequence[LedgerEntry] = (),
        *,
        expected: int,
        durable: bool = True,
    ) -> None:
        """Keep the account in the place of its version ``expected``, and add entries: both or none.

        A crash may fall between the two; then whoever reads the account first finishes it, before
        anything else is done with it. What a newer Hookline wrote into the account, and this one
        does not know, stays; that is promised of fields of the account, not of those further down.

        Args:
            account: as it shall be; its version is ``expected + 1``.
            entries: new ones. The caller has asked ``known`` for them after it read the account
                of version ``expected``; as no entry of an account comes without a new version of
                it, they are new as long as that version is there.
            expected: the version that is there; 0 if there is none.
            durable: whether this must survive the machine's power; else it only has to survive
                the end of this process. Without entries it is cheaper.

        Raises:
            VersionConflict: another version is there; nothing is changed.
            InvalidRequest: the account is larger than ``documents.LIMIT``; nothing is changed.
            ValueError: a time has no zone; nothing is changed.
        """

    async def add(self, entries: Sequence[LedgerEntry]) -> None:
        """Add entries that change no account; those whose id is known stay as they are."""

    async def known(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that entries have."""

    async def entries(
        self, query: EntryQuery, *, before: str = "", limit: int = 100
    ) -> Sequence[LedgerEntry]:
        """Entries, newest first by ``(at, id)``: those that come after the one named ``before``.

        That one need not be asked for by the query; none come after one that nobody knows.
        """

    async def sums(
        self, query: EntryQuery, by: Sequence[Dimension] = (), *, limit: int = 10_000
    ) -> Sequence[UsageSum]:
        """Sums of the spending entries that the query asks for, made in the store.

        One for each combination of values, ordered by them as texts with ``None`` first; a single
        one without ``by``, of nothing too. ``kinds`` of the query is passed over.
        """
