"""The flow of a run: who has their turn after whom, and what they read."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from hookline.errors import ProviderRefused
from hookline.events import (
    AgentSwitched,
    Event,
    Reasoning,
    RunFailed,
    RunFinished,
    Text,
    ToolCallFinished,
    ToolCallStarted,
)
from hookline.runtime import Runtime
from hookline.transcript import Transcript
from hookline.wire.chat import (
    AssistantMessage,
    FunctionDefinition,
    FunctionTool,
    Message,
    ToolMessage,
    UserMessage,
)
from support.approvals import ASKING, PAY, Bank, approved, paused
from support.runtimes import STOP, Adder, Step, answer, finished, run, start
from support.teams import (
    AgentsModel,
    calls,
    end,
    heard,
    instructed,
    offered,
    says,
    team,
    told,
    transfers,
)

Lines = Mapping[str, Sequence[Sequence[Step]]]
Agents = Mapping[str, Mapping[str, Any]]
WEATHER = FunctionTool(FunctionDefinition("weather"))


ADD = ("add", '{"a":1,"b":2}')


def went(model: AgentsModel, agents: Agents, **fields: Any) -> Sequence[Event]:
    """All events of a run of ``helper`` in this team."""

    async def work() -> Sequence[Event]:
        async with team(model, agents, Adder()) as runtime:
            return await answer(runtime, **fields)

    return run(work)


def edge(from_: Any, to: Any, kind: str = "handoff", **fields: Any) -> dict[str, Any]:
    """An edge as it stands in a config."""
    return {"from": from_, "to": to, "edge_type": kind, **fields}


def direct(from_: Any, to: Any, **fields: Any) -> dict[str, Any]:
    """A direct edge as it stands in a config."""
    return edge(from_, to, "direct", **fields)


def switches(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Who followed whom."""
    return [(e.source, e.target) for e in events if isinstance(e, AgentSwitched)]


# One hands over to another.


def test_a_model_hands_over_and_the_other_goes_on() -> None:
    """The other reads the conversation without the call, who handed over, and what it is told."""
    model = AgentsModel(
        helper=[calls(("lc_transfer_to_expert", '{"task":"Be nice."}'), text="One moment.")],
        expert=[says("I am ", "the expert.")],
    )

    events = went(
        model,
        {
            "helper": {
                "name": "The Helper",
                "instructions": "Help.",
                "edges": [edge("helper", "expert", prompt="what to do", prompt_key="task")],
            },
            "expert": {"name": "The Expert", "instructions": "Know."},
        },
    )

    (asked,) = model.asked("expert")
    done = [event for event in events if isinstance(event, ToolCallFinished)]
    assert ["lc_transfer_to_expert"] == offered(model.asked("helper")[0])
    assert ["Successfully transferred to The Expert\n\nTask: Be nice."] == [e.content for e in done]
    assert ["Know.\n\nThe Helper has handed this conversation over to you."] == instructed(asked)
    assert ["Hi", "Be nice."] == told(asked)
    assert [AssistantMessage("One moment.")] == [
        message for message in asked.messages if isinstance(message, AssistantMessage)
    ]
    assert [] == offered(asked)
    assert [("helper", "expert")] == switches(events)
    assert "One moment.\n\nI am the expert." == heard(events)
    assert RunFinished("stop") == events[-1]


def test_who_takes_over_in_silence_reads_what_the_caller_said() -> None:
    """A model that hands over without a word leaves nothing behind."""
    model = AgentsModel(helper=[transfers("expert")], expert=[says("Hello.")])

    went(model, {"helper": {"edges": [edge("helper", "expert")]}, "expert": {}})

    (asked,) = model.asked("expert")
    assert (["Hi"], 2) == (told(asked), len(asked.messages))


def test_who_takes_over_after_words_is_asked_to_go_on() -> None:
    """No model is asked with an assistant's message as the last one."""
    model = AgentsModel(helper=[transfers("expert", text="Wait.")], expert=[says("Hello.")])

    went(model, {"helper": {"edges": [edge("helper", "expert")]}, "expert": {}})

    assert ["Hi", "Go on with the conversation."] == told(model.asked("expert")[0])


