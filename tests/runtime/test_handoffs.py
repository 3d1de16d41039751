"""Handoffs: one agent hands the conversation over to another by calling a tool."""

import pytest

from hookline.agents import Agent, Edge
from hookline.calls import Call
from hookline.handoffs import (
    answer,
    handoff,
    introduction,
    taken_over,
    tool_name,
    without_transfers,
)
from hookline.schemas import check_schema
from hookline.wire.chat import (
    AssistantMessage,
    FunctionCall,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)

EXPERT = Agent(id="expert", provider="p", model="m", name="The Expert", description="Knows a lot.")
PLAIN = Agent(id="plain", provider="p", model="m")


def _edge(**fields: object) -> Edge:
    return Edge(from_=["helper"], to=["expert"], **fields)  # type: ignore[arg-type]


def _called(arguments: str) -> Call:
    return Call(index=0, owner="server", name="f", id="a", public_id="b", arguments=[arguments])


def _call(id_: str, name: str) -> ToolCall:
    return ToolCall(id=id_, function=FunctionCall(name, "{}"))


def test_the_tool_says_whom_it_hands_over_to() -> None:
    """By name and description, unless the edge says something else."""
    described = [
        handoff(_edge(), EXPERT).spec.description,
        handoff(_edge(), PLAIN).spec.description,
        handoff(_edge(description="For hard questions"), EXPERT).spec.description,
    ]

    assert [
        "Hand the conversation over to The Expert: Knows a lot.",
        "Hand the conversation over to plain",
        "For hard questions",
    ] == described


@pytest.mark.parametrize(
    ("edge", "parameters"),
    [
        (_edge(), {"type": "object", "properties": {}}),
        (_edge(prompt_key="task"), {"type": "object", "properties": {}}),
        (
            _edge(prompt="What to do"),
            {
                "type": "object",
                "properties": {"instructions": {"type": "string", "description": "What to do"}},
            },
        ),
        (
            _edge(prompt="What to do", prompt_key="task"),
            {
                "type": "object",
                "properties": {"task": {"type": "string", "description": "What to do"}},
            },
        ),
    ],
)
def test_the_tool_takes_what_the_edge_asks_for(edge: Edge, parameters: object) -> None:
    """One optional text, if the edge has a prompt."""
    spec = handoff(edge, EXPERT).spec
    check_schema(spec.parameters)

    assert ("lc_transfer_to_expert", parameters) == (spec.name, spec.parameters)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"task": "be nice"}', "be nice"),
        ('{"instructions": "be nice"}', ""),
        ('{"task": 7}', ""),
        ('{"task": null}', ""),
        ("{}", ""),
        ("", ""),
        ("{broken", ""),
        ("[1]", ""),
        ('{"task": "\\ud800"}', ""),
        ("[" * 100_000, ""),
        ('{"task":' * 100_000, ""),
    ],
)
def test_what_is_told_is_text_or_nothing(arguments: str, told: str) -> None:
    """Arguments that say nothing useful do not keep a model from handing over."""
    way = handoff(_edge(prompt="What to do", prompt_key="task"), EXPERT)

    assert told == way.told(_called(arguments))


def test_an_edge_without_a_prompt_tells_nothing() -> None:
    """Whatever the model says."""
    assert "" == handoff(_edge(), EXPERT).told(_called('{"instructions": "be nice"}'))


def test_the_model_reads_that_it_has_handed_over() -> None:
    """And what it told, under its key with a capital."""
    way = handoff(_edge(prompt="What to do"), EXPERT)

    assert "Successfully transferred to plain" == answer(way, PLAIN, "")
    assert "Successfully transferred to The Expert\n\nInstructions: be nice" == answer(
        way, EXPERT, "be nice"
    )


def test_ids_that_are_no_names_of_tools_get_one() -> None:
    """Different ids get different names, of the letters and the length that OpenAI allows."""
    ids = ["team/echo:1", "team_echo_1", "team-echo:1", "é", "x" * 49, "x" * 50, "x" * 50 + "y"]

    names = [tool_name("lc_transfer_to_", id_) for id_ in ids]

    assert len(set(ids)) == len(set(names))
    assert "lc_transfer_to_team_echo_1" == names[1]
    assert "lc_transfer_to_" + "x" * 49 == names[4]
    assert all(len(name) <= 64 and name.replace("-", "_").isidentifier() for name in names)
    assert all(name.isascii() for name in names)


def test_the_calls_that_hand_over_are_taken_out() -> None:
    """With their results; a message that has nothing else goes, other calls stay."""
    messages: list[Message] = [
        UserMessage("Hi"),
        AssistantMessage("Over.", tool_calls=[_call("1", "go"), _call("2", "add")]),
        ToolMessage("1", "Successfully transferred"),
        ToolMessage("2", "3"),
        AssistantMessage(None, tool_calls=[_call("3", "go")]),
        ToolMessage("3", "Successfully transferred"),
        AssistantMessage("Bye.", tool_calls=[_call("4", "go")]),
        ToolMessage("4", "Successfully transferred"),
    ]

    assert [
        UserMessage("Hi"),
        AssistantMessage("Over.", tool_calls=[_call("2", "add")]),
        ToolMessage("2", "3"),
        AssistantMessage("Bye."),
    ] == without_transfers(messages, {"go"})


def test_who_takes_over_is_told_by_whom_and_beside_whom() -> None:
    """At the end of its instructions, or as its only ones."""
    note = introduction(EXPERT, [PLAIN, EXPERT])
    alone = introduction(PLAIN, [])
    text = "The Expert has handed this conversation over to you. At work beside you: "

    assert text + "plain, The Expert." == note.content
    assert "plain has handed this conversation over to you." == alone.content
    assert [alone] == taken_over([], alone)
    assert [SystemMessage(f"Be kind.\n\n{alone.content}")] == taken_over(
        [SystemMessage("Be kind.")], alone
    )
