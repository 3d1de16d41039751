"""The documented tokenizer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.tools import ToolSpec
from hookline.wire.chat import (
    AssistantMessage,
    FunctionCall,
    ImagePart,
    ImageUrl,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from hookline_scripted.tokens import count, count_prompt, tokens


@given(st.text())
def test_tokens_joined_are_the_text(text: str):
    """No character is lost, added or moved, and the count is the number of tokens."""
    assert text == "".join(tokens(text))
    assert count(text) == len(tokens(text))


@given(st.text(), st.integers(0, 50))
def test_first_tokens_have_as_many_tokens(text: str, limit: int):
    """A text cut after a number of tokens has that number of tokens."""
    assert min(limit, count(text)) == count("".join(tokens(text)[:limit]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello world", ["Hello", " world"]),
        ("calculator", ["calculat", "or"]),
        ("17 * 23?", ["17", " *", " 23", "?"]),
        ("a  b\n\nc", ["a", "  ", "b", "\n\n", "c"]),
        ('{"a":1}', ['{"', "a", '":', "1", "}"]),
    ],
)
def test_documented_rules(text: str, expected: list[str]):
    """Words take one space with them, signs come in threes, white space in eights."""
    assert expected == tokens(text)


def test_prompt_counts_messages_and_tools():
    """A prompt costs 3, a message 4 and what it says, a picture 85, a tool its definition."""
    call = ToolCall(id="c", function=FunctionCall("add", "{}"))
    messages = [
        SystemMessage("be kind"),
        UserMessage([TextPart("look"), ImagePart(ImageUrl("https://example.com/a.png"))], "bob"),
        AssistantMessage(None, tool_calls=[call], reasoning="not counted"),
        ToolMessage("c", "3"),
    ]
    tool = ToolSpec("add", "Add.", {})
    definition = '{"name":"add","description":"Add.","parameters":{}}'

    expected = 3 + (4 + 2) + (4 + 1 + 85 + 1) + (4 + 2) + (4 + 1) + count(definition)

    assert expected == count_prompt(messages, [tool])