def test_an_agent_can_hand_back() -> None:
    """Each reads what the other one has said, and no call of either's."""
    model = AgentsModel(
        helper=[transfers("expert", text="Ask him."), says("Bye.")],
        expert=[transfers("helper", text="It is 7.")],
    )

    events = went(
        model,
        {
            "helper": {"edges": [edge("helper", "expert"), edge("expert", "helper")]},
            "expert": {},
        },
    )

    last = model.asked("helper")[1]
    assert ["expert has handed this conversation over to you."] == instructed(last)
    assert ["Hi", "Go on with the conversation.", "Go on with the conversation."] == told(last)
    assert "Ask him.\n\nIt is 7.\n\nBye." == heard(events)
    assert not any(isinstance(message, ToolMessage) for message in last.messages)


def test_each_reads_of_the_last_handover_alone() -> None:
    """Whether it has instructions of its own or none."""
    model = AgentsModel(helper=[transfers("b")], b=[transfers("c")], c=[says("End.")])

    went(model, {"helper": {"edges": [edge("helper", "b"), edge("b", "c")]}, "b": {}, "c": {}})

    assert ["b has handed this conversation over to you."] == instructed(model.asked("c")[0])


def test_several_handovers_of_one_turn_go_side_by_side() -> None:
    """Each is told its own; they are heard one after the other, and know of each other."""
    both = asyncio.Barrier(2)
    model = AgentsModel(
        helper=[
            calls(
                ("lc_transfer_to_a", '{"instructions":"Do A."}'),
                ("lc_transfer_to_b", '{"instructions":"Do B."}'),
            )
        ],
        a=[[Text("a1 "), both.wait, Text("a2"), STOP]],
        b=[[Text("b1 "), both.wait, Text("b2"), STOP]],
    )

    events = went(
        model,
        {
            "helper": {"edges": [edge("helper", ["a", "b"], prompt="what to do")]},
            "a": {},
            "b": {"name": "The B"},
        },
    )

    a, b = model.asked("a")[0], model.asked("b")[0]
    handed = "helper has handed this conversation over to you. At work beside you: "
    assert (["Hi", "Do A."], ["Hi", "Do B."]) == (told(a), told(b))
    assert ([handed + "The B."], [handed + "a."]) == (instructed(a), instructed(b))
    assert [("helper", "a"), ("helper", "b")] == switches(events)
    assert "a1 a2\n\nb1 b2" == heard(events)


def test_an_agent_is_handed_over_to_once_a_turn() -> None:
    """Two calls of one tool are one handover, with what the last one tells."""
    model = AgentsModel(
        helper=[
            calls(
                ("lc_transfer_to_a", '{"instructions":"First."}'),
                ("lc_transfer_to_a", '{"instructions":"Second."}'),
            )
        ],
        a=[says("Done.")],
    )

    events = went(model, {"helper": {"edges": [edge("helper", "a", prompt="what")]}, "a": {}})

    assert ["Hi", "Second."] == told(model.asked("a")[0])
    assert 2 == sum(isinstance(event, ToolCallFinished) for event in events)
    assert "Done." == heard(events)


def test_tools_answer_before_the_other_takes_over() -> None:
    """It reads their results; calls are counted on."""
    model = AgentsModel(
        helper=[calls(ADD, "lc_transfer_to_expert")], expert=[calls(ADD), says("It is 3.")]
    )

    events = went(
        model,
        {
            "helper": {"tools": ["add"], "edges": [edge("helper", "expert")]},
            "expert": {"tools": ["add"]},
        },
    )

    read = model.asked("expert")[0].messages
    started = [(e.index, e.name) for e in events if isinstance(e, ToolCallStarted)]
    assert ["3"] == [m.content for m in read if isinstance(m, ToolMessage)]
    assert [(0, "add"), (1, "lc_transfer_to_expert"), (2, "add")] == started


def test_a_way_that_is_not_offered_cannot_be_gone() -> None:
    """A model that calls a tool of another's is told that there is none."""
    model = AgentsModel(
        helper=[transfers("a")], a=[transfers("b"), says("Then not.")], b=[says("Never.")]
    )

    events = went(model, {"helper": {"edges": [edge("helper", ["a", "b"])]}, "a": {}, "b": {}})

    last = [event for event in events if isinstance(event, ToolCallFinished)][-1]
    assert "Error: Tool lc_transfer_to_b not found\nPlease fix your mistakes." == last.content
    assert ("Then not.", []) == (heard(events), model.asked("b"))


# Conditions.


