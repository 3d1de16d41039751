"""OpenAI's messages and tools as LangChain's."""

import pytest

from hookline import ToolSpec, wire
from hookline_langchain.messages import converted, tool_schema


def test_an_earlier_refusal_is_text() -> None:
    """What the model said instead of an answer stays in the conversation."""
    part = wire.AssistantMessage([wire.TextPart("Well,"), wire.RefusalPart("no.")])

    content = [{"type": "text", "text": "Well,"}, {"type": "text", "text": "no."}]
    assert content == converted(part).content
    assert "no." == converted(wire.AssistantMessage(None, refusal="no.")).content


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_earlier_reasoning_is_kept(field: str) -> None:
    """Reasoning goes where LangChain's integrations look for it."""
    message = converted(wire.AssistantMessage("Hi", **{field: "Hm"}))

    assert {"reasoning_content": "Hm"} == message.additional_kwargs


def test_names_are_kept() -> None:
    """Who spoke is kept; nobody is nobody."""
    assert "ann" == converted(wire.UserMessage("Hi", name="ann")).name
    assert converted(wire.UserMessage("Hi")).name is None


def test_a_strict_tool_stays_strict() -> None:
    """``strict`` is sent when the tool says something about it."""
    assert tool_schema(ToolSpec("a", strict=True))["function"]["strict"] is True
    assert "strict" not in tool_schema(ToolSpec("a"))["function"]
