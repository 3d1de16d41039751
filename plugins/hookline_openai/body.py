"""The body of a request: what is sent to ``/chat/completions``."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from hookline.providers import ModelRequest
from hookline.tools import ToolSpec
from hookline.wire.chat import (
    AssistantMessage,
    DeveloperMessage,
    Message,
    Sampling,
    SystemMessage,
    ToolMessage,
)
from hookline_openai.settings import OpenAISettings

PARAMETERS = frozenset(Sampling.__struct_fields__) | {"metadata"}
"""The fields of a request that an OpenAI-compatible upstream may honour."""

OURS = frozenset({"model", "messages", "stream", "stream_options", "tools"})
NEED_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})
LIMITS = ("max_completion_tokens", "max_tokens")
_encode = msgspec.json.Encoder().encode


def encode(request: ModelRequest, settings: OpenAISettings) -> bytes:
    """The request as JSON, in the way this upstream wants it."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message, settings) for message in request.messages],
        "stream": True,
    }
    if settings.include_usage:
        body["stream_options"] = {"include_usage": True}
    refused = OURS
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
            refused |= {"tool_choice"}
    else:
        refused |= NEED_TOOLS  # OpenAI answers 400 to them where there are no tools
    parameters = _limited(request.parameters, settings)
    body.update((k, v) for k, v in parameters.items() if k not in refused and v is not None)
    return _encode(body)


def _limited(parameters: Mapping[str, Any], settings: OpenAISettings) -> Mapping[str, Any]:
    """The parameters with the limit of tokens under the name that the upstream knows."""
    if settings.max_tokens_field == "as_sent":
        return parameters
    limits = [parameters[name] for name in LIMITS if parameters.get(name) is not None]
    rest = {name: value for name, value in parameters.items() if name not in LIMITS}
    return {**rest, settings.max_tokens_field: limits[0]} if limits else rest


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": spec.name, "parameters": dict(spec.parameters)}
    if spec.description:
        function["description"] = spec.description
    if spec.strict is not None:
        function["strict"] = spec.strict
    return {"type": "function", "function": function}


def _message(message: Message, settings: OpenAISettings) -> Message:
    """The message as upstreams take it: they are stricter about null than OpenAI's schema."""
    if isinstance(message, AssistantMessage):
        return _assistant(message, settings.replay_reasoning)
    content = "" if message.content is None else message.content
    if isinstance(message, ToolMessage):
        return message if message.content is not None else ToolMessage(message.tool_call_id, "")
    name = message.name or UNSET
    if isinstance(message, DeveloperMessage) and settings.developer_role == "system":
        return SystemMessage(message.content or "", name)
    if content is message.content and name is message.name:
        return message
    return msgspec.structs.replace(message, content=content, name=name)


def _assistant(message: AssistantMessage, replay: str) -> AssistantMessage:
    thought: str | UnsetType = message.reasoning or message.reasoning_content or UNSET
    return AssistantMessage(
        content=message.content,
        name=message.name or UNSET,
        refusal=message.refusal or UNSET,
        tool_calls=message.tool_calls or UNSET,
        reasoning=thought if replay == "reasoning" else UNSET,
        reasoning_content=thought if replay == "reasoning_content" else UNSET,
    )
