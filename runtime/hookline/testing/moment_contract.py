"""The part of the store contract that concerns moments, in every port."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from hookline.grants import owner_grants
from hookline.ledger import EntryQuery
from hookline.store import Store
from hookline.testing.audit_contract import record
from hookline.testing.conversation_contract import talk
from hookline.testing.document_suite import DocumentSuite
from hookline.testing.file_contract import file
from hookline.testing.grant_contract import grant
from hookline.testing.history_contract import FINISHED
from hookline.testing.ledger_suite import account, entry
from hookline.testing.suite import (
    AGENT,
    DAY,
    EARLIER,
    TOKYO,
    raised,
    run,
    sample_continuation,
    sample_key,
)

THINGS: Mapping[str, Any] = {
    "keys": sample_key("secret"),
    "grants": grant(),
    "conversations": talk(),
    "files": file(),
    "runs": FINISHED,
    "audit": record(1),
    "continuations": sample_continuation("run_1", "call_a"),
    "accounts": account(),
    "ledger": entry("run_1:0"),
}
"""A thing of each kind that is no document."""

MOMENTS: Mapping[str, str] = {
    "keys": "expires_at",
    "grants": "expires_at",
    "conversations": "updated_at",
    "files": "expires_at",
    "runs": "ended_at",
    "audit": "at",
    "continuations": "expires_at",
    "accounts": "refilled_at",
    "ledger": "at",
}
"""A moment in each of them."""


class MomentContract(DocumentSuite):
    """The part of the contract that concerns moments: aware, in UTC, exact to the microsecond."""

    def test_moments_of_documents_are_utc(self, tmp_path: Path) -> None:
        """A moment of any zone comes back as the same one in UTC; without a zone it is refused."""

        async def check(port: Any, sample: Any, _: str) -> None:
            naive = EARLIER.replace(tzinfo=None)
            for field in ("created_at", "updated_at"):
                wrong = attrs.evolve(sample, **{field: naive})
                assert await raised(ValueError, port.put(wrong))
            assert await port.get(sample.id) is None
            in_tokyo = EARLIER.astimezone(TOKYO)
            await port.put(attrs.evolve(sample, created_at=in_tokyo, updated_at=in_tokyo))

            kept = await port.get(sample.id)
            assert kept == sample
            assert is_utc(kept.created_at)
            assert is_utc(kept.updated_at)

        self.each(check, tmp_path)

    def test_moments_of_other_things_are_utc(self, tmp_path: Path) -> None:
        """The same holds for keys, grants, conversations, files, runs, the audit and the rest."""

        async def check(store: Store) -> None:
            for kind, thing in THINGS.items():
                field = MOMENTS[kind]
                moment = EARLIER + 30_000 * DAY
                naive = attrs.evolve(thing, **{field: moment.replace(tzinfo=None)})
                assert await raised(ValueError, keep(store, kind)(naive)), kind
                assert await store.archive.count(kind) == 0, kind

                in_tokyo = attrs.evolve(thing, **{field: moment.astimezone(TOKYO)})
                await keep(store, kind)(in_tokyo)
                kept = await get(store, kind)
                assert kept == in_tokyo
                assert is_utc(getattr(kept, field)), kind

        run(check, self.open(tmp_path))

    def test_an_agent_is_not_kept_without_its_grants(self, tmp_path: Path) -> None:
        """If a moment of a grant has no zone, there is neither the grant nor the agent."""

        async def check(store: Store) -> None:
            first, second = owner_grants("ann", AGENT.id, at=EARLIER)
            naive = attrs.evolve(second, granted_at=EARLIER.replace(tzinfo=None))

            assert await raised(ValueError, store.agents.put(AGENT, grants=[first, naive]))
            assert await store.agents.get(AGENT.id) is None
            assert list(await store.grants.list()) == []

        run(check, self.open(tmp_path))

    def test_moments_that_are_told_have_zones(self, tmp_path: Path) -> None:
        """A key that is revoked or used at a moment of another zone has the same one in UTC."""

        async def check(store: Store) -> None:
            key = sample_key("secret")
            await store.keys.add(key)
            naive, in_tokyo = EARLIER.replace(tzinfo=None), EARLIER.astimezone(TOKYO)
            assert await raised(ValueError, store.keys.revoke(key.id, naive))
            assert await raised(ValueError, store.keys.touch({key.id: naive}))
            assert await store.keys.get(key.id) == key
            await store.keys.revoke(key.id, in_tokyo)
            await store.keys.touch({key.id: in_tokyo})

            kept = await store.keys.get(key.id)
            assert kept == attrs.evolve(key, revoked_at=EARLIER, last_used_at=EARLIER)
            assert kept.revoked_at is not None
            assert is_utc(kept.revoked_at)

        run(check, self.open(tmp_path))


def is_utc(moment: datetime) -> bool:
    """Whether a moment is aware, and in UTC."""
    return moment.utcoffset() == timedelta()


def keep(store: Store, kind: str) -> Callable[[Any], Awaitable[Any]]:
    """How a thing of a kind is put into the store."""
    one_by_one: Mapping[str, Callable[[Any], Awaitable[Any]]] = {
        "keys": store.keys.add,
        "files": store.files.add,
        "continuations": store.continuations.put,
        "accounts": lambda new: store.ledger.change(new, expected=0),
    }
    together: Mapping[str, Callable[[list[Any]], Awaitable[Any]]] = {
        "grants": store.grants.apply,
        "conversations": store.conversations.keep,
        "runs": store.runs.keep,
        "audit": store.audit.add,
        "ledger": store.ledger.add,
    }
    if kind in one_by_one:
        return one_by_one[kind]

    async def alone(thing: Any) -> None:
        await together[kind]([thing])

    return alone


async def get(store: Store, kind: str) -> Any:
    """The thing of this kind, if it is the only one that there is."""
    lists: Mapping[str, Callable[[], Awaitable[Sequence[Any]]]] = {
        "keys": store.keys.list,
        "grants": store.grants.list,
        "conversations": lambda: store.conversations.list("alice"),
        "files": store.files.list,
        "runs": store.runs.list,
        "audit": store.audit.list,
        "continuations": lambda: store.continuations.find(["call_a"], user="alice", agent="helper"),
        "accounts": store.ledger.accounts,
        "ledger": lambda: store.ledger.entries(EntryQuery()),
    }
    [thing] = await lists[kind]()
    return thing
