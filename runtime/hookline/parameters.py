"""What a request asks of the model, checked against the agent and its provider."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from hookline.agents import Agent
from hookline.context_window import PARAMETER as CONTEXT
from hookline.errors import InvalidRequest
from hookline.schemas import InvalidSchema, check_schema
from hookline.tools import ToolSpec
from hookline.wire.chat import (
    AssistantMessage,
    ChatCompletionRequest,
    JsonSchemaFormat,
    Message,
    NamedToolChoice,
    Sampling,
    ToolMessage,
)

NO_STREAM = "disableStreaming"
"""A parameter of the seed's agents (8.5): callers get JSON, asked for a stream or not."""

NOT_SENT = frozenset({NO_STREAM, CONTEXT})
"""Parameters of agents that are for Hookline, and that no upstream knows."""

TOKEN_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
_SAMPLING = Sampling.__struct_fields__
_NOT_SERVED = (
    "audio",
    "functions",
    "function_call",
    "prediction",
    "web_search_options",
    "moderation",
)


def check(request: ChatCompletionRequest) -> None:
    """Refuse what no agent can do.

    Raises:
        InvalidRequest: names the field.
    """
    if _given(request.n) and request.n != 1:
        _refuse("n", "n must be 1: an agent gives one answer")
    if request.store:
        _refuse("store", "store must be false or left out: completions are not stored")
    if request.modalities and list(request.modalities) != ["text"]:
        _refuse("modalities", 'modalities must be ["text"]: an agent answers with text')
    for name in _NOT_SERVED:
        if _given(getattr(request, name)):
            instead = "; use tools and tool_choice" if name.startswith("function") else ""
            _refuse(name, f"{name} is not supported{instead}", "unsupported_parameter")
    if request.stream_options and not request.stream:
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise InvalidRequest(text, param="stream_options")
    if request.stream_options and request.stream_options.include_obfuscation:
        _refuse("stream_options.include_obfuscation", "chunks are not padded; leave it out")
    if _given(request.top_logprobs) and not request.logprobs:
        text = "top_logprobs is only allowed when logprobs is true"
        raise InvalidRequest(text, param="top_logprobs")
    if isinstance(request.response_format, JsonSchemaFormat):
        schema = request.response_format.json_schema.schema
        _check_schema(schema or {}, "response_format.json_schema.schema")
    check_history(request.messages)


def check_history(messages: Sequence[Message]) -> None:
    """Refuse tool results without a call, and calls without a result.

    Raises:
        InvalidRequest: names the message.
    """
    waiting: dict[str, int] = {}
    for index, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            if waiting.pop(message.tool_call_id, None) is None:
                text = "a tool message must answer a tool call of the assistant message before it"
                raise InvalidRequest(text, param=f"messages[{index}].tool_call_id")
            continue
        if waiting:
            break
        if isinstance(message, AssistantMessage) and message.tool_calls:
            waiting = {call.id: index for call in message.tool_calls}
            if len(waiting) < len(message.tool_calls):
                text = "two tool calls of one message have the same id"
                raise InvalidRequest(text, param=f"messages[{index}].tool_calls")
    for id_, index in waiting.items():
        text = f"the tool call {id_} has no result: answer it with a tool message right after"
        raise InvalidRequest(text, param=f"messages[{index}].tool_calls")


def merge(
    agent: Agent, request: ChatCompletionRequest, honoured: Collection[str]
) -> Mapping[str, Any]:
    """The agent's parameters with the request's on top, as plain JSON values.

    Args:
        agent: its ``locked`` parameters may only be repeated, not changed.
        request: a field that is ``null`` or left out changes nothing.
        honoured: the names that the provider honours.

    Raises:
        InvalidRequest: names a field that is locked or not honoured.
    """
    merged = dict(agent.model_parameters)
    given: dict[str, Any] = {}
    for name in _SAMPLING:
        value = getattr(request, name)
        if not _given(value):
            continue
        if name == "response_format":
            value = msgspec.to_builtins(value)
        if name in agent.locked and value != merged.get(name):
            text = f"{name} is set by the agent {agent.id} and cannot be changed; leave it out"
            _refuse(name, text)
        if name not in honoured:
            text = f"{name} is not supported by the model behind the agent {agent.id}"
            _refuse(name, text, "unsupported_parameter")
        given[name] = value
    if given.keys() & TOKEN_LIMITS and not TOKEN_LIMITS & set(agent.locked):
        for name in TOKEN_LIMITS:
            merged.pop(name, None)
    for name in NOT_SENT:
        merged.pop(name, None)
    return merged | given


def caller_tools(request: ChatCompletionRequest, server: Collection[str]) -> Mapping[str, ToolSpec]:
    """The tools that the caller declares, by name.

    Raises:
        InvalidRequest: a bad schema, a name given twice, or one that belongs to the server.
    """
    tools: dict[str, ToolSpec] = {}
    for index, tool in enumerate(request.tools or ()):
        function, where = tool.function, f"tools[{index}].function"
        if function.name in server:
            text = f"the tool {function.name} belongs to the agent; choose another name"
            raise InvalidRequest(text, param=f"{where}.name")
        if function.name in tools:
            text = f"the tool {function.name} is declared twice"
            raise InvalidRequest(text, param=f"{where}.name")
        schema = function.parameters or {"type": "object", "properties": {}}
        _check_schema(schema, f"{where}.parameters")
        tools[function.name] = ToolSpec(
            function.name, function.description or "", schema, function.strict or None
        )
    _check_choice(request, tools.keys() | set(server))
    return tools


def _check_choice(request: ChatCompletionRequest, names: Collection[str]) -> None:
    choice = request.tool_choice
    if not isinstance(choice, NamedToolChoice) and choice != "required":
        return
    if not names:
        text = "'tool_choice' is only allowed when 'tools' are specified."
        raise InvalidRequest(text, param="tool_choice")
    if isinstance(choice, NamedToolChoice) and choice.function.name not in names:
        text = f"there is no tool named {choice.function.name}"
        raise InvalidRequest(text, param="tool_choice.function.name")


def _given(value: object) -> bool:
    return value is not UNSET and value is not None


def _check_schema(schema: Mapping[str, Any], param: str) -> None:
    try:
        check_schema(schema)
    except InvalidSchema as error:
        message = f"{param} is not a JSON schema of an object: {error}"
        raise InvalidRequest(message, param=param, reason="invalid_schema") from error


def _refuse(param: str, message: str, reason: str = "unsupported_value") -> None:
    raise InvalidRequest(message, param=param, reason=reason)
