"""The tool that finds tools."""

import msgspec
import pytest

from hookline.schemas import InvalidArguments, check_arguments
from hookline.tool_search import DISCOVER, TOOL_SEARCH, discovered, search
from hookline.tools import ToolSpec
from hookline.wire.chat import (
    AssistantMessage,
    FunctionCall,
    Message,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)

MAIL = ToolSpec("send_mail", "Send a message to somebody.")
INVOICE = ToolSpec(
    "createInvoice",
    "Write a bill.",
    {"type": "object", "properties": {"customer": {"description": "Who pays."}, "sum": True}},
)
WEATHER = ToolSpec("forecast_mcp_meteo", "Tell the weather of the next days.")
REGISTRY = [MAIL, INVOICE, WEATHER]


def conversation(content: str | list[TextPart] | None, name: str = TOOL_SEARCH) -> list[Message]:
    call = ToolCall(id="call_1", function=FunctionCall(name, "{}"))
    return [
        UserMessage("Find a tool"),
        AssistantMessage(tool_calls=[call]),
        ToolMessage("call_1", content),
        AssistantMessage("There is one."),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("mail", ["send_mail"]),
        ("create invoices", ["createInvoice"]),
        ("createinvoice", ["createInvoice"]),
        ("who pays", ["createInvoice"]),
        ("customer", ["createInvoice"]),
        ("meteo", ["forecast_mcp_meteo"]),
        ("weather message", ["send_mail", "forecast_mcp_meteo"]),
        ("telephone", []),
    ],
)
def test_search(query: str, expected: list[str]):
    """A tool is found by words of its name, its description and its parameters."""
    assert expected == [found.name for found in search(REGISTRY, query).hits]


def test_limit():
    """No more tools are named than were asked for, at most ten."""
    many = [ToolSpec(f"tool_{n}", "Does something.") for n in range(30)]

    assert (2, 10) == (len(search(many, "something", 2).hits), len(search(many, "something").hits))


def test_text():
    """The text of a search is JSON with names, scores and descriptions."""
    assert {
        "tools": [{"name": "send_mail", "score": 1.0, "description": "Send a message to somebody."}]
    } == msgspec.json.decode(search(REGISTRY, "send mail").text)


def test_nothing_found():
    """A search without success names no tool."""
    assert '{"tools":[]}' == search(REGISTRY, "telephone").text


@pytest.mark.parametrize(
    "arguments", [{}, {"query": ""}, {"query": "x", "limit": 0}, {"query": "x", "limit": 11}]
)
def test_arguments(arguments: dict[str, object]):
    """The schema refuses what the tool cannot work with."""
    with pytest.raises(InvalidArguments):
        check_arguments(DISCOVER.parameters, arguments)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (search(REGISTRY, "mail weather").text, {"send_mail", "forecast_mcp_meteo"}),
        ([TextPart(search(REGISTRY, "mail").text)], {"send_mail"}),
        ("Found:\n- send_mail (score: 0.91)\n- forecast_mcp_meteo (score: 0.2)", {
            "send_mail", "forecast_mcp_meteo",
        }),
        ('{"tools":[]}', set()),
        ('{"tools":[{"title":"send_mail"}]}', set()),
        ("Error: no such tool", set()),
        ("[" * 10_000, set()),
        (None, set()),
    ],
)  # fmt: skip
def test_discovered(content: str | list[TextPart] | None, expected: set[str]):
    """What an earlier search found is known again, be its result JSON or lines."""
    assert expected == discovered(conversation(content))


def test_other_tools_discover_nothing():
    """The results of other tools are not taken for what a search found."""
    found = search(REGISTRY, "mail").text

    assert set() == discovered(conversation(found, name="web_fetch"))
    assert set() == discovered([ToolMessage("call_1", found)])
