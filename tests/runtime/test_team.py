"""Teams: who takes part, what each costs, and agents that others ask."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from hookline import Credentials, Principal, ResourceFilter, hookimpl
from hookline.agents import Edge
from hookline.errors import ProviderRefused
from hookline.events import (
    AgentSwitched,
    Event,
    RunFinished,
    Text,
    ToolCallFinished,
    UsageReported,
)
from hookline.providers import ModelUsage
from hookline.team import Joins
from hookline.testing import RecordingRecorder
from hookline.usage import TokenCounts, UsageEntry
from hookline.wire.chat import ChatCompletionRequest, FunctionDefinition, FunctionTool, UserMessage
from support.approvals import ASKING, Bank
from support.runtimes import STOP, answer, finished, run
from support.teams import AgentsModel, calls, end, heard, offered, says, team, told, transfers

Agents = Mapping[str, Mapping[str, Any]]
BOB = Principal(user="bob", key="key_2")


class Narrow:
    """A plugin that lets bob call some agents."""

    def __init__(self, *agents: str):
        self._agents = frozenset(agents)

    @hookimpl
    def permission_backend(self) -> "Narrow":
        return self

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        return None

    async def allowed(self, principal: Principal, permission: str, kind: str) -> ResourceFilter:
        return ResourceFilter(self._agents if principal == BOB else frozenset())


class Recording:
    """A plugin with this recorder."""

    def __init__(self, recorder: RecordingRecorder):
        self._recorder = recorder

    @hookimpl
    def usage_recorder(self) -> RecordingRecorder:
        return self._recorder


def went(
    model: AgentsModel,
    agents: Agents,
    *plugins: object,
    tables: Mapping[str, Any] | None = None,
    principal: Principal | None = None,
) -> tuple[Sequence[Event], Sequence[Mapping[str, Any]]]:
    """All events of a run of ``helper``, and who was left out of its team."""

    async def work() -> tuple[Sequence[Event], Sequence[Mapping[str, Any]]]:
        async with team(model, agents, *plugins, tables=tables) as runtime:
            with capture_logs() as logs:
                if principal is None:
                    events = await answer(runtime)
                else:
                    agent = await runtime.administration.agents.find("helper")
                    request = ChatCompletionRequest(model="helper", messages=[UserMessage("Hi")])
                    events = await finished(await runtime.start(principal, agent, request))
            left_out = [line for line in logs if line["event"] == "team.left_out"]
            return events, left_out

    return run(work)


def to(*agents: str, **fields: Any) -> dict[str, Any]:
    """An edge from helper."""
    return {"from": "helper", "to": list(agents), **fields}


# Who takes part.


def test_agents_are_found_breadth_first() -> None:
    """Those that edges of others lead to, too; each one once."""
    model = AgentsModel(helper=[transfers("a")], a=[transfers("c")], b=[], c=[says("C.")])
    handoffs = to("a", "b", edge_type="handoff")
    agents = {
        "helper": {"edges": [handoffs, handoffs]},
        "a": {"edges": [{"from": "a", "to": "c"}, handoffs]},
        "b": {"edges": [{"from": ["b", "a"], "to": "c", "description": "Another one"}]},
        "c": {"edges": [{"from": "c", "to": "helper"}]},
    }

    events, left_out = went(model, agents)

    assert ["lc_transfer_to_a", "lc_transfer_to_b"] == offered(model.asked("helper")[0])
    assert ["lc_transfer_to_c"] == offered(model.asked("a")[0])
    assert ["lc_transfer_to_helper"] == offered(model.asked("c")[0])
    assert ("C.", []) == (heard(events), left_out)


def test_agents_that_the_caller_may_not_use_are_left_out() -> None:
    """With the edges to them, and with whoever only they lead to."""
    model = AgentsModel(helper=[transfers("secret"), says("I am alone.")])
    agents: Agents = {
        "helper": {"edges": [to("open"), to("secret"), {"from": "secret", "to": "behind"}]},
        "open": {},
        "secret": {},
        "behind": {},
    }

    events, left_out = went(model, agents, Narrow("helper", "open", "behind"), principal=BOB)

    (line,) = left_out
    assert ("helper", "warning", ["secret"]) == (
        line["agent"],
        line["log_level"],
        list(line["agents"]),
    )
    assert ["lc_transfer_to_open"] == offered(model.asked("helper")[0])
    assert ["helper", "helper"] == model.order
    assert "I am alone." == heard(events)


LOCAL = {"local": {"kind": "listed"}}


@pytest.mark.parametrize(
    ("fields", "tables", "reason"),
    [
        ({"provider": "nowhere"}, {}, "its provider nowhere is not configured"),
        (
            {"provider": "other"},
            {
                "providers": {**LOCAL, "other": {"kind": "listed"}},
                "policy": {"allowed_providers": ["local"]},
            },
            "which [policy] allowed_providers does not allow",
        ),
        ({}, {"runs": {"agents": 1}}, "[runs] agents allows 1 agents in one run"),
    ],
    ids=["provider not configured", "provider not allowed", "too many"],
)
def test_agents_that_cannot_work_are_left_out(
    fields: Mapping[str, Any], tables: Mapping[str, Any], reason: str
) -> None:
    """The log says which, and why; the others go on without them."""
    model = AgentsModel(helper=[says("I am alone.")])
    agents = {"helper": {"edges": [to("a", edge_type="direct")]}, "a": fields}

    events, left_out = went(model, agents, tables=tables)

    assert [["a"]] == [list(line["agents"]) for line in left_out]
    assert reason in left_out[0]["agents"]["a"]
    assert ("I am alone.", RunFinished("stop")) == (heard(events), events[-1])


def test_an_agent_that_is_gone_is_left_out() -> None:
    """Nobody notices but the log."""

    async def work() -> tuple[Sequence[Event], Sequence[Any]]:
        model = AgentsModel(helper=[says("I am alone.")])
        agents: Agents = {"helper": {"edges": [to("a", edge_type="direct")]}, "a": {}}
        async with team(model, agents) as runtime:
            await runtime.registry.store.agents.delete("a")
            runtime.forget()
            with capture_logs() as logs:
                events = await answer(runtime)
            return events, [e["agents"] for e in logs if e["event"] == "team.left_out"]

    events, left_out = run(work)
    assert [{"a": "there is no such agent"}] == left_out
    assert "I am alone." == heard(events)


def test_a_join_goes_on_without_who_is_left_out() -> None:
    """Of several sources and targets, those stay that may take part."""
    model = AgentsModel(helper=[says("Plan.")], a=[says("A.")], b=[], writer=[says("Summary.")])
    agents: Agents = {
        "helper": {
            "edges": [
                to("a", "b", edge_type="direct"),
                {"from": ["a", "b"], "to": "writer", "edge_type": "direct", "prompt": "{results}"},
            ]
        },
        "a": {},
        "b": {},
        "writer": {},
    }

    went(model, agents, Narrow("helper", "a", "writer"), principal=BOB)

    assert ["helper", "a", "writer"] == model.order
    assert ["Hi", "helper:\nPlan.\n\na:\nA."] == told(model.asked("writer")[0])


def test_a_join_counts_each_of_its_agents() -> None:
    """It is complete when all have ended, and then begins anew."""
    edges = [
        Edge(from_=["a", "b"], to=["c"], edge_type="direct"),
        Edge(from_=["a"], to=["d"], edge_type="direct"),
    ]
    joins = Joins(edges)

    ended = [joins.end(agent) for agent in ("a", "a", "c", "b", "b")]
    goes_on = Joins(edges, joins.ended).end("a")

    assert [edges[1:], edges[1:], [], edges[:1], []] == ended
    assert edges == goes_on


# What each costs.


def used(tokens: int) -> Sequence[Any]:
    """A turn that says something and tells what it consumed."""
    return [Text("Well."), ModelUsage(TokenCounts(input=tokens, output=1)), STOP]


def recorded(
    model: AgentsModel, agents: Agents, *plugins: object, **tables: Any
) -> tuple[Sequence[Event], Sequence[UsageEntry]]:
    """The events of a run, and what it consumed, by step."""
    recorder = RecordingRecorder()

    async def work() -> tuple[Sequence[Event], Sequence[UsageEntry]]:
        async with team(model, agents, Recording(recorder), *plugins, tables=tables) as runtime:
            events = await answer(runtime)
        (closing,) = recorder.closings
        assert closing.outcome == "finished"
        return events, sorted(recorder.entries, key=lambda entry: entry.step)

    return run(work)


def test_each_pays_for_its_own_model() -> None:
    """Of its own provider; steps are counted without gaps, and each entry has its own id."""
    model = AgentsModel(
        helper=[used(1)], a=[used(2)], b=[used(3)], writer=[[*calls("go"), *used(4)[1:2]], used(5)]
    )
    agents = {
        "helper": {
            "edges": [
                to("a", "b", edge_type="direct"),
                {"from": ["a", "b"], "to": "writer", "edge_type": "direct"},
            ]
        },
        "a": {"provider": "other"},
        "b": {},
        "writer": {"provider": "other"},
    }

    events, entries = recorded(model, agents, providers={**LOCAL, "other": {"kind": "listed"}})

    asked = [(e.agent, e.provider, e.model, e.tokens.input) for e in entries if e.tool is None]
    assert [
        ("helper", "local", "helper", 1),
        ("a", "other", "a", 2),
        ("b", "local", "b", 3),
        ("writer", "other", "writer", 4),
        ("writer", "other", "writer", 5),
    ] == asked
    assert [0, 1, 2, 3, 4] == [entry.step for entry in entries]
    assert len(entries) == len({entry.id for entry in entries})
    assert {"message"} == {entry.usage_type for entry in entries}
    assert [1, 2, 3, 4, 5] == [e.input_tokens for e in events if isinstance(e, UsageReported)]


# Agents as tools.


def asks(agent: str, task: str = "Do it.", **more: Any) -> tuple[str, str]:
    """A call of an agent."""
    return (f"ask_{agent}", f'{{"task":"{task}"}}')


def test_an_agent_works_for_another_on_its_own() -> None:
    """It reads the task alone; its words are the result, and the caller does not hear them."""
    model = AgentsModel(
        helper=[calls(asks("a", "Find it.")), says("It is there.")],
        a=[says("I have ", "found it.")],
    )
    agents = {
        "helper": {"instructions": "Help.", "subagents": ["a"]},
        "a": {"name": "The Finder", "description": "Finds things.", "instructions": "Find."},
    }

    (events, entries) = recorded(model, agents)

    (asked,) = model.asked("a")
    (spec,) = model.asked("helper")[0].tools
    results = [event.content for event in events if isinstance(event, ToolCallFinished)]
    assert "Have the agent The Finder work on a task of its own. Finds things." == spec.description
    assert ["Find.", "Find it."] == [message.content for message in asked.messages]
    assert [] == offered(asked)
    assert (["I have found it."], "It is there.") == (results, heard(events))
    assert not any(isinstance(event, AgentSwitched) for event in events)
    assert [
        ("helper", 0, "message"),
        ("a", 1, "subagent"),
        ("helper", 2, "message"),
    ] == [(e.agent, e.step, e.usage_type) for e in entries if e.tool is None]
    assert len(entries) == len({entry.id for entry in entries})


def test_agents_that_are_asked_can_be_a_team() -> None:
    """With edges of their own."""
    model = AgentsModel(
        helper=[calls(asks("a")), says("Done.")], a=[transfers("b", text="Over.")], b=[says("B.")]
    )
    agents: Agents = {
        "helper": {"subagents": ["a"]},
        "a": {"edges": [{"from": "a", "to": "b"}]},
        "b": {},
    }

    events, _ = went(model, agents)

    assert ["B."] == [e.content for e in events if isinstance(e, ToolCallFinished)]


def test_asking_goes_so_deep_and_no_deeper() -> None:
    """An agent may ask one that asks it again; the deepest has nobody to ask."""
    model = AgentsModel(
        helper=[calls(asks("a")), calls(asks("a")), says("H2."), says("H1.")],
        a=[calls(asks("helper")), says("A1.")],
    )
    agents = {"helper": {"subagents": ["a"]}, "a": {"subagents": ["helper"]}}

    events, _ = went(model, agents, tables={"runs": {"subagent_depth": 2}})

    tools = [(request.model, offered(request)) for request in model.requests]
    assert [
        ("helper", ["ask_a"]),
        ("a", ["ask_helper"]),
        ("helper", []),
        ("helper", []),
        ("a", ["ask_helper"]),
        ("helper", ["ask_a"]),
    ] == tools
    assert "H1." == heard(events)


def test_nobody_can_be_asked_if_the_config_says_so() -> None:
    """A depth of 0 turns it off."""
    model = AgentsModel(helper=[says("I am alone.")], a=[])

    went(model, {"helper": {"subagents": ["a"]}, "a": {}}, tables={"runs": {"subagent_depth": 0}})

    assert [] == offered(model.asked("helper")[0])


def test_an_agent_that_may_not_be_asked_is_no_tool() -> None:
    """The log says why."""
    model = AgentsModel(helper=[says("I am alone.")])
    agents: Agents = {"helper": {"subagents": ["a", "b"]}, "a": {}, "b": {"provider": "nowhere"}}

    _, left_out = went(model, agents, Narrow("helper", "b"), principal=BOB)

    assert [["a"], ["b"]] == [list(line["agents"]) for line in left_out]
    assert [] == offered(model.asked("helper")[0])


@pytest.mark.parametrize(
    ("line", "fields", "expected"),
    [
        ([[ProviderRefused("busy", status=429)]], {}, "Error: busy\nPlease fix your mistakes."),
        ([says("")], {}, "(it said nothing)"),
        (
            [calls("nothing", text="I try.")],
            {"recursion_limit": 1},
            "I try.\n[it took as many steps as it may]",
        ),
    ],
    ids=["failure", "silence", "limit"],
)
def test_what_becomes_of_an_agent_is_told_to_who_asked(
    line: Sequence[Any], fields: Mapping[str, Any], expected: str
) -> None:
    """As text that its model reads; the run goes on."""
    model = AgentsModel(helper=[calls(asks("a")), says("Well.")], a=line)

    events, _ = went(model, {"helper": {"subagents": ["a"]}, "a": fields})

    assert [expected] == [e.content for e in events if isinstance(e, ToolCallFinished)]
    assert ("Well.", RunFinished("stop")) == (heard(events), events[-1])


def test_a_call_that_needs_approval_is_refused_where_no_caller_is() -> None:
    """With the reason; what needs none is done."""
    bank = Bank()
    pay, look = ("pay", '{"amount": 5}'), ("look", '{"what": "it"}')
    model = AgentsModel(
        helper=[calls(asks("a")), says("Well.")], a=[calls(pay, look), says("I may not.")]
    )

    events, _ = went(model, {"helper": {"subagents": ["a"]}, "a": ASKING}, bank)

    read = [message.content for message in model.asked("a")[1].messages]
    refusal = "it has to be approved of, and an agent that works for another one cannot wait"
    assert f"Error: this call was not approved: {refusal}" in read
    assert ([], ["it"]) == (bank.paid, bank.looked)
    assert RunFinished("stop") == events[-1]


def test_an_agent_that_is_asked_may_take_longer_than_a_tool() -> None:
    """Its own tools and model calls are bounded, and the run is."""
    model = AgentsModel(
        helper=[calls(asks("a")), says("Well.")],
        a=[[Text("Slowly."), lambda: asyncio.sleep(0.1), STOP]],
    )

    events, _ = went(
        model, {"helper": {"subagents": ["a"]}, "a": {}}, tables={"runs": {"tool_deadline": 0.02}}
    )

    assert ["Slowly."] == [e.content for e in events if isinstance(e, ToolCallFinished)]


def test_agents_are_asked_side_by_side() -> None:
    """Several calls of one turn are made together."""
    both = asyncio.Barrier(2)
    model = AgentsModel(
        helper=[calls(asks("a"), asks("b")), says("Well.")],
        a=[[Text("A."), both.wait, STOP]],
        b=[[Text("B."), both.wait, STOP]],
    )

    events, _ = went(model, {"helper": {"subagents": ["a", "b"]}, "a": {}, "b": {}})

    results = [event.content for event in events if isinstance(event, ToolCallFinished)]
    assert ["A.", "B."] == sorted(results)


def test_agents_that_are_asked_are_not_offered_the_callers_tools() -> None:
    """Nobody could bring them the results."""
    model = AgentsModel(helper=[calls(asks("a")), says("Well.")], a=[says("A.")])

    async def work() -> Sequence[Event]:
        async with team(model, {"helper": {"subagents": ["a"]}, "a": {}}) as runtime:
            tools = [FunctionTool(FunctionDefinition("weather"))]
            return await answer(runtime, tools=tools)

    run(work)
    assert (["ask_a", "weather"], []) == (
        offered(model.asked("helper")[0]),
        offered(model.asked("a")[0]),
    )


def test_cancelling_ends_who_is_asked() -> None:
    """No model is listened to any more."""

    async def work() -> tuple[Any, int]:
        begun, waits = asyncio.Event(), asyncio.Event()

        async def begin() -> None:
            begun.set()

        model = AgentsModel(helper=[calls(asks("a"))], a=[[Text("I "), begin, waits.wait, STOP]])
        async with team(model, {"helper": {"subagents": ["a"]}, "a": {}}) as runtime:
            agent = await runtime.administration.agents.find("helper")
            request = ChatCompletionRequest(model="helper", messages=[UserMessage("Hi")])
            one = await runtime.start(Principal(user="alice"), agent, request)
            await begun.wait()
            one.cancel("client_gone")
            return end(await finished(one)), model.models["a"].closed

    ended, closed = run(work)
    assert ("client_gone", 1) == (ended.reason, closed)