def test_a_handover_is_offered_while_its_condition_holds() -> None:
    """What a model is offered it may do, whatever its words and calls make of the condition."""
    model = AgentsModel(
        helper=[calls(ADD, text="First I add."), transfers("late")],
        late=[says("Late.")],
        early=[says("Early.")],
    )

    events = went(
        model,
        {
            "helper": {
                "tools": ["add"],
                "edges": [
                    edge("helper", "early", condition="turns < 2"),
                    edge("helper", "late", condition='"add" in tools and len(tools) < 2'),
                ],
            },
            "early": {},
            "late": {},
        },
    )

    first, second = model.asked("helper")
    assert ["add", "lc_transfer_to_early"] == offered(first)
    assert ["add", "lc_transfer_to_late"] == offered(second)
    assert "First I add.\n\nLate." == heard(events)


def test_a_handover_that_was_not_offered_yet_is_refused() -> None:
    """A condition is more than a hint to the model."""
    model = AgentsModel(
        helper=[transfers("expert"), transfers("expert")], expert=[says("I am here.")]
    )

    events = went(
        model,
        {
            "helper": {"edges": [edge("helper", "expert", condition="turns > 2")]},
            "expert": {},
        },
    )

    results = [event.status for event in events if isinstance(event, ToolCallFinished)]
    assert (["error", "success"], "I am here.") == (results, heard(events))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('"refund" in output', ["helper", "a"]),
        ('"refund" not in output', ["helper"]),
        ('metadata.get("plan") == "pro"', ["helper", "a"]),
        ('user == "bob"', ["helper"]),
        ('agent == "helper" and turns == 1 and agents == []', ["helper", "a"]),
    ],
)
def test_a_direct_edge_is_gone_if_its_condition_holds(
    condition: str, expected: Sequence[str]
) -> None:
    """As far as the agent has come that it leads from."""
    model = AgentsModel(helper=[says("I want a refund.")], a=[says("A.")])

    went(
        model,
        {"helper": {"edges": [direct("helper", "a", condition=condition)]}, "a": {}},
        metadata={"plan": "pro"},
    )

    assert expected == model.order


def test_what_was_offered_is_remembered_while_a_run_waits() -> None:
    """A handover of the turn that waits is gone once the other call is approved of."""
    model = AgentsModel(
        helper=[calls(PAY, "lc_transfer_to_expert", text="I pay.")], expert=[says("Thanks.")]
    )
    edges = [edge("helper", "expert", condition='turns < 2 and output == ""')]

    async def work() -> Sequence[Event]:
        agents = {"helper": {**ASKING, "edges": edges}, "expert": {}}
        async with team(model, agents, Bank()) as runtime:
            one, _ = await paused(runtime)
            return await finished(await approved(runtime, one.id))

    events = run(work)
    assert "I pay.\n\nThanks." == heard(events)
    assert [("helper", "expert")] == switches(events)


# Direct edges.


def test_a_direct_edge_is_followed_when_the_first_has_ended() -> None:
    """After its tools; the next reads the caller's messages, what was said and the prompt."""
    model = AgentsModel(helper=[calls(ADD, text="I add."), says("It is 3.")], a=[says("Good.")])

    events = went(
        model,
        {
            "helper": {
                "name": "The Helper",
                "tools": ["add"],
                "edges": [direct("helper", "a", prompt="Check it.")],
            },
            "a": {"instructions": "Check."},
        },
    )

    (asked,) = model.asked("a")
    assert ["Hi", "The Helper:\nIt is 3.\n\nCheck it."] == told(asked)
    assert ["Check."] == instructed(asked)
    assert 3 == len(asked.messages)
    assert "I add.\n\nIt is 3.\n\nGood." == heard(events)
    assert [("helper", "a")] == switches(events)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["Hi", "helper:\nPlan."]),
        ({"exclude_results": True}, ["Hi"]),
        ({"prompt": "Now you.", "exclude_results": True}, ["Hi", "Now you."]),
        ({"prompt": "See: {results}"}, ["Hi", "See: helper:\nPlan."]),
        (
            {"prompt": "See: {results}", "exclude_results": False},
            ["Hi", "helper:\nPlan.\n\nSee: helper:\nPlan."],
        ),
        ({"prompt": "{results} {result}"}, ["Hi", "helper:\nPlan. {result}"]),
    ],
)
def test_the_next_reads_results_as_its_edge_says(
    fields: Mapping[str, Any], expected: Sequence[str]
) -> None:
    """Once: beside the prompt, or within it."""
    model = AgentsModel(helper=[says("Plan.")], a=[says("Done.")])

    went(model, {"helper": {"edges": [direct("helper", "a", **fields)]}, "a": {}})

    assert expected == told(model.asked("a")[0])


