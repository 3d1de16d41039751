"""What the model says: the first of the script's steps that has something to say.

1. A rule of the agent's that applies.
2. A ``tool_choice`` that forces a call: the named tool; for ``required`` those of step 3, or else
   the first tool. Forced is forced: whether the tool has answered before does not matter.
3. The tools that the last user message mentions and that have not answered since, in one turn in
   the order of mention, or one by one if ``parallel_tool_calls`` is false. None if ``tool_choice``
   is ``none``.
4. After tool results, a text that contains them. With a JSON ``response_format`` it is JSON that
   contains them where the schema has a place for them.
5. ``response_format``: the smallest instance of its schema, or ``{}``.
6. An echo of the last user message.

With ``reasoning_effort``, reasoning comes first: the more effort, the more sentences.
"""

import hashlib
from collections.abc import Sequence
from itertools import product
from typing import Any

import attrs
import msgspec

from hookline.errors import ProviderRefused
from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ModelRequest, ToolCallPiece
from hookline.schemas import InvalidArguments, InvalidSchema, check_arguments
from hookline.tools import ToolSpec
from hookline.wire.chat import JsonObjectFormat, JsonSchemaFormat, NamedToolChoice, Sampling
from hookline_scripted.answer import Answer, Call, Part, Words
from hookline_scripted.arguments import arguments
from hookline_scripted.conversation import Conversation
from hookline_scripted.instances import NoInstance, Schema, follows, smallest
from hookline_scripted.mentions import READ_LIMIT, mentioned
from hookline_scripted.settings import (
    CallPiece,
    Piece,
    ReasoningPiece,
    RefusalPiece,
    Rule,
    RuleCall,
    TextPiece,
)

THOUGHTS = (
    "I read what the user said last.",
    "I look for a tool that can help.",
    "I see which form the answer must have.",
    "I choose the fewest words that will do.",
    "I check it all once more.",
)
EFFORTS = {"none": 0, "minimal": 1, "low": 1, "medium": 2, "high": 3, "xhigh": 4, "max": 5}


@attrs.frozen
class Prompt:
    """What the model answers to."""

    request: ModelRequest
    sampling: Sampling
    conversation: Conversation

    def call_id(self, index: int) -> str:
        """An id that is always the same for this call, and no other's in the conversation."""
        messages = msgspec.json.encode(self.request.messages)
        return f"call_{hashlib.sha256(messages + b'%d' % index).hexdigest()[:24]}"


def rule_for(rules: Sequence[Rule], conversation: Conversation) -> Rule | None:
    """The first rule that applies.

    Raises:
        ProviderRefused: status 400; a rule's ``matches`` is not a regular expression.
    """
    return next((rule for rule in rules if _applies(rule, conversation)), None)


def answer(prompt: Prompt, rule: Rule | None) -> Answer:
    """What the model says.

    Raises:
        ProviderRefused: status 400; a schema is beyond what can be filled, or ``tool_choice``
            names no tool.
    """
    try:
        parts = _ruled(rule, prompt) if rule and rule.speaks else _said(prompt)
    except (NoInstance, InvalidSchema) as error:
        raise ProviderRefused(str(error), status=400, reason="invalid_schema") from error
    thought = any(isinstance(part, Words) and part.kind is Reasoning for part in parts)
    if not thought:
        parts = [*_reasoning(prompt.sampling), *parts]
    called = any(isinstance(part, Call) for part in parts)
    reason = rule.finish_reason if rule else None
    return Answer(parts, reason or ("tool_calls" if called else "stop"))


def _applies(rule: Rule, conversation: Conversation) -> bool:
    if rule.turn not in {conversation.turn, "every"}:
        return False
    text = conversation.text[:READ_LIMIT]
    if rule.contains is not None and rule.contains.casefold() not in text.casefold():
        return False
    if rule.matches is None:
        return True
    try:
        check_arguments({"pattern": rule.matches}, text)
    except InvalidArguments:
        return False
    except InvalidSchema as error:
        message = f"model_parameters.scripted.rules: matches: {error}"
        raise ProviderRefused(message, status=400, reason="invalid_script") from error
    return True


def _ruled(rule: Rule, prompt: Prompt) -> list[Part]:
    parts: list[Part] = [] if rule.reasoning is None else [Words(Reasoning, rule.reasoning)]
    if isinstance(rule.reply, str):
        parts.append(Words(Text, rule.reply))
    else:
        parts += _joined(rule.reply or ())
    if rule.refusal is not None:
        parts.append(Words(Refusal, rule.refusal))
    return parts + [_scripted(call, i, prompt) for i, call in enumerate(rule.tool_calls)]


