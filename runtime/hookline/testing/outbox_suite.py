"""What the parts of the store contract put into the outbox."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from hookline.archive import content_of
from hookline.outbox import OutboxRun, Parked, Taken
from hookline.testing.suite import EARLIER
from hookline.usage import Closing, Price, TokenCounts, UsageEntry

CALL = UsageEntry(
    run="run_1",
    step=0,
    agent="team/helper:1.0",
    provider="local",
    vendor="openai",
    model="m",
    user="alice",
    groups=["b", "a"],
    key="key_1",
    conversation="talk \N{SNOWMAN}",
    tokens=TokenCounts(
        input=2**53 + 1,
        output=2,
        cache_read=3,
        cache_write=4,
        reasoning=5,
        audio_input=6,
        audio_output=7,
    ),
    tool="search",
    call=3,
    usage_type="subagent",
    estimated=True,
    incomplete=True,
    supplement=True,
    price=Price(amount=-(2**53) - 1, version="v1", rates={"input": "0.15", "a.b": "1", "$c": ""}),
    at=EARLIER,
)
CLOSING = Closing(
    run="run_1",
    agent="helper",
    user="alice",
    groups=["devs"],
    key="key_1",
    conversation="talk",
    outcome="cancelled",
    at=EARLIER,
)
PARKED = Parked(recorder="ledger", item="run_1:1", error='n\0 "so"\n', attempts=7, at=EARLIER)
WHOLE = OutboxRun(
    id="run_1",
    server="one",
    recorders=["ledger", "other"],
    closing=CLOSING,
    entries=[CALL, attrs.evolve(CALL, call=None, tool=None, price=None, supplement=False)],
    open=[attrs.evolve(CALL, step=2)],
    ended=True,
    taken=[Taken(recorder="ledger", item=CALL.id), Taken(recorder="other", item=CALL.id)],
    parked=[PARKED],
    updated_at=EARLIER,
)
"""A run with every field set to something else than its default."""


def under_way(id_: str, server: str = "one", **changes: Any) -> OutboxRun:
    """A run that has not ended, of a server, with one recorder and one entry."""
    closing = attrs.evolve(CLOSING, run=id_)
    entry = attrs.evolve(CALL, run=id_)
    begun = OutboxRun(
        id=id_,
        server=server,
        recorders=["ledger"],
        closing=closing,
        entries=[entry],
        updated_at=EARLIER,
    )
    return attrs.evolve(begun, **changes)


def with_parked(id_: str, server: str = "one", *, times: int = 1) -> OutboxRun:
    """A run at rest, of which so many items are parked."""
    begun = under_way(id_, server, ended=True)
    entries = [attrs.evolve(CALL, run=id_, step=step) for step in range(times)]
    parked = [attrs.evolve(PARKED, item=entry.id) for entry in entries]
    told = [Taken(recorder="ledger", item=begun.closing.id)]
    return attrs.evolve(begun, entries=entries, parked=parked, taken=told)


def contents(runs: Sequence[OutboxRun]) -> list[Mapping[str, Any]]:
    """The runs as they can be compared: lists and tuples are the same."""
    return [content_of(one) for one in runs]


def ids(runs: Sequence[OutboxRun]) -> list[str]:
    """Their ids."""
    return [one.id for one in runs]
