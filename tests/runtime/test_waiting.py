"""Runs that wait for approval, and go on: here, after a restart, on another server."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import hookline_mongo
import hookline_sqlite
from hookline import ModelRequest, Principal, hookimpl
from hookline.errors import (
    InvalidRequest,
    NotFound,
    RunBusy,
    ShuttingDown,
)
from hookline.events import (
    RunFinished,
    RunPaused,
    ToolCallFinished,
)
from hookline.providers import ModelUsage
from hookline.testing import RecordingSink
from hookline.usage import TokenCounts
from hookline.wire.chat import FunctionDefinition, FunctionTool, ToolMessage
from support.approvals import (
    ASK_FIRST,
    ASKING,
    LOOK,
    PAY,
    TOOLS,
    Bank,
    Notes,
    Place,
    approved,
    paused,
    plain,
    refusal,
)
from support.mongod import fresh_database
from support.runtimes import ALICE, ListedModel, Step, answer, finished, opened, run
from support.teams import AgentsModel, calls, heard, says, team

USED = ModelUsage(TokenCounts(input=7, output=3))
TWO_TOOLS: Sequence[Sequence[Step]] = [
    [*calls(LOOK, PAY, text="I pay."), USED],
    [*calls(PAY, text="Again."), USED],
    [*says("Paid."), USED],
]


@pytest.fixture(params=["sqlite", "mongodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A store that outlives a process."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield Place(f"sqlite:///{tmp_path / 'hookline.db'}", hookline_sqlite)
        else:
            yield Place(stack.enter_context(fresh_database()), hookline_mongo)


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """A store in a file."""
    return Place(f"sqlite:///{tmp_path / 'hookline.db'}", hookline_sqlite)


async def unpaused(*turns: Sequence[Step], **agent: Any) -> list[Mapping[str, Any]]:
    """The log of a run whose tools need no approval."""
    async with opened(ListedModel(*turns), Bank(), **agent) as runtime:
        return plain(await answer(runtime))


def messages(request: ModelRequest) -> list[Any]:
    """What a model read, without what differs from run to run."""
    return list(request.messages)


def test_a_run_waits_and_goes_on() -> None:
    """Until the call is approved of nothing is done; then all that would have been done is."""

    async def work() -> None:
        bank, model = Bank(), ListedModel(*TWO_TOOLS)
        async with opened(model, bank, **ASKING) as runtime:
            first, ended = await paused(runtime)

            assert [("pay", '{"amount": 5}', "helper")] == [
                (c.name, c.arguments, c.agent) for c in ended.calls
            ]
            assert (first.id, [], []) == (ended.run, bank.paid, bank.looked)
            second = await approved(runtime, first.id)
            before = await finished(first)
            after = await finished(second)
            assert (before, len(before)) == (after[: len(before)], second.position)
            assert isinstance(after[-1], RunPaused)
            third = await approved(runtime, first.id)
            events = await finished(third)

        assert (after, RunFinished("stop")) == (events[: third.position], events[-1])
        assert ([5, 5], ["it"]) == (bank.paid, bank.looked)
        assert await unpaused(*TWO_TOOLS, **TOOLS) == plain(events)

    run(work)


def test_a_run_survives_restarts(place: Place) -> None:
    """Each part of a run on another server, it says and does what it had done on one.

    The models of all servers together read what one model would have read.
    """

    async def work() -> None:
        bank, read = Bank(), list[Any]()
        async with place.runtime(ListedModel(TWO_TOOLS[0]), bank, **ASKING) as runtime:
            first, _ = await paused(runtime, "What now?")
            log = await finished(first)
        for turn in TWO_TOOLS[1:]:
            model = ListedModel(turn)
            async with place.runtime(model, bank, **ASKING) as runtime:
                found = await runtime.look_up(ALICE, first.id)
                resumed = await approved(runtime, first.id)
                assert ("waiting", None) == (found.record.state, found.record.ended_at)
                assert (log, len(log)) == (
                    (await finished(resumed))[: len(log)],
                    resumed.position,
                )
                log = await finished(resumed)
            read += map(messages, model.requests)
        async with place.runtime(ListedModel(TWO_TOOLS[2]), bank, **ASKING) as runtime:
            found = await runtime.look_up(ALICE, first.id)

        assert ("finished", first.started_at) == (found.record.state, found.record.started_at)
        plainly = ListedModel(*TWO_TOOLS)
        async with opened(plainly, Bank(), **TOOLS) as runtime:
            whole = plain(await answer(runtime, "What now?"))
        assert whole == plain(log)
        assert [messages(request) for request in plainly.requests[1:]] == read
        assert ([5, 5], ["it"], 2) == (bank.paid, bank.looked, len(set(bank.effects)))

    run(work)


def test_calls_are_decided_one_after_the_other(file: Place) -> None:
    """A run waits until all its calls are decided, and remembers each decision over a restart."""

    async def work() -> None:
        bank = Bank()
        turns = [calls(PAY, ("pay", '{"amount": 6}'), LOOK), says("Done.")]
        async with file.runtime(ListedModel(*turns), bank, **ASKING) as runtime:
            first, ended = await paused(runtime)
            five, six = ended.calls
            left = await runtime.approve(ALICE, first.id, {five.id: None})
            found = await runtime.look_up(ALICE, first.id)
            assert ([six], [six], "waiting") == (left, found.approvals, found.record.state)
            again = await runtime.approve(ALICE, first.id, {five.id: None})
            assert ([six], []) == (again, bank.paid)
        model = ListedModel(says("Done."))
        async with file.runtime(model, bank, **ASKING) as runtime:
            events = await finished(await approved(runtime, first.id, {six.id: "too much"}))

        results = [(e.status, e.content) for e in events if isinstance(e, ToolCallFinished)]
        assert ([5], ["it"]) == (bank.paid, bank.looked)
        assert sorted(results) == [
            ("error", "Error: this call was not approved: too much"),
            ("success", "paid 5"),
            ("success", "saw it"),
        ]
        read = [m.content for m in model.requests[0].messages if isinstance(m, ToolMessage)]
        assert ["paid 5", "Error: this call was not approved: too much", "saw it"] == read

    run(work)


def test_decisions_that_cannot_be(file: Place) -> None:
    """Nobody decides on calls that are not open, twice otherwise, or for others; it goes on."""

    async def work() -> None:
        turns = [calls(PAY, PAY), says("Done.")]
        async with file.runtime(ListedModel(*turns), Bank(), **ASKING) as runtime:
            first, ended = await paused(runtime)
            one, two = (call.id for call in ended.calls)
            await runtime.approve(ALICE, first.id, {one: None})

            errors = [
                await refusal(runtime.approve(ALICE, first.id, {"call_x": None})),
                await refusal(runtime.approve(ALICE, first.id, {two: None, one: "no"})),
                await refusal(runtime.approve(Principal(user="bob"), first.id, None)),
                await refusal(runtime.approve(ALICE, "run_none", None)),
            ]
            stranger = await refusal(runtime.look_up(Principal(user="bob"), first.id))
            found = await runtime.look_up(ALICE, first.id)
            events = await finished(await approved(runtime, first.id, {two: None}))
            late = await refusal(runtime.approve(ALICE, first.id, None))

        kinds = [InvalidRequest, InvalidRequest, NotFound, NotFound]
        assert kinds == [type(error) for error in errors]
        params = [error.param for error in errors if isinstance(error, InvalidRequest)]
        assert ["decisions[0].tool_call_id", "decisions[1].tool_call_id"] == params
        assert (NotFound, NotFound) == (type(stranger), type(late))
        assert [two] == [call.id for call in found.approvals]
        assert RunFinished("stop") == events[-1]

    run(work)


def test_of_two_approvals_at_once_one_counts(place: Place) -> None:
    """On one server or on two, the run goes on once; the others hear that it is taken."""

    async def work() -> None:
        bank, turns = Bank(), [calls(PAY), says("Done.")]
        async with (
            place.runtime(ListedModel(*turns), bank, **ASKING) as one,
            place.runtime(ListedModel(says("Done.")), bank, **ASKING) as other,
        ):
            first, _ = await paused(one)
            outcomes = await asyncio.gather(
                *(runtime.approve(ALICE, first.id, None) for runtime in [one, other] * 4),
                return_exceptions=True,
            )
            for outcome in outcomes:
                if not isinstance(outcome, BaseException | Sequence):
                    await outcome.wait()

        won = [o for o in outcomes if not isinstance(o, BaseException)]
        lost = {type(o) for o in outcomes if isinstance(o, BaseException)}
        assert (1, [5]) == (len(won), bank.paid)
        assert lost <= {RunBusy, NotFound}

    run(work)


def test_a_team_waits_as_a_whole(place: Place) -> None:
    """A branch that waits, one beside it that works, and those who follow: all as without a pause.

    Those who speak beside each other are heard in order, before the restart and after it.
    """
    lines: Mapping[str, Sequence[Sequence[Step]]] = {
        "helper": [says("Go.")],
        "payer": [calls(PAY, text="I pay."), says("Paid.")],
        "looker": [calls(LOOK, text="I look."), calls(LOOK), says("Seen.")],
        "teller": [says("All told.")],
    }
    edges = [
        {"from": ["helper"], "to": ["payer", "looker"], "edge_type": "direct"},
        {
            "from": ["payer", "looker"],
            "to": ["teller"],
            "edge_type": "direct",
            "prompt": "Sum up: {results}",
        },
    ]
    agents: Mapping[str, Mapping[str, Any]] = {
        "helper": {"edges": edges},
        "payer": {"tools": ["pay"]},
        "looker": {"tools": ["look"]},
        "teller": {},
    }
    asking = {**agents, "payer": {**agents["payer"], "tool_options": ASK_FIRST}}

    async def work() -> None:
        bank = Bank()
        tables = {"store": {"url": place.url}}
        model = AgentsModel(**lines)
        async with team(model, asking, place.plugin, bank, tables=tables) as runtime:
            first, ended = await paused(runtime)
            asked = {name: len(model.asked(name)) for name in lines}
        rest = AgentsModel(**{name: turns[asked[name] :] or turns for name, turns in lines.items()})
        async with team(rest, asking, place.plugin, bank, tables=tables) as runtime:
            events = await finished(await approved(runtime, first.id))

        plainly = AgentsModel(**lines)
        async with team(plainly, agents, Bank()) as runtime:
            whole = await answer(runtime)
        assert [("pay", "payer")] == [(call.name, call.agent) for call in ended.calls]
        assert ([5], ["it", "it"]) == (bank.paid, bank.looked)
        assert (heard(whole), whole[-1]) == (heard(events), events[-1])
        assert spoken(plain(whole)) == spoken(plain(events))
        last = plainly.asked("teller")[-1].messages
        assert list(last) == list(rest.asked("teller")[-1].messages)

    run(work)


def spoken(log: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A log of several agents without the numbers of model calls, which depend on who is faster."""
    return [row for row in log if row["type"] != "usage"]


