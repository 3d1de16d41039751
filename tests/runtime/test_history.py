"""The history of runs is written down behind the requests."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from hookline.conversations import Conversation
from hookline.errors import StoreUnavailable
from hookline.history import LOST, WAITING, History, RunRecord
from hookline.moments import now
from hookline_memory import MemoryStore
from support.runtimes import ALICE, STOP, ListedModel, answer, finished, opened, run, start


def record(id_: str = "run_1", **fields: object) -> RunRecord:
    given = {"user": "alice", "agent": "helper", "version": 1, "state": "running", **fields}
    return RunRecord(id=id_, **{"started_at": now(), **given})


class Failing(MemoryStore):
    """A store whose runs cannot be written for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.down = True
        self.kept = self.runs.keep
        self.runs.keep = self.keep

    async def keep(self, records: Sequence[RunRecord]) -> None:
        if self.down:
            message = "the store is away"
            raise StoreUnavailable(message)
        await self.kept(records)


def test_a_run_is_remembered_with_how_it_ended() -> None:
    """Who, what, which version, when and why; and the conversation that it belongs to."""

    async def work() -> None:
        async with opened(ListedModel([STOP])) as runtime:
            begun = await start(runtime, conversation_id="talk")
            await finished(begun)
            store = runtime.registry.store
        kept = await store.runs.get(begun.id)
        talk = await store.conversations.get("alice", "talk")

        assert kept is not None
        assert (kept.user, kept.key, kept.agent, kept.version) == ("alice", ALICE.key, "helper", 1)
        assert (kept.state, kept.reason, kept.conversation) == ("finished", "stop", "talk")
        assert kept.ended_at is not None
        assert kept.started_at <= kept.ended_at
        assert talk is not None
        assert (talk.agent, talk.created_at) == ("helper", kept.started_at)

    run(work)


@pytest.mark.parametrize(
    ("step", "state", "reason"),
    [
        (RuntimeError("broken"), "failed", "internal_error"),
        (asyncio.CancelledError(), "cancelled", "operator"),
    ],
)
def test_an_unhappy_end_is_remembered_too(step: BaseException, state: str, reason: str) -> None:
    """With the code of the failure, or why it was cancelled."""

    async def work() -> None:
        async with opened(ListedModel([step])) as runtime:
            begun = await start(runtime)
            await finished(begun)
            store = runtime.registry.store
        kept = await store.runs.get(begun.id)

        assert kept is not None
        assert (state, reason) == (kept.state, kept.reason)

    run(work)


def test_no_history_is_kept_where_none_is_wanted() -> None:
    """``history_days = 0`` keeps neither runs nor conversations."""

    async def work() -> None:
        tables = {"runs": {"history_days": 0}}
        async with opened(ListedModel([STOP]), tables=tables) as runtime:
            await answer(runtime, conversation_id="talk")
            store = runtime.registry.store

        assert list(await store.runs.list()) == []
        assert await store.conversations.get("alice", "talk") is None

    run(work)


def test_what_could_not_be_written_is_written_later() -> None:
    """Requests go on; what came later is not overwritten by what came before."""

    async def work() -> None:
        store = Failing()
        history = History(store.runs, store.conversations, timedelta(days=1))
        history.note(record(conversation="talk"))
        await history.flush()
        history.note(record(state="finished", ended_at=now(), conversation="talk"))
        await history.flush()
        store.down = False
        await history.flush()
        kept = await store.runs.get("run_1")

        assert kept is not None
        assert kept.state == "finished"
        assert await store.conversations.get("alice", "talk") is not None

    run(work)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", ("failed", "server_lost")),
        ("waiting", ("failed", "server_lost")),
        ("finished", ("finished", "")),
    ],
)
def test_a_run_ends_with_its_server(state: str, said: tuple[str, str]) -> None:
    """What is known of it says so, when the store can be reached, unless it had ended."""

    async def work() -> None:
        store = Failing()
        await store.kept([record(state=state)])
        history = History(store.runs, store.conversations, timedelta(days=1))
        history.lose("run_1", now())
        history.lose("run_2", now())
        await history.flush()
        missed = await store.runs.get("run_1")
        store.down = False
        await history.flush()
        kept = await store.runs.get("run_1")

        assert missed is not None
        assert kept is not None
        assert (state, said) == (missed.state, (kept.state, kept.reason))
        assert (kept.ended_at is None) == (state == "finished")
        assert await store.runs.get("run_2") is None

    run(work)


def test_many_lost_runs_hold_up_no_write() -> None:
    """They are looked up some at a time, and each is noted in the end."""

    async def work() -> tuple[int, int]:
        store = MemoryStore()
        ids = [f"run_{number:04}" for number in range(LOST + 1)]
        await store.runs.keep([record(id_) for id_ in ids])
        history = History(store.runs, store.conversations, timedelta(days=1))
        for id_ in ids:
            history.lose(id_, now())
        counts = []
        for _ in range(2):
            await history.flush()
            kept = await store.runs.list()
            counts.append(sum(one.state == "failed" for one in kept))
        return counts[0], counts[1]

    assert (LOST, LOST + 1) == run(work)


def test_a_run_past_its_deadline_is_at_work_nowhere() -> None:
    """Its server was killed before it could say how the run had ended."""

    async def work() -> tuple[str, str]:
        tables = {"runs": {"deadline": 60.0}}
        async with opened(ListedModel(), tables=tables) as runtime:
            late, early = now() - timedelta(seconds=125), now() - timedelta(seconds=90)
            runs = [record(started_at=late), record("run_2", started_at=early)]
            await runtime.registry.store.runs.keep(runs)
            gone = (await runtime.look_up(ALICE, "run_1")).record
            there = (await runtime.look_up(ALICE, "run_2")).record
        assert late + timedelta(seconds=60) == gone.ended_at
        assert ("running", None) == (there.state, there.ended_at)
        return gone.state, gone.reason

    assert ("failed", "server_lost") == run(work)


def test_waiting_records_are_bounded() -> None:
    """While the store is away, the oldest are lost first."""

    async def work() -> None:
        store = MemoryStore()
        history = History(store.runs, store.conversations, timedelta(days=1))
        for number in range(WAITING + 2):
            history.note(record(f"run_{number}"))
        await history.flush()

        assert await store.runs.get("run_1") is None
        assert await store.runs.get("run_2") is not None

    run(work)


def test_old_runs_are_forgotten() -> None:
    """When the server starts, and from time to time."""

    async def work() -> None:
        store = MemoryStore()
        old, new = now() - timedelta(days=3), now()
        await store.runs.keep(
            [
                record("old", state="finished", ended_at=old),
                record("new", state="finished", ended_at=new),
            ]
        )
        async with History(store.runs, store.conversations, timedelta(days=2)):
            while await store.runs.get("old") is not None:
                await asyncio.sleep(0)

            assert await store.runs.get("new") is not None

    run(work)


def test_two_users_have_two_conversations_of_one_id() -> None:
    """Nobody can reach another user's conversation by guessing its id."""

    async def work() -> None:
        store = MemoryStore()
        history = History(store.runs, store.conversations, timedelta(days=1))
        history.note(record("run_1", user="alice", conversation="1"))
        history.note(record("run_2", user="bob", conversation="1", agent="other"))
        await history.flush()
        found = [await store.conversations.get(user, "1") for user in ("alice", "bob", "eve")]

        agents = [talk.agent if isinstance(talk, Conversation) else None for talk in found]
        assert agents == ["helper", "other", None]

    run(work)
