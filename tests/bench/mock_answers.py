"""What the mock model says: known in advance, so that a client can check what it received.

The *name* of a model carries the knobs, so that a server under test needs no extra headers::

    mock-<N>         N tokens of 4 characters each
    mock-tool-<N>    calls the first tool of the request if the last message is the user's, and
                     says N tokens otherwise

and either may end in ``-d<MS>``, milliseconds between tokens, and ``-b<K>``, K tokens per write.
Without them everything goes out in one write.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

PROMPT_TOKENS = 11
ID = "chatcmpl-" + "0" * 20
"""Stands in prepared answers for an id, which has the same length."""

CREATED = 1_700_000_000
NAME = re.compile(r"mock-(?P<tool>tool-)?(?P<tokens>\d+)(-d(?P<delay>\d+))?(-b(?P<burst>\d+))?")
SAMPLES: dict[str, Any] = {
    "string": "20 + 22",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
}


class Plan(msgspec.Struct, frozen=True):
    """What a model does. ``delay`` in seconds; ``burst`` 0 for everything in one write."""

    tokens: int
    tool: bool = False
    delay: float = 0.0
    burst: int = 0


def plan_of(model: str) -> Plan:
    """What the model with this name does.

    Raises:
        ValueError: there is no such model.
    """
    match = NAME.fullmatch(model)
    if match is None:
        message = f"no such model: {model}"
        raise ValueError(message)
    delay = int(match["delay"] or 0) / 1000
    burst = int(match["burst"] or bool(delay))
    return Plan(int(match["tokens"]), bool(match["tool"]), delay, burst)


def token(number: int, total: int) -> str:
    """One of the tokens: it holds its own number, and no blank ends the last one."""
    return f"{number & 0xFFF:03x}" + ("." if number == total - 1 else " ")


def text_of(total: int) -> str:
    """All tokens of an answer."""
    return "".join(token(number, total) for number in range(total))


def encode(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def events_of(model: str, *, usage: bool, tool: dict[str, Any] | None) -> list[bytes]:
    """An answer as server-sent events; a call of the tool, if there is one."""
    plan = plan_of(model)
    deltas = _call(tool) if tool else _words(plan.tokens)
    heading = {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "system_fingerprint": "fp_mock",
    }
    finish = "tool_calls" if tool else "stop"
    choices = [{"index": 0, "delta": d, "logprobs": None, "finish_reason": None} for d in deltas]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish})
    chunks: list[dict[str, Any]] = [{**heading, "choices": [choice]} for choice in choices]
    if usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**heading, "choices": [], "usage": usage_of(plan)})
    return [b"data: " + encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def completion_of(model: str, tool: dict[str, Any] | None) -> bytes:
    """An answer in one piece; a call of the tool, if there is one."""
    plan = plan_of(model)
    message: dict[str, Any] = {"role": "assistant", "content": text_of(plan.tokens)}
    if tool:
        function = {"name": tool["name"], "arguments": _arguments(tool)}
        call = {"id": "call_mock", "type": "function", "function": function}
        message |= {"content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "logprobs": None}
    choice["finish_reason"] = "tool_calls" if tool else "stop"
    body = {"id": ID, "object": "chat.completion", "created": CREATED, "model": model}
    return encode({**body, "choices": [choice], "usage": usage_of(plan)})


def usage_of(plan: Plan) -> dict[str, Any]:
    """What an answer is said to have consumed."""
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": plan.tokens,
        "total_tokens": PROMPT_TOKENS + plan.tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _words(total: int) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for number in range(total):
        yield {"content": token(number, total)}


def _call(tool: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A call whose arguments come in pieces."""
    yield {"role": "assistant", "content": None}
    opening = {"index": 0, "id": "call_mock", "type": "function"}
    yield {"tool_calls": [{**opening, "function": {"name": tool["name"], "arguments": ""}}]}
    arguments = _arguments(tool)
    for start in range(0, len(arguments), 8):
        piece = {"arguments": arguments[start : start + 8]}
        yield {"tool_calls": [{"index": 0, "function": piece}]}


def _arguments(tool: dict[str, Any]) -> str:
    return json.dumps(_sample(tool.get("parameters") or {"type": "object"}))


def _sample(schema: dict[str, Any]) -> Any:
    """A value for a JSON schema: enough to call a tool."""
    if schema.get("type") != "object":
        return SAMPLES.get(schema.get("type", "string"))
    properties = schema.get("properties", {})
    return {name: _sample(properties[name]) for name in schema.get("required", properties)}
