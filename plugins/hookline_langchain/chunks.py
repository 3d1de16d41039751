"""What a model answers: LangChain's chunks as pieces of an answer."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata, add_usage

from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ModelDelta, ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage_blocks import Cached, of_langchain
from hookline.wire import Logprobs

_FINISHED = {
    "stop": ("end_turn", "eos", "stop", "stop_sequence"),
    "length": ("length", "max_tokens", "model_length"),
    "tool_calls": ("function_call", "tool_calls", "tool_use"),
    "content_filter": (
        "blocklist",
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "prohibited_content",
        "recitation",
        "refusal",
        "safety",
        "spii",
    ),
}
FINISH_REASONS = {word: reason for reason, words in _FINISHED.items() for word in words}
"""The words of Anthropic, Google, Bedrock, Mistral and others, in lower case, and OpenAI's."""

_REASON_KEYS = ("finish_reason", "stop_reason", "stopReason", "done_reason")


class Answer:
    """Reads the chunks of one answer, in order.

    Args:
        cached: whether the input that the model reports includes cached tokens.
    """

    def __init__(self, cached: Cached = "included") -> None:
        self._cached = cached
        self._usage: UsageMetadata | None = None
        self._reason: str | None = None
        self._called = False

    def read(self, chunk: AIMessage) -> Iterator[ModelDelta]:
        """The pieces in a chunk. A model that does not stream gives a whole message instead."""
        yield from _thought(chunk.additional_kwargs)
        if isinstance(chunk.content, str):
            if chunk.content:
                yield Text(chunk.content, _logprobs(chunk.response_metadata))
        else:
            for block in chunk.content:
                yield from _block(block)
        for piece in _calls(chunk):
            self._called = True
            yield piece
        if chunk.usage_metadata:
            # The chunks of an answer add up: Anthropic counts input first and output last.
            self._usage = add_usage(self._usage, chunk.usage_metadata)
            yield ModelUsage(of_langchain(self._usage, self._cached))
        self._reason = _reason(chunk.response_metadata) or self._reason

    def finished(self) -> ModelFinished:
        """Why it ended, once all chunks are read; not every model says so."""
        return ModelFinished(self._reason or ("tool_calls" if self._called else "stop"))


def _thought(extra: Mapping[str, Any]) -> Iterator[ModelDelta]:
    thought = extra.get("reasoning_content")
    if isinstance(thought, str) and thought:
        yield Reasoning(thought)
    refusal = extra.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield Refusal(refusal)


def _block(block: str | dict[Any, Any]) -> Iterator[ModelDelta]:
    """The pieces in a content block, in the shapes of LangChain itself and of its integrations."""
    if isinstance(block, str):
        if block:
            yield Text(block)
        return
    match block:
        case {"type": "text", "text": str(text)} if text:
            yield Text(text)
        case {"type": "thinking", "thinking": str(text)} if text:
            yield Reasoning(text)
        case {"type": "reasoning", "reasoning": str(text)} if text:
            yield Reasoning(text)
        case {"type": "reasoning", "summary": list(parts)}:
            yield from (Reasoning(part["text"]) for part in parts if part.get("text"))
        case {"type": "reasoning_content", "reasoning_content": {"text": str(text)}} if text:
            yield Reasoning(text)
        case {"type": "refusal", "refusal": str(text)} if text:
            yield Refusal(text)


def _calls(chunk: AIMessage) -> Iterator[ToolCallPiece]:
    if isinstance(chunk, AIMessageChunk) and chunk.tool_call_chunks:
        for piece in chunk.tool_call_chunks:
            index = piece.get("index")
            yield ToolCallPiece(
                index=index if isinstance(index, int) else None,
                id=piece.get("id"),
                name=piece.get("name"),
                arguments=piece.get("args") or "",
            )
        return
    for call in chunk.tool_calls:
        text = msgspec.json.encode(call["args"]).decode()
        yield ToolCallPiece(id=call["id"], name=call["name"], arguments=text)
    for broken in chunk.invalid_tool_calls:
        yield ToolCallPiece(id=broken["id"], name=broken["name"], arguments=broken["args"] or "")


def _reason(metadata: Mapping[str, Any]) -> str | None:
    word = next((metadata[key] for key in _REASON_KEYS if metadata.get(key)), None)
    if not isinstance(word, str):
        return None
    return FINISH_REASONS.get(word.lower(), word)


def _logprobs(metadata: Mapping[str, Any]) -> Logprobs | None:
    found = metadata.get("logprobs")
    return msgspec.convert(found, Logprobs | None) if isinstance(found, dict) else None
