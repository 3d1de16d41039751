"""What the parts of the store contract put into the ledger."""

from typing import Any

import attrs

from hookline.ledger import Account, Bucket, LedgerEntry, Limits, Refill, Reservation, Spent
from hookline.testing.suite import DAY, EARLIER, ODD_IDS
from hookline.usage import TokenCounts

LARGE = 2**53 + 1
"""A number that a floating-point one cannot be."""

ACCOUNT = Account(
    id="user:alice",
    version=1,
    balance=-LARGE,
    reservations={
        "run_1:0": Reservation(amount=LARGE, until=EARLIER + DAY),
        **{id_: Reservation(amount=i, until=EARLIER) for i, id_ in enumerate(ODD_IDS)},
    },
    refill=Refill(amount=LARGE, interval=2, unit="months"),
    refilled_at=EARLIER,
    limits=Limits(day=LARGE, month=0, requests=60, tokens=100_000),
    day=Spent(since=EARLIER, amount=LARGE),
    month=Spent(since=EARLIER, amount=-LARGE),
    requests=Bucket(level=-60_000_001, at=EARLIER),
    tokens=Bucket(level=LARGE, at=EARLIER),
    created_at=EARLIER,
    updated_at=EARLIER + DAY,
)
"""An account with every field set to something else than its default."""

ENTRY = LedgerEntry(
    id="run_1:0",
    kind="usage",
    account="user:alice",
    amount=-LARGE,
    at=EARLIER,
    corrects="run_0:0",
    run="run_1",
    step=7,
    agent="team/helper:1.0",
    provider="local",
    vendor="openai",
    model="m",
    user="alice",
    key="key_1",
    conversation="talk \N{SNOWMAN}",
    tool="search",
    usage_type="subagent",
    tokens=TokenCounts(
        input=LARGE,
        output=2,
        cache_read=3,
        cache_write=4,
        reasoning=5,
        audio_input=6,
        audio_output=7,
    ),
    estimated=True,
    incomplete=True,
    unpriced=True,
    price_version="v1",
    rates={"input": "0.15", "a.b": "1", "$c": ""},
    detail='line\n"quoted" \0 end',
)
"""An entry with every field set to something else than its default."""


def account(id_: str = "user:alice", version: int = 1, **changes: Any) -> Account:
    """An account with a balance and nothing else."""
    plain = Account(
        id=id_, version=version, balance=0, created_at=EARLIER, updated_at=EARLIER + DAY
    )
    return attrs.evolve(plain, **changes)


def entry(id_: str, **changes: Any) -> LedgerEntry:
    """An entry about usage that cost a nano-dollar."""
    plain = LedgerEntry(id=id_, kind="usage", amount=-1, at=EARLIER)
    return attrs.evolve(plain, **changes)
