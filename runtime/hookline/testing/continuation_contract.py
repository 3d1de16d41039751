"""The part of the store contract that concerns continuations."""

from pathlib import Path

import attrs

from hookline.documents import LIMIT
from hookline.store import Continuation, Store
from hookline.testing.suite import DAY, EARLIER, StoreSuite, refused, run, sample_continuation


class ContinuationContract(StoreSuite):
    """The part of the contract that concerns continuations."""

    def test_a_continuation_is_found_by_any_of_its_calls(self, tmp_path: Path) -> None:
        """Once, as it was put, however many of the calls are asked for."""

        async def check(store: Store) -> None:
            kept = sample_continuation("run_1", "call_a", "call_b")
            await store.continuations.put(kept)
            await store.continuations.put(sample_continuation("run_2", "call_c"))

            for calls in (["call_a"], ["call_b", "unknown"], ["call_b", "call_a"]):
                assert await found(store, calls) == [kept]
            assert await found(store, ["unknown"]) == []
            assert await found(store, []) == []

        run(check, self.open(tmp_path))

    def test_a_continuation_belongs_to_a_user_and_an_agent(self, tmp_path: Path) -> None:
        """Nobody else finds it, and neither does the user's request to another agent."""

        async def check(store: Store) -> None:
            await store.continuations.put(sample_continuation("run_1", "call_a"))
            find = store.continuations.find

            assert list(await find(["call_a"], user="bob", agent="helper")) == []
            assert list(await find(["call_a"], user="alice", agent="other")) == []

        run(check, self.open(tmp_path))

    def test_calls_may_be_shared_and_many(self, tmp_path: Path) -> None:
        """Two runs may hold the same call; thousands of calls can be asked for at once."""

        async def check(store: Store) -> None:
            for id_ in ("run_1", "run_2"):
                await store.continuations.put(sample_continuation(id_, "call_a"))
            calls = [f"call_{i}" for i in range(5000)]

            answer = await found(store, [*calls, "call_a"])
            assert {"run_1", "run_2"} == {one.id for one in answer}

        run(check, self.open(tmp_path))

    def test_a_continuation_put_again_is_replaced(self, tmp_path: Path) -> None:
        """The calls of the first one lead nowhere."""

        async def check(store: Store) -> None:
            later = sample_continuation("run_1", "call_b")
            await store.continuations.put(sample_continuation("run_1", "call_a"))
            await store.continuations.put(later)

            assert await found(store, ["call_a"]) == []
            assert await found(store, ["call_b"]) == [later]

        run(check, self.open(tmp_path))

    def test_an_expired_continuation_is_not_found(self, tmp_path: Path) -> None:
        """Neither before nor after it is forgotten, and only expired ones are forgotten."""

        async def check(store: Store) -> None:
            live = sample_continuation("live", "call_a")
            gone = attrs.evolve(sample_continuation("gone", "call_a"), expires_at=EARLIER)
            await store.continuations.put(live)
            await store.continuations.put(gone)

            assert await found(store, ["call_a"]) == [live]
            assert await store.continuations.expire(EARLIER - DAY) == 0
            assert await store.continuations.expire(EARLIER) == 1
            assert await store.continuations.expire(EARLIER) == 0
            assert await found(store, ["call_a"]) == [live]

        run(check, self.open(tmp_path))

    def test_calls_that_a_caller_changes_later_are_not_kept(self, tmp_path: Path) -> None:
        """The store shares no dict with those who put and find."""

        async def check(store: Store) -> None:
            calls = {"call_a": "upstream_a"}
            await store.continuations.put(attrs.evolve(sample_continuation("run_1"), calls=calls))
            calls["call_a"] = "changed"

            [kept] = await found(store, ["call_a"])
            assert kept.calls == {"call_a": "upstream_a"}

        run(check, self.open(tmp_path))

    def test_a_continuation_that_is_too_large_is_refused(self, tmp_path: Path) -> None:
        """As a document is, and the one before it stays."""

        async def check(store: Store) -> None:
            kept = sample_continuation("run_1", "call_a")
            await store.continuations.put(kept)
            large = attrs.evolve(kept, messages=b"x" * (LIMIT + 1))

            assert await refused(store.continuations.put(large)) == "document_too_large"
            assert await found(store, ["call_a"]) == [kept]

        run(check, self.open(tmp_path))


async def found(store: Store, calls: list[str]) -> list[Continuation]:
    """The continuations that hold one of these calls, of the sample's user and agent."""
    return list(await store.continuations.find(calls, user="alice", agent="helper"))
