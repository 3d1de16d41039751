"""Repricing: what was used is priced again, and what that changes is one more entry."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import attrs

from hookline.administration.tries import persist
from hookline.ledger import EntryQuery, LedgerEntry, LedgerStore
from hookline.moments import now
from hookline.usage import Price, TokenCounts, UsageEntry

PAGE = 500
NOTHING = TokenCounts()
SUPPLEMENT = ":more"
"""How the id of a supplement ends."""


@attrs.define
class Repriced:
    """What was done: entries looked at, those that are corrected, and by how much in all.

    ``amount`` is in nano-dollars; above zero, more was spent than had been thought. ``unpriced``
    entries have no price now either.
    """

    entries: int = 0
    corrected: int = 0
    amount: int = 0
    unpriced: int = 0


async def reprice(
    ledger: LedgerStore,
    price: Callable[[UsageEntry], Price | None],
    since: datetime,
    *,
    keep: bool = True,
    clock: Callable[[], datetime] = now,
    told: Callable[[Repriced], None] = lambda _: None,
) -> Repriced:
    """Price what was used since a moment again, as of when it was used.

    The difference is a ``correction``, and it changes the balance that had paid. Whoever does it
    again, or at the same moment, finds nothing left to correct.

    Args:
        ledger: where entries are.
        price: what an entry costs.
        since: entries of that moment or later.
        keep: whether to write corrections down; if not, only what they would be is told.
        clock: this moment, in UTC.
        told: called after each page, with what has been done by then.
    """
    done = Repriced()
    async for page in _pages(ledger, since):
        corrected = await _corrected(ledger, page)
        for entry in page:
            await _one(ledger, price, entry, corrected[entry.id], done, clock if keep else None)
        told(done)
    return done


async def _pages(ledger: LedgerStore, since: datetime) -> AsyncIterator[Sequence[LedgerEntry]]:
    query = EntryQuery(since=since, kinds=("usage", "tool"))
    before = ""
    while page := await ledger.entries(query, before=before, limit=PAGE):
        yield page
        before = page[-1].id


async def _corrected(
    ledger: LedgerStore, page: Sequence[LedgerEntry]
) -> "dict[str, list[LedgerEntry]]":
    """The corrections that these entries have, by their ids."""
    found: dict[str, list[LedgerEntry]] = {entry.id: [] for entry in page}
    query = EntryQuery(corrects=[entry.id for entry in page])
    before = ""
    while more := await ledger.entries(query, before=before, limit=PAGE):
        for correction in more:
            found[correction.corrects or ""].append(correction)
        before = more[-1].id
    return found


async def _one(
    ledger: LedgerStore,
    price: Callable[[UsageEntry], Price | None],
    entry: LedgerEntry,
    corrections: Sequence[LedgerEntry],
    done: Repriced,
    clock: Callable[[], datetime] | None,
) -> None:
    done.entries += 1
    found = await _priced(ledger, price, entry)
    if found is None:
        done.unpriced += 1
        return
    difference = -found.amount - entry.amount - sum(one.amount for one in corrections)
    if not difference:
        return
    if clock is not None:
        correction = _correction(entry, found, difference, len(corrections), clock())
        if not await _keep(ledger, correction):
            return
    done.corrected += 1
    done.amount -= difference


async def _priced(
    ledger: LedgerStore, price: Callable[[UsageEntry], Price | None], entry: LedgerEntry
) -> Price | None:
    """What the entry costs now. A supplement costs what it makes the whole call dearer."""
    if not entry.id.endswith(SUPPLEMENT):
        return price(_used(entry))
    first = entry.id.removesuffix(SUPPLEMENT)
    calls = await ledger.entries(EntryQuery(run=entry.run, kinds=["usage"]), limit=10_000)
    begun = next((call for call in calls if call.id == first), None)
    if begun is None:
        return price(_used(entry))
    noted = attrs.asdict(begun.tokens)
    tokens = TokenCounts(
        **{name: count + noted[name] for name, count in attrs.asdict(entry.tokens).items()}
    )
    whole, part = price(attrs.evolve(_used(entry), tokens=tokens)), price(_used(begun))
    if whole is None or part is None:
        return None
    return attrs.evolve(whole, amount=whole.amount - part.amount)


def _correction(
    entry: LedgerEntry, price: Price, amount: int, number: int, at: datetime
) -> LedgerEntry:
    """What makes an entry's cost right. Its id counts: of two made at once, one is kept."""
    return attrs.evolve(
        entry,
        id=f"{entry.id}:correction:{number}",
        kind="correction",
        amount=amount,
        at=at,
        corrects=entry.id,
        tokens=NOTHING,
        unpriced=False,
        price_version=price.version,
        rates=price.rates,
        detail=f"priced as of {entry.at:%Y-%m-%d}, was {entry.price_version or 'unpriced'}",
    )


async def _keep(ledger: LedgerStore, correction: LedgerEntry) -> bool:
    """Keep a correction with what it does to the balance; false if somebody else has kept it."""
    id_ = correction.account
    if id_ is None:
        if await ledger.known([correction.id]):
            return False
        await ledger.add([correction])
        return True

    async def attempt() -> bool:
        account = await ledger.account(id_)
        if account is None or await ledger.known([correction.id]):
            return False
        new = attrs.evolve(
            account,
            version=account.version + 1,
            balance=(account.balance or 0) + correction.amount,
            updated_at=correction.at,
        )
        await ledger.change(new, [correction], expected=account.version)
        return True

    return await persist(attempt)


def _used(entry: LedgerEntry) -> UsageEntry:
    """The entry as it came to the ledger, as far as prices go by it."""
    return UsageEntry(
        run=entry.run or "",
        step=entry.step or 0,
        agent=entry.agent or "",
        provider=entry.provider or "",
        vendor=entry.vendor,
        model=entry.model or "",
        user=entry.user or "",
        key=entry.key,
        tokens=entry.tokens,
        tool=entry.tool,
        call=None if entry.tool is None else 0,
        estimated=entry.estimated,
        incomplete=entry.incomplete,
        at=entry.at,
    )
