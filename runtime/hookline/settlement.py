"""Settlement: what becomes of runs whose server is gone, and of a server that was not gone."""

from collections.abc import Callable, Mapping

import attrs

from hookline.moments import now
from hookline.outbox import OutboxRun, Taken
from hookline.usage import Price, TokenCounts, UsageEntry

Pricing = Callable[[UsageEntry], Price | None]


def settled(run: OutboxRun, price: Pricing) -> OutboxRun:
    """The run as it is recorded after its server died: calls under way ended where they were seen.

    It is the same whoever does it. A run that had ended stays as it is.
    """
    if run.ended:
        return run
    cut_off = [attrs.evolve(entry, price=price(entry)) for entry in run.open]
    closing = attrs.evolve(run.closing, outcome="failed", at=run.updated_at)
    return attrs.evolve(
        run,
        entries=(*run.entries, *cut_off),
        open=(),
        ended=True,
        closing=closing,
        updated_at=now(),
    )


def leftover(ended: OutboxRun, kept: OutboxRun, price: Pricing) -> OutboxRun:
    """What a run consumed that another server, which settled it too early, did not record.

    That one has told the recorders that the run ended, and nobody tells them again.

    Args:
        ended: the run as it ended in this process.
        kept: as the outbox had it last, which is what the other server went by.
        price: of an entry.
    """
    told: Mapping[str, UsageEntry] = {entry.id: entry for entry in kept.entries}
    noted: Mapping[str, UsageEntry] = {entry.id: entry for entry in kept.open}
    entries = [
        _supplement(entry, noted[entry.id], price) if entry.id in noted else entry
        for entry in ended.entries
        if entry.id not in told
    ]
    closed = [Taken(recorder=name, item=ended.closing.id) for name in ended.recorders]
    return attrs.evolve(ended, id=f"{ended.id}:more", entries=entries, taken=closed, parked=())


def _supplement(entry: UsageEntry, noted: UsageEntry, price: Pricing) -> UsageEntry:
    counts = attrs.asdict(entry.tokens)
    tokens = TokenCounts(
        **{name: count - getattr(noted.tokens, name) for name, count in counts.items()}
    )
    before = price(noted)
    cost = entry.price
    if before is not None and cost is not None:
        cost = attrs.evolve(cost, amount=cost.amount - before.amount)
    return attrs.evolve(entry, tokens=tokens, supplement=True, price=cost)
