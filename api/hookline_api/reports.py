"""Reports of usage, as HTTP and the command line give them."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from hookline.errors import InvalidRequest
from hookline.ledger import Dimension, EntryQuery, LedgerStore, UsageSum
from hookline.moments import utc
from hookline.money import dollars

DIMENSIONS: Sequence[Dimension] = (
    "day",
    "user",
    "key",
    "agent",
    "provider",
    "model",
    "tool",
    "account",
)
DAYS = 30
"""How far back a report goes unless it is said."""

ROWS = 10_000
"""Rows of a report, at most."""

COUNTS = (
    "calls",
    "tool_calls",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "estimated",
    "unpriced",
)
"""The numbers of a row, besides what it cost."""


class UsageRow(Struct, frozen=True, kw_only=True):
    """What was used, of one group.

    ``amount`` is in dollars, exactly; ``nanos`` is the same in nano-dollars. ``estimated`` counts
    calls whose tokens nobody reported, ``unpriced`` those without a price.
    """

    group: Mapping[str, str | None]
    calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    estimated: int
    unpriced: int
    amount: str
    nanos: int


class UsageReport(Struct, frozen=True, kw_only=True):
    """What was used, group by group. ``truncated`` says whether there are more groups."""

    since: datetime
    until: datetime
    by: Sequence[str]
    data: Sequence[UsageRow]
    total: UsageRow
    truncated: bool = False
    object: str = "usage.report"


def dimensions(text: str) -> Sequence[Dimension]:
    """The dimensions of a list such as ``day,model``.

    Raises:
        InvalidRequest: there is no such dimension, or one stands there twice.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    known: dict[str, Dimension] = {name: name for name in DIMENSIONS}
    wrong = next((word for word in words if word not in known or words.count(word) > 1), None)
    if wrong is not None:
        message = f"by: {wrong!r} cannot stand there; name each once of {', '.join(DIMENSIONS)}"
        raise InvalidRequest(message, param="by")
    return [known[word] for word in words]


async def report(
    ledger: LedgerStore, query: EntryQuery, by: Sequence[Dimension], at: datetime
) -> UsageReport:
    """Sums made in the store. Without a period, of the last 30 days.

    Raises:
        InvalidRequest: the period ends before it begins, or UTC has no such moment.
        StoreUnavailable: the store does not answer.
    """
    until = at if query.until is None else _moment(query.until, "until")
    since = _before(until) if query.since is None else _moment(query.since, "since")
    if since >= until:
        message = "since: it must lie before until, or before now if that is not given"
        raise InvalidRequest(message, param="since")
    period = EntryQuery(
        account=query.account,
        user=query.user,
        key=query.key,
        agent=query.agent,
        provider=query.provider,
        model=query.model,
        since=since,
        until=until,
    )
    (total,) = await ledger.sums(period)
    sums = await ledger.sums(period, by, limit=ROWS + 1) if by else []
    return UsageReport(
        since=since,
        until=until,
        by=by,
        data=[_row(one) for one in sums[:ROWS]],
        total=_row(total),
        truncated=len(sums) > ROWS,
    )


def as_csv(found: UsageReport) -> str:
    """A report as CSV: a line of names, then a line for each group; without groups, the total."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*found.by, *COUNTS, "amount", "nanos"])
    for row in found.data if found.by else [found.total]:
        names = [_cell(row.group[name]) for name in found.by]
        writer.writerow([*names, *(getattr(row, name) for name in COUNTS), row.amount, row.nanos])
    return out.getvalue()


def _moment(at: datetime, param: str) -> datetime:
    try:
        return utc(at)
    except OverflowError as error:
        message = f"{param}: {at.isoformat()} is no moment of the years 1 to 9999 in UTC"
        raise InvalidRequest(message, param=param) from error


def _before(until: datetime) -> datetime:
    """When a report begins that ends at this moment; no earlier than moments do."""
    earliest = datetime.min.replace(tzinfo=UTC)
    return max(until, earliest + timedelta(days=DAYS)) - timedelta(days=DAYS)


def _cell(value: str | None) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = value or ""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _row(found: UsageSum) -> UsageRow:
    fields: dict[str, Any] = msgspec.to_builtins(found)
    amount = fields.pop("amount")
    return UsageRow(**fields, amount=dollars(amount), nanos=amount)
