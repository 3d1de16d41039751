"""What every store must do. A suite for pytest, to be subclassed.

::

    class TestMyStore(StoreContract):
        def open(self, tmp_path):
            return MyStore(tmp_path / "data")
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import SkipTest

import attrs

from hookline.agents import Agent, now
from hookline.errors import InvalidRequest
from hookline.keys import ApiKey, digest, new_key
from hookline.store import Continuation, Store

DAY = timedelta(days=1)
EARLIER = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
TOKYO = timezone(timedelta(hours=9))
AGENT = Agent(
    id="team/helper:1.0",
    provider="local",
    model="m",
    name="Hélper \N{SNOWMAN}",
    description="d",
    instructions='line\n"quoted" \0 end',
    model_parameters={"temperature": 0.2, "stop": ["a", "b"], "logit_bias": {"1": -100}, "n": None},
    tools=("calculator", "search"),
    locked=("temperature",),
    recursion_limit=7,
    dialect="librechat",
    on_tool_failure="degrade",
    managed_by="config",
    created_at=EARLIER,
    updated_at=EARLIER,
)


class _Suite:
    """How the parts of the contract reach the store."""

    durable = True
    """Whether a store that is opened again holds what was kept."""

    def open(self, tmp_path: Path) -> Store:
        """A store that is not entered yet; of the same ``tmp_path``, the same data.

        No event loop runs when this is called.
        """
        raise NotImplementedError


class AgentContract(_Suite):
    """The part of the contract that concerns agents."""

    def test_an_agent_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """Every field survives."""

        async def check(store: Store) -> None:
            kept = await store.agents.put(AGENT)

            assert kept == AGENT
            assert await store.agents.get(AGENT.id) == AGENT

        _run(check, self.open(tmp_path))

    def test_an_unknown_agent_is_none(self, tmp_path: Path) -> None:
        """Neither a get nor a delete of what is not there is an error."""

        async def check(store: Store) -> None:
            assert await store.agents.get("nobody") is None
            assert await store.agents.delete("nobody") is False
            assert list(await store.agents.list()) == []

        _run(check, self.open(tmp_path))

    def test_ids_are_told_apart_by_case(self, tmp_path: Path) -> None:
        """``Helper`` and ``helper`` are two agents."""

        async def check(store: Store) -> None:
            await store.agents.put(attrs.evolve(AGENT, id="helper"))

            assert await store.agents.get("Helper") is None

        _run(check, self.open(tmp_path))

    def test_a_change_makes_a_new_version(self, tmp_path: Path) -> None:
        """The version goes up by one, ``created_at`` stays, and ``updated_at`` moves."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            changed = attrs.evolve(AGENT, name="other", created_at=now(), version=9)
            kept = await store.agents.put(changed)

            assert kept == await store.agents.get(AGENT.id)
            assert (kept.version, kept.name, kept.created_at) == (2, "other", EARLIER)
            assert kept.updated_at > EARLIER

        _run(check, self.open(tmp_path))

    def test_no_change_makes_no_version(self, tmp_path: Path) -> None:
        """Putting the same content again leaves the agent as it is, lists for tuples included."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            tools, locked = list(AGENT.tools), list(AGENT.locked)
            again = attrs.evolve(AGENT, tools=tools, locked=locked, version=5, updated_at=now())

            assert await store.agents.put(again) == AGENT
            assert await store.agents.get(AGENT.id) == AGENT

        _run(check, self.open(tmp_path))

    def test_a_version_is_never_used_twice(self, tmp_path: Path) -> None:
        """An agent that is made anew goes on counting where the deleted one ended."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            await store.agents.put(attrs.evolve(AGENT, name="other"))

            assert await store.agents.delete(AGENT.id) is True
            assert await store.agents.get(AGENT.id) is None
            assert list(await store.agents.list()) == []
            assert await store.agents.delete(AGENT.id) is False

            created = attrs.evolve(AGENT, created_at=EARLIER + DAY)
            kept = await store.agents.put(created)
            assert (kept.version, kept.created_at) == (3, EARLIER + DAY)

        _run(check, self.open(tmp_path))

    def test_agents_are_listed_in_pages(self, tmp_path: Path) -> None:
        """The order is that of the ids, character by character, and each page goes on after one."""

        async def check(store: Store) -> None:
            ids = ["b", "a", "Z", "a-1", "a.1", "a10", "é", "aa"]
            for id_ in ids:
                await store.agents.put(attrs.evolve(AGENT, id=id_))
            pages, sizes, after = list[str](), list[int](), ""
            while page := await store.agents.list(after=after, limit=3):
                sizes.append(len(page))
                after = page[-1].id
                pages += [agent.id for agent in page]

            assert sorted(ids) == pages
            assert sizes == [3, 3, 2]
            assert sorted(ids) == [agent.id for agent in await store.agents.list()]

        _run(check, self.open(tmp_path))

    def test_writers_at_once_make_distinct_versions(self, tmp_path: Path) -> None:
        """Of many changes at the same moment none is lost and no two share a version."""

        async def check(store: Store) -> None:
            puts = (store.agents.put(attrs.evolve(AGENT, name=f"n{i}")) for i in range(20))
            kept = await asyncio.gather(*puts)

            assert list(range(1, 21)) == sorted(agent.version for agent in kept)
            last = max(kept, key=lambda agent: agent.version)
            assert last == await store.agents.get(AGENT.id)

        _run(check, self.open(tmp_path))

    def test_what_a_caller_changes_later_is_not_kept(self, tmp_path: Path) -> None:
        """The store shares no dict with those who put and get."""

        async def check(store: Store) -> None:
            parameters: dict[str, Any] = {"stop": ["a"]}
            await store.agents.put(attrs.evolve(AGENT, model_parameters=parameters))
            parameters["stop"].append("b")
            got = await store.agents.get(AGENT.id)
            assert got is not None
            got.model_parameters["stop"].append("c")

            again = await store.agents.get(AGENT.id)
            assert again is not None
            assert again.model_parameters == {"stop": ["a"]}

        _run(check, self.open(tmp_path))

    def test_times_are_utc(self, tmp_path: Path) -> None:
        """A moment of any zone comes back as the same one in UTC; without a zone it is refused."""

        async def check(store: Store) -> None:
            kept = await store.agents.put(attrs.evolve(AGENT, created_at=EARLIER.astimezone(TOKYO)))

            assert (kept.created_at, kept.created_at.utcoffset()) == (EARLIER, timedelta())
            naive = EARLIER.replace(tzinfo=None)
            assert await _raised(
                ValueError, store.agents.put(attrs.evolve(AGENT, updated_at=naive))
            )

        _run(check, self.open(tmp_path))