def fanned(**lines: Sequence[Sequence[Step]]) -> AgentsModel:
    """A plan, two at work on it, and one who writes it up."""
    both = asyncio.Barrier(2)
    usual: Lines = {
        "helper": [says("Plan.")],
        "a": [[Text("a1 "), both.wait, Text("a2"), STOP]],
        "b": [[Text("b1 "), both.wait, Text("b2"), STOP]],
        "writer": [says("Summary.")],
    }
    return AgentsModel(**{**usual, **lines})


def fan(**fields: Any) -> Agents:
    """The team for it."""
    return {
        "helper": {
            "edges": [
                direct("helper", ["a", "b"], prompt="Work."),
                direct(["a", "b"], "writer", prompt="Sum up:\n{results}"),
            ],
            **fields,
        },
        "a": {},
        "b": {"name": "The B"},
        "writer": {},
    }


def test_a_fan_out_is_joined() -> None:
    """Those at work are heard one after the other; the last begins when all of them have ended."""
    model = fanned()

    events = went(model, fan())

    assert ["Hi", "helper:\nPlan.\n\nWork."] == told(model.asked("a")[0])
    assert ["Hi", "helper:\nPlan.\n\nWork."] == told(model.asked("b")[0])
    assert ["Hi", "Sum up:\nhelper:\nPlan.\n\na:\na1 a2\n\nThe B:\nb1 b2"] == told(
        model.asked("writer")[0]
    )
    assert "Plan.\n\na1 a2\n\nb1 b2\n\nSummary." == heard(events)
    assert [("helper", "a"), ("helper", "b"), ("a", "writer")] == switches(events)
    assert RunFinished("stop") == events[-1]


def test_words_on_the_way_can_be_hidden() -> None:
    """The caller reads what the last one says; which agents were at work is told."""
    model = fanned(helper=[[Reasoning("Hm."), Text("Plan."), STOP]])

    events = went(model, fan(hide_sequential_outputs=True))

    assert "Summary." == heard(events)
    assert not any(isinstance(event, Reasoning) for event in events)
    assert [("helper", "a"), ("helper", "b"), ("a", "writer")] == switches(events)


def test_words_are_not_hidden_of_who_is_the_last() -> None:
    """Where nobody went on, all of it is the answer."""
    model = AgentsModel(helper=[says("I ", "can.")], expert=[says("Never.")])

    events = went(
        model,
        {
            "helper": {"hide_sequential_outputs": True, "edges": [edge("helper", "expert")]},
            "expert": {},
        },
    )

    assert "I can." == heard(events)


def test_one_that_waits_for_all_is_not_begun_by_some() -> None:
    """One that hands over to another never ends at the join."""
    model = fanned(a=[transfers("c")], b=[says("B.")], c=[says("C.")])
    agents = dict(fan(edges=[*fan()["helper"]["edges"], edge("a", "c")]), c={})

    events = went(model, agents)

    assert [] == model.asked("writer")
    assert "Plan.\n\nB.\n\nC." == heard(events)
    assert RunFinished("stop") == events[-1]


def test_each_of_several_sources_may_lead_on_alone() -> None:
    """Two edges to one agent are two ways: it has its turn for each that is gone."""
    model = fanned(a=[says("A.")], b=[says("B.")])
    edges = [
        direct("helper", ["a", "b"]),
        direct("a", "writer", prompt="From A."),
        direct("b", "writer", prompt="From B."),
    ]

    went(model, fan(edges=edges))

    last = [told(request)[-1].splitlines()[-1] for request in model.asked("writer")]
    assert ["From A.", "From B."] == sorted(last)


def test_agents_that_no_way_leads_to_begin_together() -> None:
    """Each reads the conversation."""
    model = AgentsModel(helper=[says("One.")], other=[says("Two.")], writer=[says("Both.")])

    events = went(
        model,
        {
            "helper": {"edges": [direct(["helper", "other"], "writer", prompt="{results}")]},
            "other": {},
            "writer": {},
        },
    )

    assert ["Hi"] == told(model.asked("other")[0])
    assert ["Hi", "helper:\nOne.\n\nother:\nTwo."] == told(model.asked("writer")[0])
    assert "One.\n\nTwo.\n\nBoth." == heard(events)