def test_two_branches_wait_at_once(file: Place) -> None:
    """All calls of all branches are decided on together, each for its own branch."""
    lines: Mapping[str, Sequence[Sequence[Step]]] = {
        "helper": [says("Go.")],
        "one": [calls(PAY), says("One.")],
        "two": [calls(("pay", '{"amount": 6}')), says("Two.")],
    }
    edges = [{"from": ["helper"], "to": ["one", "two"], "edge_type": "direct"}]
    payer = {"tools": ["pay"], "tool_options": ASK_FIRST}
    agents: Mapping[str, Mapping[str, Any]] = {
        "helper": {"edges": edges},
        "one": payer,
        "two": payer,
    }

    async def work() -> None:
        bank, tables = Bank(), {"store": {"url": file.url}}
        async with team(AgentsModel(**lines), agents, file.plugin, bank, tables=tables) as runtime:
            first, ended = await paused(runtime)
        rest = AgentsModel(**{**lines, "one": [says("One.")], "two": [says("Two.")]})
        async with team(rest, agents, file.plugin, bank, tables=tables) as runtime:
            decisions = {call.id: "no" if call.agent == "one" else None for call in ended.calls}
            events = await finished(await approved(runtime, first.id, decisions))

        assert [6] == bank.paid
        assert "Go.\n\nOne.\n\nTwo." == heard(events)
        read = rest.asked("one")[0].messages[-1].content
        assert "Error: this call was not approved: no" == read

    run(work)