class KeyContract(_Suite):
    """The part of the contract that concerns API keys."""

    def test_a_key_is_found_by_its_digest(self, tmp_path: Path) -> None:
        """Every field survives; other digests, and the digest in capitals, find nothing."""

        async def check(store: Store) -> None:
            everything = attrs.evolve(_key("secret"), agents=frozenset({"a", "b"}), name="n")
            limited = attrs.evolve(_key("other"), agents=frozenset(), expires_at=EARLIER + DAY)
            await store.keys.add(everything)
            await store.keys.add(limited)

            assert await store.keys.find(digest("secret")) == everything
            assert await store.keys.find(digest("other")) == limited
            assert await store.keys.find(digest("unknown")) is None
            assert await store.keys.find(digest("secret").upper()) is None
            assert await store.keys.find("") is None

        _run(check, self.open(tmp_path))

    def test_a_key_is_added_once(self, tmp_path: Path) -> None:
        """A second key with the same digest or the same id is refused, and the first one stays."""

        async def check(store: Store) -> None:
            first = _key("secret")
            await store.keys.add(first)

            assert await _raised(InvalidRequest, store.keys.add(_key("secret")))
            same_id = attrs.evolve(_key("other"), id=first.id)
            assert await _raised(InvalidRequest, store.keys.add(same_id))
            assert list(await store.keys.list()) == [first]

        _run(check, self.open(tmp_path))

    def test_of_two_adders_at_once_one_wins(self, tmp_path: Path) -> None:
        """The digest is unique however close two additions are."""

        async def check(store: Store) -> None:
            adds = (store.keys.add(_key("secret")) for _ in range(8))
            answers = await asyncio.gather(*adds, return_exceptions=True)

            refused = [answer for answer in answers if isinstance(answer, InvalidRequest)]
            assert (answers.count(None), len(refused)) == (1, 7)

        _run(check, self.open(tmp_path))

    def test_keys_are_listed_newest_first(self, tmp_path: Path) -> None:
        """All of them, or those of one user."""

        async def check(store: Store) -> None:
            made = [
                attrs.evolve(_key(f"k{i}", user=user), created_at=EARLIER + i * DAY)
                for i, user in enumerate(["alice", "bob", "alice"])
            ]
            for key in made:
                await store.keys.add(key)

            assert list(await store.keys.list()) == made[::-1]
            assert list(await store.keys.list(user="alice")) == [made[2], made[0]]
            assert list(await store.keys.list(user="nobody")) == []

        _run(check, self.open(tmp_path))

    def test_a_revoked_key_stays_revoked(self, tmp_path: Path) -> None:
        """It is still found, invalid, with the moment of its first revocation."""

        async def check(store: Store) -> None:
            key = _key("secret")
            await store.keys.add(key)

            assert await store.keys.revoke("unknown", EARLIER) is False
            assert await store.keys.revoke(key.id, EARLIER) is True
            assert await store.keys.revoke(key.id, EARLIER + DAY) is True
            found = await store.keys.find(key.digest)
            assert found == attrs.evolve(key, revoked_at=EARLIER)
            assert not found.valid(EARLIER)

        _run(check, self.open(tmp_path))

    def test_last_use_only_moves_forward(self, tmp_path: Path) -> None:
        """A batch sets what is later than known; unknown ids and an empty batch change nothing."""

        async def check(store: Store) -> None:
            first, second = _key("first"), _key("second")
            await store.keys.add(first)
            await store.keys.add(second)
            await store.keys.touch({first.id: EARLIER + DAY, second.id: EARLIER})
            await store.keys.touch(
                {first.id: EARLIER, second.id: EARLIER + DAY, "unknown": EARLIER}
            )
            await store.keys.touch({})

            used = {key.last_used_at for key in await store.keys.list()}
            assert used == {EARLIER + DAY}
            assert await store.keys.find(digest("unknown")) is None

        _run(check, self.open(tmp_path))


