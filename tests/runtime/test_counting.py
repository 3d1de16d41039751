"""Counting tokens offline."""

import base64
from typing import Any

import pytest

from hookline.counting import IMAGE, TokenEstimate, count_tokens, estimated, estimated_tools
from hookline.tools import ToolSpec
from hookline.wire.chat import (
    AssistantMessage,
    AudioPart,
    FileData,
    FilePart,
    FunctionCall,
    ImagePart,
    ImageUrl,
    InputAudio,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hookline_scripted.provider import ScriptedModel
from hookline_scripted.tokens import count_prompt

CALL = ToolCall(id="call_1", function=FunctionCall("add", '{"a":1}'))
BYTES = base64.b64encode(b"x" * 1_000_000).decode()


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        (UserMessage(""), 4),
        (UserMessage(None), 4),
        (UserMessage("abcd"), 5),
        (UserMessage("abcde"), 6),
        (UserMessage("日本"), 4 + 2),
        (SystemMessage([TextPart("abcd"), TextPart("abcd")]), 4 + 2),
        (AssistantMessage(content=[RefusalPart("no")]), 4 + 1),
        (AssistantMessage(tool_calls=[CALL]), 4 + 4 + 1 + 2),
        (ToolMessage("call_1", "abcd"), 5),
    ],
)
def test_four_bytes_are_a_token(message: Message, tokens: int) -> None:
    """Text by its bytes, and four tokens for each message and each call."""
    assert tokens == estimated([message])


@pytest.mark.parametrize(
    ("part", "least", "most"),
    [
        (ImagePart(ImageUrl(f"data:image/png;base64,{BYTES}")), IMAGE, IMAGE),
        (ImagePart(ImageUrl("https://example.com/a.png")), IMAGE, IMAGE),
        (FilePart(FileData(file_id="file-1")), IMAGE, IMAGE),
        (FilePart(FileData(file_data=BYTES)), 20_000, 60_000),
        (AudioPart(InputAudio(BYTES, "wav")), 20_000, 60_000),
    ],
)
def test_media_are_no_text(part: Any, least: int, most: int) -> None:
    """What a picture has does not depend on its bytes, and that of files and sounds hardly."""
    assert least <= estimated([UserMessage([part])]) - 4 <= most


def test_messages_add_up() -> None:
    """Several messages have the tokens of each of them together, so that some can be taken off."""
    messages = [SystemMessage("Be brief."), UserMessage("Hi"), AssistantMessage("Hello")]

    assert estimated(messages) == sum(estimated([message]) for message in messages)


def test_tools_are_counted() -> None:
    """A tool costs what its name, its description and its schema have."""
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    small, large = ToolSpec("add"), ToolSpec("add", "Adds two numbers up.", schema)

    assert 0 < estimated_tools([small]) < estimated_tools([large])


def test_an_estimate_says_that_it_is_one() -> None:
    """Without a counter of the provider's, the number is approximate."""
    found = count_tokens(object(), "m", [UserMessage("abcd")], [ToolSpec("add")])

    expected = estimated([UserMessage("abcd")]) + estimated_tools([ToolSpec("add")])
    assert found == TokenEstimate(expected, approximate=True)


def test_a_provider_counts_as_its_models_do() -> None:
    """A provider with a counter is asked, and what it says is exact."""
    messages, tools = [UserMessage("one two three")], [ToolSpec("add")]

    found = count_tokens(ScriptedModel(), "m", messages, tools)

    assert found == TokenEstimate(count_prompt(messages, tools), approximate=False)