def test_an_agent_that_is_a_tool_cannot_wait() -> None:
    """Nobody could be asked; its model reads that, and the run goes on."""
    lines: Mapping[str, Sequence[Sequence[Step]]] = {
        "helper": [calls(("ask_payer", '{"task": "Pay."}')), says("Done.")],
        "payer": [calls(PAY), says("I could not.")],
    }
    agents: Mapping[str, Mapping[str, Any]] = {
        "helper": {"subagents": ["payer"]},
        "payer": {"tools": ["pay"], "tool_options": ASK_FIRST},
    }

    async def work() -> None:
        bank, model = Bank(), AgentsModel(**lines)
        async with team(model, agents, bank) as runtime:
            events = await answer(runtime)

        assert ([], RunFinished("stop")) == (bank.paid, events[-1])
        read = model.asked("payer")[1].messages[-1].content
        assert isinstance(read, str)
        assert read.startswith("Error: this call was not approved: it has to be approved of")

    run(work)


def test_found_tools_and_attachments_are_remembered(file: Place) -> None:
    """What a search found before the pause can be called after it; attachments are all there."""
    options: Mapping[str, Any] = {**ASK_FIRST, "look": {"defer_loading": True}}
    turns = [
        calls(("tool_search", '{"query": "look something up"}')),
        calls(LOOK),
        calls(PAY),
        calls(("look", '{"what": "more"}')),
        says("Done."),
    ]

    async def work() -> None:
        bank = Bank()
        fields: Mapping[str, Any] = {**TOOLS, "tool_options": options}
        async with file.runtime(ListedModel(*turns), bank, Notes(), **fields) as runtime:
            first, _ = await paused(runtime)
            waiting = await runtime.look_up(ALICE, first.id)
        model = ListedModel(*turns[3:])
        async with file.runtime(model, bank, Notes(), **fields) as runtime:
            events = await finished(await approved(runtime, first.id))
        async with file.runtime(model, bank, Notes(), **fields) as runtime:
            found = await runtime.look_up(ALICE, first.id)

        assert (["it", "more"], [5]) == (bank.looked, bank.paid)
        assert ["pay", "tool_search", "look"] == [tool.name for tool in model.requests[0].tools]
        assert ["it"] == [made.name for made in waiting.attachments]
        assert ["it", "more"] == [made.name for made in found.attachments]
        assert RunFinished("stop") == events[-1]

    run(work)


