"""Settlement: what becomes of runs whose server is gone, and of a server that was not gone."""

from collections.abc import Callable

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


def leftover(ended: OutboxRun, other: OutboxRun) -> OutboxRun:
    """What a run consumed that another server, which settled it too early, did not record.

    That one has told the recorders that the run ended, and nobody tells them again.

    Args:
        ended: the run as it ended in this process.
        other: as the other server settled it.
    """
    told = {entry.id: entry for entry in other.entries}
    used = {entry.id: entry for entry in ended.entries}
    entries = [
        _supplement(entry, told[entry.id]) if entry.id in told else entry
        for entry in (*ended.entries, *(_nothing(told[id_]) for id_ in told if id_ not in used))
        if entry.id not in told or entry.tokens != told[entry.id].tokens
    ]
    closed = [Taken(recorder=name, item=ended.closing.id) for name in ended.recorders]
    return attrs.evolve(ended, id=f"{ended.id}:more", entries=entries, taken=closed, parked=())


def _nothing(entry: UsageEntry) -> UsageEntry:
    """The entry of a call that consumed nothing after all."""
    price = entry.price and attrs.evolve(entry.price, amount=0)
    return attrs.evolve(entry, tokens=TokenCounts(), price=price)


def _supplement(entry: UsageEntry, told: UsageEntry) -> UsageEntry:
    counts = attrs.asdict(entry.tokens)
    tokens = TokenCounts(
        **{name: count - getattr(told.tokens, name) for name, count in counts.items()}
    )
    cost = entry.price
    if told.price is not None and cost is not None:
        cost = attrs.evolve(cost, amount=cost.amount - told.price.amount)
    return attrs.evolve(entry, tokens=tokens, supplement=True, price=cost)