class ContinuationContract(_Suite):
    """The part of the contract that concerns continuations."""

    def test_a_continuation_is_found_by_any_of_its_calls(self, tmp_path: Path) -> None:
        """Once, as it was put, however many of the calls are asked for."""

        async def check(store: Store) -> None:
            kept = _continuation("run_1", "call_a", "call_b")
            await store.continuations.put(kept)
            await store.continuations.put(_continuation("run_2", "call_c"))

            for calls in (["call_a"], ["call_b", "unknown"], ["call_b", "call_a"]):
                assert await _found(store, calls) == [kept]
            assert await _found(store, ["unknown"]) == []
            assert await _found(store, []) == []

        _run(check, self.open(tmp_path))

    def test_a_continuation_belongs_to_a_user_and_an_agent(self, tmp_path: Path) -> None:
        """Nobody else finds it, and neither does the user's request to another agent."""

        async def check(store: Store) -> None:
            await store.continuations.put(_continuation("run_1", "call_a"))
            find = store.continuations.find

            assert list(await find(["call_a"], user="bob", agent="helper")) == []
            assert list(await find(["call_a"], user="alice", agent="other")) == []

        _run(check, self.open(tmp_path))

    def test_calls_may_be_shared_and_many(self, tmp_path: Path) -> None:
        """Two runs may hold the same call; thousands of calls can be asked for at once."""

        async def check(store: Store) -> None:
            for run in ("run_1", "run_2"):
                await store.continuations.put(_continuation(run, "call_a"))
            calls = [f"call_{i}" for i in range(5000)]

            found = await _found(store, [*calls, "call_a"])
            assert {"run_1", "run_2"} == {one.id for one in found}

        _run(check, self.open(tmp_path))

    def test_a_continuation_put_again_is_replaced(self, tmp_path: Path) -> None:
        """The calls of the first one lead nowhere."""

        async def check(store: Store) -> None:
            later = _continuation("run_1", "call_b")
            await store.continuations.put(_continuation("run_1", "call_a"))
            await store.continuations.put(later)

            assert await _found(store, ["call_a"]) == []
            assert await _found(store, ["call_b"]) == [later]

        _run(check, self.open(tmp_path))

    def test_an_expired_continuation_is_not_found(self, tmp_path: Path) -> None:
        """Neither before nor after it is forgotten, and only expired ones are forgotten."""

        async def check(store: Store) -> None:
            live = _continuation("live", "call_a")
            gone = attrs.evolve(_continuation("gone", "call_a"), expires_at=EARLIER)
            await store.continuations.put(live)
            await store.continuations.put(gone)

            assert await _found(store, ["call_a"]) == [live]
            assert await store.continuations.expire(EARLIER - DAY) == 0
            assert await store.continuations.expire(EARLIER) == 1
            assert await store.continuations.expire(EARLIER) == 0
            assert await _found(store, ["call_a"]) == [live]

        _run(check, self.open(tmp_path))


