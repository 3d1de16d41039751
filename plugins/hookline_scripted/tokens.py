r"""The tokenizer: exact, and simple enough to count by hand.

A token is the first of these that fits, taken from left to right:

1. up to 8 letters, digits or underscores, with one space before them if there is one;
2. up to 3 other characters that are not white space, with one space before them if there is one;
3. up to 8 characters of white space.

Joined, the tokens of a text are the text. As a regular expression:
``" ?\w{1,8}| ?[^\w\s]{1,3}|\s{1,8}"``.

A prompt costs 3 tokens, and for each message 4 and those of its text, its name, and the names and
arguments of its tool calls; an image, a sound or a file costs 85. Each tool costs those of its
definition as JSON. Reasoning of earlier turns costs nothing.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from hookline.tools import ToolSpec
from hookline.wire.chat import (
    AssistantMessage,
    Message,
    RefusalPart,
    TextPart,
    ToolMessage,
)

PER_PROMPT = 3
PER_MESSAGE = 4
PER_MEDIUM = 85
_TOKEN = re.compile(r" ?\w{1,8}| ?[^\w\s]{1,3}|\s{1,8}")


def tokens(text: str) -> list[str]:
    """The tokens of a text. Joined, they are the text."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))


def count_prompt(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """How many tokens a model reads before it answers."""
    of_messages = sum(PER_MESSAGE + _count_message(message) for message in messages)
    return PER_PROMPT + of_messages + sum(map(_count_tool, tools))


def _count_message(message: Message) -> int:
    total = _count_content(message)
    if isinstance(message, AssistantMessage):
        for call in message.tool_calls or ():
            total += count(call.function.name) + count(call.function.arguments)
        total += count(message.refusal or "")
    if isinstance(message, ToolMessage) or message.name in {None, UNSET}:
        return total
    return total + count(str(message.name))


def _count_content(message: Message) -> int:
    if message.content is None:
        return 0
    if isinstance(message.content, str):
        return count(message.content)
    total = 0
    for part in message.content:
        match part:
            case TextPart():
                total += count(part.text)
            case RefusalPart():
                total += count(part.refusal)
            case _:
                total += PER_MEDIUM
    return total


def _count_tool(spec: ToolSpec) -> int:
    definition = {
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
    }
    return count(msgspec.json.encode(definition).decode())
