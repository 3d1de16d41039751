"""What the model reads of a conversation: the last user message, and what happened since."""

from collections.abc import Iterable, Sequence

import attrs

from hookline.wire.chat import (
    AssistantMessage,
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    RefusalPart,
    TextPart,
    ToolMessage,
    UserMessage,
    UserPart,
)


@attrs.frozen
class Answered:
    """A tool call that has a result."""

    tool: str
    content: str


@attrs.frozen
class Conversation:
    """A conversation, from its last user message on.

    Args:
        text: what the user said; an image, a sound or a file is mentioned in brackets.
        turn: which model call since then this is, counted from 1.
        answered: the tool calls since then that have a result, in the order of the results.
    """

    text: str
    turn: int = 1
    answered: Sequence[Answered] = ()


def read(messages: Sequence[Message]) -> Conversation:
    """Read a conversation."""
    last = next(
        (i for i in reversed(range(len(messages))) if isinstance(messages[i], UserMessage)), -1
    )
    since = messages[last + 1 :]
    replies = [message for message in since if isinstance(message, AssistantMessage)]
    names = {call.id: call.function.name for reply in replies for call in reply.tool_calls or ()}
    answered = [
        Answered(names.get(message.tool_call_id, ""), _text(message.content))
        for message in since
        if isinstance(message, ToolMessage)
    ]
    text = _text(messages[last].content) if last >= 0 else ""
    return Conversation(text, len(replies) + 1, answered)


def _text(content: str | Iterable[UserPart | RefusalPart] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(map(_part, content))


def _part(part: UserPart | RefusalPart) -> str:
    match part:
        case TextPart():
            return part.text
        case RefusalPart():
            return part.refusal
        case ImagePart():
            return "[image]"
        case AudioPart():
            return "[audio]"
        case FilePart():
            return f"[file: {part.file.filename}]" if part.file.filename else "[file]"
