"""What an OpenAI-compatible upstream may answer: OpenAI's shapes, and those of its imitators."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import attrs

JsonObject = dict[str, Any]
SSE = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json"}
DONE = b"data: [DONE]\n\n"


@attrs.frozen(kw_only=True)
class Answer:
    """What to answer a request with, and how.

    Args:
        pieces: the body, each piece written on its own; none of them is merged with another if
            ``delay`` (seconds before each piece but the first) is not 0.
        status: the HTTP status.
        headers: besides those that frame the body.
        head_delay: seconds before the headers; ``math.inf`` for a server that never answers.
        stall_after: how many pieces are written before nothing more is, until the client leaves.
        cut_after: how many pieces are written before the connection is closed in the midst.
        chunked: whether the body is framed in chunks; else it ends with the connection.
    """

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=lambda: SSE)
    delay: float = 0.0
    head_delay: float = 0.0
    stall_after: int | None = None
    cut_after: int | None = None
    chunked: bool = True


def event(data: Any) -> bytes:
    """A server-sent event with JSON data."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def chunk(
    delta: JsonObject | None = None, finish_reason: str | None = None, **fields: Any
) -> JsonObject:
    """A chunk with one choice; ``fields`` such as ``usage`` are the chunk's own."""
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "small",
        "choices": [choice],
        **fields,
    }


def text_chunks(text: str, size: int = 4) -> list[JsonObject]:
    """Chunks of a text, ``size`` characters each."""
    return [chunk({"content": text[i : i + size]}) for i in range(0, len(text), size)]


def reasoning_chunks(
    text: str,
    field: Literal["reasoning", "reasoning_content"] = "reasoning_content",
    size: int = 4,
) -> list[JsonObject]:
    """Chunks of reasoning, under either name."""
    return [chunk({field: text[i : i + size]}) for i in range(0, len(text), size)]


Form = Literal["split", "whole", "without_ids", "without_indexes", "gaps"]


def tool_chunks(
    calls: Sequence[tuple[str, str, str]], form: Form = "split", size: int = 5
) -> list[JsonObject]:
    """Chunks of tool calls, given as (id, name, arguments).

    ``split`` is OpenAI's form: an opening, then pieces of the arguments. ``whole`` sends each call
    in one piece, ``without_ids`` that and no ids, ``without_indexes`` that and no indexes;
    ``gaps`` is ``split`` with indexes 0, 2, 4 …
    """
    chunks = []
    for position, (id_, name, arguments) in enumerate(calls):
        index = position * 2 if form == "gaps" else position
        if form in {"split", "gaps"}:
            opening = {"index": index, "id": id_, "type": "function"}
            chunks.append({**opening, "function": {"name": name, "arguments": ""}})
            chunks += [
                {"index": index, "function": {"arguments": arguments[i : i + size]}}
                for i in range(0, len(arguments), size)
            ]
            continue
        call = {"index": index, "id": id_, "function": {"name": name, "arguments": arguments}}
        left_out = {"without_ids": "id", "without_indexes": "index"}.get(form)
        chunks.append({key: value for key, value in call.items() if key != left_out})
    return [chunk({"tool_calls": [call]}) for call in chunks]


def usage(prompt: int = 11, completion: int = 7, **details: int) -> JsonObject:
    """Token counts; ``details`` are ``cached``, ``reasoning``, ``audio_in`` and ``audio_out``."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {
            "cached_tokens": details.get("cached", 0),
            "audio_tokens": details.get("audio_in", 0),
        },
        "completion_tokens_details": {
            "reasoning_tokens": details.get("reasoning", 0),
            "audio_tokens": details.get("audio_out", 0),
        },
    }


def usage_chunk(counts: JsonObject | None = None) -> JsonObject:
    """OpenAI's last chunk: counts and no choices."""
    return {**chunk(), "choices": [], "usage": counts or usage()}


def stream_of(
    chunks: Iterable[JsonObject],
    finish_reason: str = "stop",
    counts: JsonObject | None = None,
    **how: Any,
) -> Answer:
    """A whole stream: a role, the chunks, a finish reason, token counts and ``[DONE]``.

    Each event is a piece, so ``cut_after=2`` is: after the role and the first of ``chunks``.
    """
    events = [chunk({"role": "assistant", "content": ""}), *chunks, chunk({}, finish_reason)]
    pieces = [event(data) for data in [*events, usage_chunk(counts)]]
    return Answer(pieces=[*pieces, DONE], **how)


def text_answer(text: str, **how: Any) -> Answer:
    """A streamed text."""
    return stream_of(text_chunks(text), **how)


def tool_answer(calls: Sequence[tuple[str, str, str]], form: Form = "split", **how: Any) -> Answer:
    """Streamed tool calls, given as (id, name, arguments)."""
    return stream_of(tool_chunks(calls, form), "tool_calls", **how)


def json_answer(body: Any, status: int = 200, **how: Any) -> Answer:
    """A JSON body."""
    headers = {**JSON, **how.pop("headers", {})}
    return Answer(pieces=[json.dumps(body).encode()], status=status, headers=headers, **how)


def error_answer(
    status: int, message: str = "mock error", code: str | None = None, **how: Any
) -> Answer:
    """An error in OpenAI's shape."""
    error = {"message": message, "type": "mock_error", "param": None, "code": code}
    return json_answer({"error": error}, status, **how)


def completion(message: JsonObject, finish_reason: str = "stop") -> JsonObject:
    """The body of an answer that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "small",
        "choices": [{**choice, "finish_reason": finish_reason}],
        "usage": usage(),
    }
