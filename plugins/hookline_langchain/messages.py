"""What a model is sent: OpenAI's messages and tools as LangChain's.

Parts of a user's message stay in OpenAI's shape, which every chat model of LangChain takes.
"""

from collections.abc import Sequence
from typing import Any, assert_never

import msgspec
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from msgspec import Struct

from hookline import ToolSpec, wire

DEVELOPER = {"__openai_role__": "developer"}
"""How LangChain marks a system message that OpenAI is to get as a developer's."""


def converted(message: wire.Message) -> BaseMessage:
    """The message as LangChain's."""
    match message:
        case wire.SystemMessage():
            return SystemMessage(_content(message.content), name=message.name or None)
        case wire.DeveloperMessage():
            return SystemMessage(
                _content(message.content), name=message.name or None, additional_kwargs=DEVELOPER
            )
        case wire.UserMessage():
            return HumanMessage(_content(message.content), name=message.name or None)
        case wire.AssistantMessage():
            return _assistant(message)
        case wire.ToolMessage():
            return ToolMessage(_content(message.content), tool_call_id=message.tool_call_id)
        case _:
            assert_never(message)


def tool_schema(spec: ToolSpec) -> dict[str, Any]:
    """A tool in OpenAI's shape, which every chat model of LangChain takes."""
    function: dict[str, Any] = {
        "name": spec.name,
        "description": spec.description,
        "parameters": dict(spec.parameters),
    }
    if spec.strict is not None:
        function["strict"] = spec.strict
    return {"type": "function", "function": function}


def tool_choice(choice: wire.ToolChoice) -> str:
    """The choice in LangChain's words, which are the same for every model."""
    if isinstance(choice, wire.NamedToolChoice):
        return choice.function.name
    return "any" if choice == "required" else choice


def _content(content: str | Sequence[Struct] | None) -> Any:
    if content is None or isinstance(content, str):
        return content or ""
    return [_part(part) for part in content]


def _part(part: Struct) -> Any:
    if isinstance(part, wire.RefusalPart):
        return {"type": "text", "text": part.refusal}
    return msgspec.to_builtins(part)


def _assistant(message: wire.AssistantMessage) -> AIMessage:
    calls: list[ToolCall] = []
    unreadable: list[InvalidToolCall] = []
    for call in message.tool_calls or ():
        arguments = _arguments(call.function.arguments)
        if arguments is None:
            unreadable.append(_unreadable(call))
            continue
        calls.append(ToolCall(name=call.function.name, args=arguments, id=call.id))
    thought = message.reasoning or message.reasoning_content
    return AIMessage(
        _content(message.content or message.refusal or None),
        name=message.name or None,
        tool_calls=calls,
        invalid_tool_calls=unreadable,
        additional_kwargs={"reasoning_content": thought} if thought else {},
    )


def _arguments(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return None


def _unreadable(call: wire.ToolCall) -> InvalidToolCall:
    return InvalidToolCall(
        type="invalid_tool_call",
        name=call.function.name,
        args=call.function.arguments,
        id=call.id,
        error="the arguments are not a JSON object",
    )
