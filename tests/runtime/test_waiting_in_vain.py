"""Runs that wait while the world changes, and those that cannot begin to wait or go on."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

import hookline_sqlite
from hookline import Artifact, Attachment, Record, RunScope, StoreKind, hookimpl
from hookline.errors import (
    AgentNotFound,
    NotFound,
    ProviderBroken,
    RunBusy,
    StoreUnavailable,
    ToolUnavailable,
)
from hookline.events import (
    RunFailed,
    RunFinished,
    RunPaused,
    ToolCallFinished,
)
from hookline.waiting import COLLECTION
from hookline_memory import MemoryStore
from support.approvals import (
    ASK_FIRST,
    ASKING,
    LOOK,
    PAY,
    Bank,
    Notes,
    Place,
    approved,
    paused,
    refusal,
)
from support.runtimes import ALICE, ListedModel, answer, finished, opened, run, start
from support.teams import AgentsModel, calls, says, team

READS_MUCH: Mapping[str, Any] = {**ASKING, "max_context_tokens": 8_000_000}
TURNS = [calls(PAY, text="I pay."), says("Paid.")]


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """A store in a file."""
    return Place(f"sqlite:///{tmp_path / 'hookline.db'}", hookline_sqlite)


def test_a_run_that_nobody_decides_on_expires(file: Place) -> None:
    """After its hours it cannot go on any more, and is told of as cancelled."""

    async def work() -> None:
        soon = {"runs": {"approval_hours": 1e-6}}
        async with file.runtime(ListedModel(*TURNS), Bank(), tables=soon, **ASKING) as runtime:
            first, _ = await paused(runtime)
            await asyncio.sleep(0.01)
            found = await runtime.look_up(ALICE, first.id)
            late = await refusal(runtime.approve(ALICE, first.id, None))

        assert ("cancelled", "expired", ()) == (
            found.record.state,
            found.record.reason,
            tuple(found.approvals),
        )
        assert NotFound is type(late)

    run(work)


def test_the_version_that_waits_goes_on(file: Place) -> None:
    """An agent that was changed meanwhile goes on as it was; the next run is of the new one."""

    async def work() -> None:
        bank = Bank()
        kind: Mapping[str, Any] = {**ASKING, "instructions": "Be brief."}
        async with file.runtime(ListedModel(*TURNS), bank, **kind) as runtime:
            first, _ = await paused(runtime)
        model = ListedModel(says("Paid."))
        changed = {"tools": [], "instructions": "Sing."}
        async with file.runtime(model, bank, **changed) as runtime:
            resumed = await approved(runtime, first.id)
            events = await finished(resumed)
            await answer(runtime)

        assert ([5], RunFinished("stop"), 1) == (bank.paid, events[-1], resumed.agent.version)
        told = [request.messages[0].content for request in model.requests]
        assert ["Be brief.", "Sing."] == told
        assert [2, 0] == [len(request.tools) for request in model.requests]

    run(work)


def test_the_team_that_waits_goes_on(file: Place) -> None:
    """Other agents keep their version, too, and the ways between them; new ones do not come in."""
    lines: Mapping[str, Any] = {
        "helper": [calls("lc_transfer_to_payer")],
        "payer": [calls(PAY), says("Paid.")],
        "other": [says("Me too.")],
    }
    edge = {"from": ["helper"], "to": ["payer"]}
    follows = {"from": ["payer"], "to": ["other"], "edge_type": "direct"}
    tables = {"store": {"url": file.url}}
    agents: Mapping[str, Mapping[str, Any]] = {
        "helper": {"edges": [edge]},
        "payer": {"tools": ["pay"], "tool_options": ASK_FIRST, "instructions": "Be brief."},
    }
    changed: Mapping[str, Mapping[str, Any]] = {
        **agents,
        "payer": {"instructions": "Sing.", "edges": [follows]},
        "other": {},
    }

    async def work() -> None:
        bank = Bank()
        async with team(AgentsModel(**lines), agents, file.plugin, bank, tables=tables) as runtime:
            first, _ = await paused(runtime)
        rest = AgentsModel(**{**lines, "payer": [says("Paid.")]})
        async with team(rest, changed, file.plugin, bank, tables=tables) as runtime:
            events = await finished(await approved(runtime, first.id))

        assert ([5], RunFinished("stop"), ["payer"]) == (bank.paid, events[-1], rest.order)
        system = rest.asked("payer")[0].messages[0].content
        assert isinstance(system, str)
        assert system.startswith("Be brief.")

    run(work)


def test_a_deleted_agent_does_not_go_on(file: Place) -> None:
    """It is answered as for any request; the run waits until its hours are over."""

    async def work() -> None:
        bank = Bank()
        async with file.runtime(ListedModel(*TURNS), bank, **ASKING) as runtime:
            first, ended = await paused(runtime)
            await runtime.registry.store.agents.delete("helper")
            runtime.forget()
            error = await refusal(runtime.approve(ALICE, first.id, None))
            found = await runtime.look_up(ALICE, first.id)

        assert ("waiting", ended.calls) == (found.record.state, list(found.approvals))
        assert (AgentNotFound, []) == (type(error), bank.paid)

    run(work)


def test_a_member_that_is_gone_ends_nothing(file: Place) -> None:
    """A team cannot go on without an agent that belongs to it; the run goes on waiting."""
    lines: Mapping[str, Any] = {"helper": [calls("lc_transfer_to_payer")], "payer": [calls(PAY)]}
    tables = {"store": {"url": file.url}}
    agents: Mapping[str, Mapping[str, Any]] = {
        "helper": {"edges": [{"from": ["helper"], "to": ["payer"]}]},
        "payer": {"tools": ["pay"], "tool_options": ASK_FIRST},
    }

    async def work() -> None:
        bank = Bank()
        async with team(AgentsModel(**lines), agents, file.plugin, bank, tables=tables) as runtime:
            first, _ = await paused(runtime)
            await runtime.registry.store.agents.delete("payer")
            runtime.forget()
            error = await refusal(runtime.approve(ALICE, first.id, None))
            found = await runtime.look_up(ALICE, first.id)
            logs = runtime.registry.event_logs
            leftover = await logs.find(first.id)

        assert (NotFound, "waiting", None) == (type(error), found.record.state, leftover)
        assert "agent payer is not available any more" in str(error)

    run(work)


def test_a_provider_that_is_gone_comes_back(file: Place) -> None:
    """While its provider is not there the run waits; once it is there again it goes on."""

    async def work() -> None:
        bank = Bank()
        async with file.runtime(ListedModel(*TURNS), bank, **ASKING) as runtime:
            first, _ = await paused(runtime)
        other = {"providers": {"another": {"kind": "listed"}}}
        agent = {**ASKING, "provider": "local"}
        gone = file.runtime(ListedModel(*TURNS), bank, tables=other, **agent)
        async with gone as runtime:
            error = await refusal(runtime.approve(ALICE, first.id, None))
            again = await refusal(runtime.approve(ALICE, first.id, None))
        async with file.runtime(ListedModel(says("Paid.")), bank, **ASKING) as runtime:
            events = await finished(await approved(runtime, first.id))

        assert (ProviderBroken, ProviderBroken) == (type(error), type(again))
        assert ([5], RunFinished("stop")) == (bank.paid, events[-1])

    run(work)


def test_a_tool_that_is_gone_is_an_answer(file: Place) -> None:
    """With ``degrade`` the model reads that its tool is gone, without it the run waits."""

    async def work() -> None:
        bank = Bank()
        kind: Mapping[str, Any] = {**ASKING, "on_tool_failure": "degrade"}
        async with file.runtime(ListedModel(*TURNS), bank, **ASKING) as runtime:
            strict, _ = await paused(runtime)
        async with file.runtime(ListedModel(*TURNS), bank, **kind) as runtime:
            lenient, _ = await paused(runtime)
        async with file.runtime(ListedModel(says("So be it.")), **kind) as runtime:
            error = await refusal(runtime.approve(ALICE, strict.id, None))
            events = await finished(await approved(runtime, lenient.id))

        assert (ToolUnavailable, RunFinished("stop")) == (type(error), events[-1])
        results = [event.content for event in events if isinstance(event, ToolCallFinished)]
        assert ["Error: Tool pay not found\nPlease fix your mistakes."] == results

    run(work)


class Records:
    """Records that fail, or keep one waiting, when a run enters or leaves the waiting room."""

    def __init__(self, inner: Any, faults: "Faults"):
        self._inner = inner
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        if record.collection == COLLECTION and self._faults.down:
            raise StoreUnavailable("the store is down")
        kept: Record = await self._inner.put(record, expected=expected)
        if record.collection == COLLECTION:
            self._faults.entered.set()
            await self._faults.gate.wait()
        return kept


class Faults:
    """A plugin with a store in memory that can be taken down."""

    def __init__(self) -> None:
        self.down = False
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    scheme = "faulty"

    @hookimpl
    def store(self) -> StoreKind:
        return self  # type: ignore[return-value]

    def open(self, url: str) -> MemoryStore:
        store = MemoryStore()
        store.records = Records(store.records, self)  # type: ignore[assignment]
        return store


FAULTY = {"store": {"url": "faulty://"}}


def test_a_store_that_is_down_fails_the_run() -> None:
    """A run that cannot be kept fails, says so, and nothing of it waits."""

    async def work() -> None:
        faults, bank = Faults(), Bank()
        async with opened(ListedModel(*TURNS), faults, bank, tables=FAULTY, **ASKING) as runtime:
            faults.down = True
            begun = await start(runtime)
            events = await finished(begun)
            faults.down = False
            found = await runtime.look_up(ALICE, begun.id)
            error = await refusal(runtime.approve(ALICE, begun.id, None))

        assert isinstance(events[-1], RunFailed)
        assert not any(isinstance(event, RunPaused) for event in events)
        assert ("store_unavailable", "failed") == (events[-1].code, found.record.state)
        assert (NotFound, []) == (type(error), bank.paid)

    run(work)


def test_one_who_is_faster_than_the_end_hears_so() -> None:
    """Whoever decides in the moment in which the run is kept, and has not ended, has to wait."""

    async def work() -> None:
        faults, bank = Faults(), Bank()
        async with opened(ListedModel(*TURNS), faults, bank, tables=FAULTY, **ASKING) as runtime:
            faults.gate.clear()
            begun = await start(runtime)
            await faults.entered.wait()
            early = await refusal(runtime.approve(ALICE, begun.id, None))
            found = await runtime.look_up(ALICE, begun.id)
            faults.gate.set()
            await finished(begun)
            events = await finished(await approved(runtime, begun.id))

        assert (RunBusy, "running", ()) == (type(early), found.record.state, found.approvals)
        assert ([5], RunFinished("stop")) == (bank.paid, events[-1])

    run(work)


def test_a_store_that_is_down_lets_nothing_go_on() -> None:
    """Nobody can take the run then; afterwards it goes on, once."""

    async def work() -> None:
        faults, bank = Faults(), Bank()
        async with opened(ListedModel(*TURNS), faults, bank, tables=FAULTY, **ASKING) as runtime:
            first, _ = await paused(runtime)
            faults.down = True
            error = await refusal(runtime.approve(ALICE, first.id, None))
            paid = list(bank.paid)
            faults.down = False
            events = await finished(await approved(runtime, first.id))

        assert (StoreUnavailable, [], [5]) == (type(error), paid, bank.paid)
        assert RunFinished("stop") == events[-1]

    run(work)


class Odd(Notes):
    """A plugin whose attachments are no data."""

    async def process(self, artifact: Artifact, scope: RunScope) -> Attachment:
        return Attachment(kind="odd", name="odd", data=object())


def test_attachments_that_are_no_data_fail_the_run() -> None:
    """What cannot be kept cannot wait; the run says so, and does not hang."""

    async def work() -> None:
        turns = [calls(LOOK), calls(PAY)]
        async with opened(ListedModel(*turns), Odd(), Bank(), **ASKING) as runtime:
            events = await answer(runtime)

        assert isinstance(events[-1], RunFailed)
        assert "it cannot be kept" in events[-1].message

    run(work)


def test_a_run_that_is_too_large_fails() -> None:
    """It says how large it is, and how large it may be."""

    async def work() -> None:
        async with opened(ListedModel(*TURNS), Bank(), **READS_MUCH) as runtime:
            events = await answer(runtime, "x" * 17_000_000)

        assert isinstance(events[-1], RunFailed)
        assert "too large" in events[-1].message

    run(work)


def test_the_conversation_is_kept_once() -> None:
    """It stands in the request, in the run, and before what each agent reads."""

    async def work() -> None:
        async with opened(ListedModel(*TURNS), Bank(), **READS_MUCH) as runtime:
            first, _ = await paused(runtime, "x" * 10_000_000)
            record = await runtime.registry.store.records.get(COLLECTION, first.id)
            events = await finished(await approved(runtime, first.id))

        assert record is not None
        assert len(record.data) < 10_100_000
        assert RunFinished("stop") == events[-1]

    run(work)


def test_a_run_of_another_version_of_hookline_is_not_found() -> None:
    """What cannot be read is told of in one sentence, and is no error of the server's."""

    async def work() -> None:
        async with opened(ListedModel(*TURNS), Bank(), **ASKING) as runtime:
            first, _ = await paused(runtime)
            records = runtime.registry.store.records
            record = await records.get(COLLECTION, first.id)
            assert record is not None
            await records.put(attrs.evolve(record, data=b"\x80"))
            error = await refusal(runtime.approve(ALICE, first.id, None))

        assert NotFound is type(error)
        assert "another version of Hookline" in str(error)

    run(work)


def test_each_part_has_its_own_deadline() -> None:
    """How long a person takes to decide is not counted, and each part has all the time there is."""

    async def work() -> None:
        async with opened(ListedModel(*TURNS), Bank(), **ASKING) as runtime:
            first, _ = await paused(runtime)
            resumed = await approved(runtime, first.id)

        assert first.scope.deadline < resumed.scope.deadline

    run(work)


def test_without_history_a_run_that_waits_is_found() -> None:
    """Where runs are not remembered, those that wait or are at work are known all the same."""

    async def work() -> None:
        forgetful = {"runs": {"history_days": 0}}
        async with opened(ListedModel(*TURNS), Bank(), tables=forgetful, **ASKING) as runtime:
            first, ended = await paused(runtime)
            found = await runtime.look_up(ALICE, first.id)
            await approved(runtime, first.id)
            gone = await refusal(runtime.look_up(ALICE, first.id))

        assert ("waiting", ended.calls) == (found.record.state, list(found.approvals))
        assert NotFound is type(gone)

    run(work)