def test_the_callers_tools_come_after_the_servers(file: Place) -> None:
    """Of a turn with both, the server's wait first; then the caller runs its own, as ever."""
    weather = FunctionTool(FunctionDefinition("weather"))

    async def work() -> None:
        bank = Bank()
        model = ListedModel(calls(PAY, "weather"))
        async with file.runtime(model, bank, **ASKING) as runtime:
            first, _ = await paused(runtime, tools=[weather])
        async with file.runtime(model, bank, **ASKING) as runtime:
            resumed = await approved(runtime, first.id)
            events = await finished(resumed)

        assert ([5], RunFinished("tool_calls")) == (bank.paid, events[-1])

    run(work)


def test_sinks_hear_each_event_once() -> None:
    """A sink that followed the run to its pause goes on where it was."""

    async def work() -> None:
        sink = RecordingSink()

        class Sink:
            @hookimpl
            def event_sink(self) -> RecordingSink:
                return sink

        async with opened(ListedModel(*TWO_TOOLS), Bank(), Sink(), **ASKING) as runtime:
            first, _ = await paused(runtime)
            await approved(runtime, first.id)
            events = await finished(await approved(runtime, first.id))

        assert list(events) == list(sink.events_of(first.id))
        assert {"finished": 1} == dict(runtime.ended)

    run(work)


def test_leaving_and_shutting_down_do_not_end_a_run_that_waits(file: Place) -> None:
    """Whoever ends it, cancels it or leaves it while it waits changes nothing."""

    async def work() -> None:
        bank = Bank()
        async with file.runtime(ListedModel(calls(PAY), says("Done.")), bank, **ASKING) as runtime:
            first, _ = await paused(runtime)
            first.cancel("client_gone")
            runtime.cancel_all("shutdown")
            runtime.drain()
            closing = await refusal(runtime.approve(ALICE, first.id, None))
        async with file.runtime(ListedModel(says("Done.")), bank, **ASKING) as runtime:
            events = await finished(await approved(runtime, first.id))

        assert (ShuttingDown, RunFinished("stop"), [5]) == (type(closing), events[-1], bank.paid)

    run(work)