def test_an_agent_with_both_kinds_goes_the_way_its_model_chose() -> None:
    """Who hands over does not also go its direct edges."""
    edges = [edge("helper", "a"), direct("helper", "b")]
    over = AgentsModel(helper=[transfers("a")], a=[says("A.")], b=[says("B.")])
    on = AgentsModel(helper=[says("Well.")], a=[says("A.")], b=[says("B.")])

    for model in (over, on):
        went(model, {"helper": {"edges": edges}, "a": {}, "b": {}})

    assert (["helper", "a"], ["helper", "b"]) == (over.order, on.order)


# Limits and ends.


async def settled(tasks: int) -> None:
    """Wait until there are no more tasks than these."""
    while len(asyncio.all_tasks()) > tasks:
        await asyncio.sleep(0.001)


def test_a_circle_ends_at_the_limit_of_who_has_had_its_turns() -> None:
    """An agent that comes again goes on counting."""
    model = AgentsModel(helper=[says("Tick.")], a=[says("Tock.")])

    events = went(
        model,
        {
            "helper": {
                "recursion_limit": 3,
                "edges": [direct("helper", "a"), direct("a", "helper")],
            },
            "a": {"recursion_limit": 5},
        },
    )

    assert ["helper", "a"] * 3 == model.order
    assert RunFinished("length", "recursion_limit") == events[-1]


def test_handing_over_to_and_fro_ends_at_a_limit() -> None:
    """A turn of the model is a step, and so is its call."""
    model = AgentsModel(helper=[transfers("a")], a=[transfers("helper")])

    events = went(
        model,
        {
            "helper": {"recursion_limit": 9, "edges": [edge("helper", "a"), edge("a", "helper")]},
            "a": {"recursion_limit": 4},
        },
    )

    assert ["helper", "a", "helper", "a", "helper"] == model.order
    assert RunFinished("length", "recursion_limit") == events[-1]


def test_what_was_said_side_by_side_is_heard_when_a_limit_ends_the_run() -> None:
    """Nothing that was paid for is lost."""
    model = fanned(a=[calls(ADD, text="Again.")], b=[says("B.")])
    agents = {**fan(), "a": {"tools": ["add"], "recursion_limit": 3}}

    events = went(model, agents)

    assert "Plan.\n\nAgain.\n\nAgain.\n\nB." == heard(events)
    assert RunFinished("length", "recursion_limit") == events[-1]


def test_hidden_words_are_heard_when_a_limit_ends_the_run() -> None:
    """They are the last ones, then."""
    model = AgentsModel(helper=[calls(ADD, text="Again.")], a=[says("Never.")])

    events = went(
        model,
        {
            "helper": {
                "tools": ["add"],
                "recursion_limit": 2,
                "hide_sequential_outputs": True,
                "edges": [direct("helper", "a")],
            },
            "a": {},
        },
    )

    assert "Again." == heard(events)


def test_an_agent_can_end_after_its_tools() -> None:
    """Its model does not read what they gave back; who follows it does."""
    model = AgentsModel(helper=[calls(ADD, text="I add.")], a=[calls(ADD)])
    ends = {"tools": ["add"], "end_after_tools": True}

    events = went(model, {"helper": {**ends, "edges": [direct("helper", "a")]}, "a": ends})

    assert ["helper", "a"] == model.order
    assert ["Hi", "helper:\nI add."] == told(model.asked("a")[0])
    assert RunFinished("stop") == events[-1]


def test_a_failure_of_one_ends_the_run() -> None:
    """Those beside it stop."""

    async def work() -> tuple[Sequence[Event], int]:
        waits = asyncio.Event()
        model = fanned(
            a=[[Text("a1 "), waits.wait, STOP]], b=[[ProviderRefused("busy", status=429)]]
        )
        async with team(model, fan()) as runtime:
            before = len(asyncio.all_tasks())
            events = await answer(runtime)
            await settled(before)
            return events, len(asyncio.all_tasks()) - before

    events, more = run(work)
    assert isinstance(events[-1], RunFailed)
    assert ("provider_refused", 429) == (events[-1].code, events[-1].status)
    assert 0 == more


def test_cancelling_ends_all_that_are_at_work() -> None:
    """No task goes on, and no model is listened to."""

    async def work() -> tuple[Any, int, int, int]:
        begun, waits = asyncio.Barrier(3), asyncio.Event()
        line: Sequence[Step] = [Text("I "), begun.wait, waits.wait, STOP]
        model = fanned(a=[line], b=[line])
        async with team(model, fan()) as runtime:
            before = len(asyncio.all_tasks())
            one = await start(runtime)
            await begun.wait()
            one.cancel("client_gone")
            events = await finished(one)
            await settled(before)
            closed = sum(each.closed for each in model.models.values())
            return end(events), before, len(asyncio.all_tasks()), closed

    ended, before, after, closed = run(work)
    assert "client_gone" == ended.reason
    assert (before, 3) == (after, closed)


