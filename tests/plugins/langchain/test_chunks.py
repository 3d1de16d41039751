"""LangChain's chunks, in the shapes of its integrations, as pieces of an answer."""

import asyncio
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata

from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import TokenCounts
from hookline_langchain.chunks import Answer


def read(*chunks: AIMessage) -> list[Any]:
    answer = Answer()
    deltas: list[Any] = [delta for chunk in chunks for delta in answer.read(chunk)]
    return [*deltas, answer.finished()]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("plain", [Text("plain")]),
        ("", []),
        ({"type": "text", "text": "Hi", "index": 0}, [Text("Hi")]),
        ({"type": "text", "text": ""}, []),
        ({"type": "thinking", "thinking": "Hm", "signature": "s"}, [Reasoning("Hm")]),
        ({"type": "reasoning", "reasoning": "Hm"}, [Reasoning("Hm")]),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
            [Reasoning("Hm")],
        ),
        ({"type": "reasoning_content", "reasoning_content": {"text": "Hm"}}, [Reasoning("Hm")]),
        ({"type": "refusal", "refusal": "No"}, [Refusal("No")]),
        ({"type": "tool_use", "id": "a", "name": "weather", "input": {}}, []),
    ],
)
def test_content_blocks_are_told_apart(block: Any, expected: list[Any]) -> None:
    """A content block is text, reasoning or a refusal, whoever's shape it has."""
    assert [*expected, ModelFinished("stop")] == read(AIMessageChunk(content=[block]))


def test_reasoning_and_refusals_beside_the_content_are_found() -> None:
    """What integrations put into ``additional_kwargs`` comes before the text."""
    chunk = AIMessageChunk(
        content="Hi", additional_kwargs={"reasoning_content": "Hm", "refusal": "No"}
    )

    assert [Reasoning("Hm"), Refusal("No"), Text("Hi"), ModelFinished("stop")] == read(chunk)


def test_usage_adds_up_over_the_chunks() -> None:
    """Counts of several chunks are summed, as Anthropic's are meant."""
    first = UsageMetadata(
        input_tokens=100,
        output_tokens=0,
        total_tokens=100,
        input_token_details=InputTokenDetails(cache_read=60, cache_creation=30, audio=2),
    )
    last = UsageMetadata(
        input_tokens=0,
        output_tokens=7,
        total_tokens=7,
        output_token_details={"reasoning": 3, "audio": 1},
    )

    deltas = read(
        AIMessageChunk(content="", usage_metadata=first),
        AIMessageChunk(content="", usage_metadata=last),
    )

    whole = TokenCounts(
        input=100,
        output=7,
        cache_read=60,
        cache_write=30,
        reasoning=3,
        audio_input=2,
        audio_output=1,
    )
    assert [ModelUsage(whole), ModelFinished("stop")] == deltas[1:]


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"finish_reason": "stop"}, "stop"),
        ({"stop_reason": "end_turn"}, "stop"),
        ({"stop_reason": "stop_sequence"}, "stop"),
        ({"stop_reason": "max_tokens"}, "length"),
        ({"finish_reason": "MAX_TOKENS"}, "length"),
        ({"done_reason": "length"}, "length"),
        ({"stop_reason": "tool_use"}, "tool_calls"),
        ({"stopReason": "guardrail_intervened"}, "content_filter"),
        ({"finish_reason": "SAFETY"}, "content_filter"),
        ({"stop_reason": "refusal"}, "content_filter"),
        ({"finish_reason": "pondering"}, "pondering"),
        ({"finish_reason": 3}, "stop"),
        ({}, "stop"),
    ],
)
def test_reasons_are_openais(metadata: dict[str, Any], reason: str) -> None:
    """Why an answer ended is said in OpenAI's words; a word that is not known is kept."""
    chunk = AIMessageChunk(content="", response_metadata=metadata)

    assert [ModelFinished(reason)] == read(chunk)


def test_a_call_of_a_model_that_does_not_stream_is_whole() -> None:
    """A whole message gives whole calls, and those that cannot be read as they were written."""
    message = AIMessage(
        "",
        tool_calls=[{"name": "weather", "args": {"city": "Oslo"}, "id": "a"}],
        invalid_tool_calls=[{"name": "weather", "args": "no", "id": "b", "error": None}],
    )

    assert [
        ToolCallPiece(None, "a", "weather", '{"city":"Oslo"}'),
        ToolCallPiece(None, "b", "weather", "no"),
        ModelFinished("tool_calls"),
    ] == read(message)


def test_a_fake_model_streams_its_text() -> None:
    """What LangChain's own fake model streams arrives whole."""

    async def run() -> list[AIMessageChunk]:
        model = GenericFakeChatModel(messages=iter([AIMessage("Hello to you")]))
        return [chunk async for chunk in model.astream("Hi")]

    deltas = read(*asyncio.run(run()))

    assert "Hello to you" == "".join(delta.text for delta in deltas if isinstance(delta, Text))
