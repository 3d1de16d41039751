"""Counting tokens: how many a prompt has, as far as that can be known without asking anybody."""

from collections.abc import Sequence
from typing import Protocol, cast

import attrs
import msgspec

from hookline.tools import ToolSpec
from hookline.usage import BYTES_PER_TOKEN
from hookline.wire.chat import (
    AssistantMessage,
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    RefusalPart,
    TextPart,
)

MESSAGE = 4
"""Tokens of a message besides its text: its role, and where it begins and ends."""

IMAGE = 1_000
"""Tokens of an image, a large one: OpenAI counts 765 to 1,105, Anthropic up to 1,600."""

FILE_BYTES = 32
"""Characters of a file's or a sound's base64 that stand for a token: much of them is no text."""

Part = TextPart | RefusalPart | ImagePart | AudioPart | FilePart
_encode = msgspec.json.Encoder().encode


@attrs.frozen
class TokenEstimate:
    """How many tokens a prompt has.

    Args:
        tokens: that many.
        approximate: whether the model may count others.
    """

    tokens: int
    approximate: bool


class TokenCounter(Protocol):
    """A model provider that can count as its models do.

    It counts without asking anybody: no network, no file that has to be fetched first. It is asked
    before every model call, so it is quick.
    """

    def count_tokens(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> TokenEstimate:
        """How many tokens the model reads, if it is given these messages and tools."""


def count_tokens(
    provider: object, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()
) -> TokenEstimate:
    """How many tokens a prompt has: as the provider counts them, else by its bytes."""
    if hasattr(provider, "count_tokens"):
        return cast("TokenCounter", provider).count_tokens(model, messages, tools)
    return TokenEstimate(estimated(messages) + estimated_tools(tools), approximate=True)


def estimated(messages: Sequence[Message]) -> int:
    """About how many tokens messages have; those of several are those of each together."""
    return sum(map(_message, messages))


def estimated_tools(tools: Sequence[ToolSpec]) -> int:
    """About how many tokens the definitions of tools have."""
    return sum(_tool(spec) for spec in tools)


def _message(message: Message) -> int:
    content = message.content
    tokens = MESSAGE
    tokens += _text(content) if isinstance(content, str) else sum(map(_part, content or ()))
    if isinstance(message, AssistantMessage) and message.tool_calls:
        for call in message.tool_calls:
            tokens += MESSAGE + _text(call.function.name) + _text(call.function.arguments)
    return tokens


def _part(part: Part) -> int:
    match part:
        case TextPart():
            return _text(part.text)
        case RefusalPart():
            return _text(part.refusal)
        case ImagePart():
            return IMAGE
        case AudioPart():
            return -(-len(part.input_audio.data) // FILE_BYTES)
        case FilePart():
            return max(IMAGE, -(-len(part.file.file_data or "") // FILE_BYTES))


def _tool(spec: ToolSpec) -> int:
    schema = len(_encode(spec.parameters)) // BYTES_PER_TOKEN
    return MESSAGE + _text(spec.name) + _text(spec.description) + schema


def _text(text: str) -> int:
    size = len(text) if text.isascii() else len(text.encode())
    return -(-size // BYTES_PER_TOKEN)