# The caller's tools.


async def followed_up(runtime: Runtime, requests: int) -> list[Sequence[Event]]:
    """What a caller hears that asks, and comes back with the results of its tools."""
    messages: list[Message] = [UserMessage("Hi")]
    all_: list[Sequence[Event]] = []
    for _ in range(requests):
        all_.append(await answer(runtime, messages=list(messages), tools=[WEATHER]))
        transcript = Transcript()
        transcript.add(all_[-1])
        own = [call.message() for call in transcript.calls if call.started.owner == "caller"]
        messages.append(AssistantMessage(transcript.spoken or None, tool_calls=own))
        messages += [ToolMessage(call.id, "rain") for call in own]
    return all_


def test_the_caller_runs_its_tools_for_who_has_taken_over() -> None:
    """The follow-up request is answered by the agent that called, not by the one it names."""
    model = AgentsModel(
        helper=[transfers("expert", text="Ask him.")],
        expert=[calls("weather", text="I look."), calls("weather"), says("It rains.")],
    )

    async def work() -> list[Sequence[Event]]:
        agents = {"helper": {"edges": [edge("helper", "expert", prompt="what")]}, "expert": {}}
        async with team(model, agents) as runtime:
            return await followed_up(runtime, 3)

    first, second, third = run(work)
    assert ["helper", "expert", "expert", "expert"] == model.order
    assert ["lc_transfer_to_expert", "weather"] == offered(model.asked("helper")[0])
    assert RunFinished("tool_calls") == first[-1]
    assert [RunFinished("tool_calls"), RunFinished("stop")] == [second[-1], third[-1]]
    assert "It rains." == heard(third)
    assert [] == switches(third)
    last = model.asked("expert")[-1].messages
    assert ["Ask him.", "I look.", None] == [
        message.content for message in last if isinstance(message, AssistantMessage)
    ]
    assert ["rain", "rain"] == [m.content for m in last if isinstance(m, ToolMessage)]


def test_who_goes_on_with_results_can_hand_over_again() -> None:
    """And the next one's calls are continued with everything that came before."""
    model = AgentsModel(
        helper=[transfers("a", text="To A.")],
        a=[calls("weather", text="Looking."), transfers("b", text="To B.")],
        b=[calls("weather", text="Me too."), says("Done.")],
    )

    async def work() -> list[Sequence[Event]]:
        agents = {"helper": {"edges": [edge("helper", "a"), edge("a", "b")]}, "a": {}, "b": {}}
        async with team(model, agents) as runtime:
            return await followed_up(runtime, 3)

    *_, third = run(work)
    assert ["helper", "a", "a", "b", "b"] == model.order
    assert "Done." == heard(third)
    assert ["To A.", "Looking.", "To B.", "Me too."] == [
        message.content
        for message in model.asked("b")[-1].messages
        if isinstance(message, AssistantMessage)
    ]


def test_the_caller_comes_before_a_handover() -> None:
    """A model that does both is told to hand over once it has read what the caller has."""
    model = AgentsModel(
        helper=[calls("weather", "lc_transfer_to_expert"), transfers("expert")],
        expert=[calls("weather"), says("It rains.")],
    )

    async def work() -> list[Sequence[Event]]:
        agents = {"helper": {"edges": [edge("helper", "expert")]}, "expert": {}}
        async with team(model, agents) as runtime:
            return await followed_up(runtime, 3)

    first, _, third = run(work)
    refused = [event for event in first if isinstance(event, ToolCallFinished)]
    assert [("lc_transfer_to_expert", "error")] == [(e.name, e.status) for e in refused]
    assert "Not transferred" in refused[0].content
    assert ["helper", "helper", "expert", "expert"] == model.order
    assert "It rains." == heard(third)
    assert ["rain", "rain"] == [
        m.content for m in model.asked("expert")[-1].messages if isinstance(m, ToolMessage)
    ]


def test_agents_side_by_side_are_not_offered_the_callers_tools() -> None:
    """Their calls could not all wait; the one that follows them may have them."""
    model = fanned()

    went(model, fan(), tools=[WEATHER])

    assert [["weather"], [], [], ["weather"]] == [
        offered(model.asked(agent)[0]) for agent in ("helper", "a", "b", "writer")
    ]