def _joined(pieces: Sequence[Piece]) -> list[Part]:
    """Pieces as parts; neighbours of one kind are one part, so that it is counted as one text."""
    parts: list[Part] = []
    for piece in pieces:
        part = _part(piece)
        last = parts[-1] if parts else None
        if isinstance(part, Words) and isinstance(last, Words) and part.kind is last.kind:
            both = [*(last.chunks or ()), *(part.chunks or ())]
            parts[-1] = Words(part.kind, last.text + part.text, both)
        else:
            parts.append(part)
    return parts


def _part(piece: Piece) -> Part:
    match piece:
        case str():
            return Words(Text, piece, [piece])
        case TextPiece():
            return Words(Text, piece.text, [piece.text])
        case ReasoningPiece():
            return Words(Reasoning, piece.text, [piece.text])
        case RefusalPiece():
            return Words(Refusal, piece.text, [piece.text])
        case CallPiece():
            opening = ToolCallPiece(piece.index, piece.id, piece.name)
            return Call(opening, piece.arguments, whole=True)


def _scripted(call: RuleCall, index: int, prompt: Prompt) -> Call:
    text = call.arguments if isinstance(call.arguments, str) else _json(call.arguments)
    return Call(ToolCallPiece(index, call.id or prompt.call_id(index), call.name), text)


def _said(prompt: Prompt) -> list[Part]:
    tools = _tools(prompt)
    if tools:
        return [_call(tool, index, prompt) for index, tool in enumerate(tools)]
    return [Words(Text, _formatted(prompt))]


def _tools(prompt: Prompt) -> Sequence[ToolSpec]:
    request, choice = prompt.request, prompt.request.tool_choice
    if isinstance(choice, NamedToolChoice):
        return [_named(choice.function.name, request.tools)]
    if choice == "none" or not request.tools:
        return []
    found = mentioned(request.tools, prompt.conversation.text)
    answered = {result.tool for result in prompt.conversation.answered}
    tools = [tool for tool in found if tool.name not in answered]
    if choice == "required":
        tools = tools or [(found or request.tools)[0]]
    return tools[:1] if prompt.sampling.parallel_tool_calls is False else tools


def _named(name: str, tools: Sequence[ToolSpec]) -> ToolSpec:
    found = next((tool for tool in tools if tool.name == name), None)
    if found is None:
        message = f"tool_choice names {name}, and no tool has that name"
        raise ProviderRefused(message, status=400, reason="invalid_tool_choice")
    return found


def _call(tool: ToolSpec, index: int, prompt: Prompt) -> Call:
    filled = arguments(tool.parameters, prompt.conversation.text)
    return Call(ToolCallPiece(index, prompt.call_id(index), tool.name), _json(filled))


def _formatted(prompt: Prompt) -> str:
    answered = prompt.conversation.answered
    match prompt.sampling.response_format:
        case JsonSchemaFormat(json_schema=wanted):
            schema = wanted.schema if isinstance(wanted.schema, dict) else {"type": "object"}
            return _json(_holding(schema, [result.content for result in answered]))
        case JsonObjectFormat():
            return _json({"results": [result.content for result in answered]} if answered else {})
        case _ if answered:
            return "\n".join(f"{r.tool or 'A tool'} answered: {r.content}" for r in answered)
        case _:
            return prompt.conversation.text


def _holding(schema: Schema, contents: Sequence[str]) -> Any:
    """The smallest instance, with each content in the first property that can hold it.

    Required properties come first; a content goes in as text, or else as the JSON that it is.
    """
    instance = smallest(schema)
    if not isinstance(instance, dict):
        values = (value for content in contents for value in _values(content))
        return next((value for value in values if follows(schema, value)), instance)
    free = list(dict.fromkeys([*instance, *schema.get("properties", ())]))
    for content in contents:
        for name, value in product(free, _values(content)):
            if follows(schema, {**instance, name: value}):
                instance[name] = value
                free.remove(name)
                break
    return instance


def _values(content: str) -> list[Any]:
    try:
        return [content, msgspec.json.decode(content)]
    except (msgspec.DecodeError, RecursionError):
        return [content]


def _reasoning(sampling: Sampling) -> list[Part]:
    effort = sampling.reasoning_effort
    sentences = THOUGHTS[: EFFORTS[effort]] if isinstance(effort, str) else ()
    return [Words(Reasoning, " ".join(sentences))] if sentences else []


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