class StoreContract(AgentContract, KeyContract, ContinuationContract):
    """Subclass it and say how your store is opened."""

    def test_an_open_store_answers(self, tmp_path: Path) -> None:
        """A ping returns."""

        async def check(store: Store) -> None:
            await store.ping()

        _run(check, self.open(tmp_path))

    def test_what_is_kept_outlives_the_store(self, tmp_path: Path) -> None:
        """A store that is opened again holds all that was put into the first one."""
        if not self.durable:
            message = "this store says that it is not durable"
            raise SkipTest(message)
        key, continuation = _key("secret"), _continuation("run_1", "call_a")

        async def keep(store: Store) -> None:
            await store.agents.put(AGENT)
            await store.keys.add(key)
            await store.continuations.put(continuation)

        async def check(store: Store) -> None:
            assert await store.agents.get(AGENT.id) == AGENT
            assert await store.keys.find(key.digest) == key
            assert await _found(store, ["call_a"]) == [continuation]

        _run(keep, self.open(tmp_path))
        _run(check, self.open(tmp_path))


def _run(check: Callable[[Store], Awaitable[None]], store: Store) -> None:
    async def entered() -> None:
        async with store:
            await check(store)

    asyncio.run(entered())


async def _raised(kind: type[Exception], call: Coroutine[Any, Any, Any]) -> bool:
    try:
        await call
    except kind:
        return True
    return False


async def _found(store: Store, calls: list[str]) -> list[Continuation]:
    return list(await store.continuations.find(calls, user="alice", agent="helper"))


def _key(text: str, *, user: str = "alice") -> ApiKey:
    key, _ = new_key(user, text=text)
    return attrs.evolve(key, created_at=EARLIER)


def _continuation(run: str, *calls: str) -> Continuation:
    return Continuation(
        id=run,
        user="alice",
        agent="helper",
        calls={call: f"upstream_{call}" for call in calls},
        messages=b'[{"role":"assistant","content":"\xc3\xa9"}]',
        expires_at=now() + DAY,
    )
