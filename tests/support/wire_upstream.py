"""What an upstream says in the wire's cases; each answer is a model of the upstream's."""

import math
from collections.abc import Mapping
from typing import Any

from support.answers import (
    DONE,
    Answer,
    chunk,
    completion,
    error_answer,
    event,
    json_answer,
    reasoning_chunks,
    stream_of,
    text_answer,
    text_chunks,
    tool_answer,
    usage,
    usage_chunk,
)

CALLS = [("up_1", "add", '{"a":1,"b":2}'), ("up_2", "shout", '{"text":"hey"}')]
LOGPROBS = {
    "content": [
        {
            "token": "Hi",
            "logprob": -0.25,
            "bytes": [72, 105],
            "top_logprobs": [{"token": "Ho", "logprob": -1.5, "bytes": [72, 111]}],
        }
    ],
    "refusal": None,
}


def with_logprobs() -> Answer:
    """A text whose tokens come with logprobs."""
    logged = chunk({"content": "Hi"})
    logged["choices"][0]["logprobs"] = LOGPROBS
    return stream_of([logged])


ANSWERS: Mapping[str, Answer] = {
    "text": text_answer("Hello there"),
    "whole-answer": json_answer(completion({"content": "Not streamed"})),
    "reasoning-content": stream_of([*reasoning_chunks("Hm, so."), *text_chunks("Yes")]),
    "reasoning": stream_of([*reasoning_chunks("Hm, so.", "reasoning"), *text_chunks("Yes")]),
    "refusal": stream_of([chunk({"refusal": "I "}), chunk({"refusal": "won't"})]),
    "logprobs": with_logprobs(),
    "length": stream_of(text_chunks("Cut o"), "length"),
    "content-filter": stream_of(text_chunks("Oh"), "content_filter"),
    "own-finish": stream_of(text_chunks("Done"), "eos"),
    "usage": stream_of(text_chunks("Hi"), counts=usage(20, 9, cached=16, reasoning=6)),
    "no-usage": Answer(
        pieces=[event(chunk({"content": "Hello"})), event(chunk({}, "stop")), DONE],
    ),
    "no-done": Answer(
        pieces=[event(chunk({"content": "Hello"})), event(chunk({}, "stop"))],
    ),
    "empty": stream_of([]),
    "calls-split": tool_answer(CALLS),
    "calls-whole": tool_answer(CALLS, "whole"),
    "calls-without-ids": tool_answer(CALLS, "without_ids"),
    "calls-without-indexes": tool_answer(CALLS, "without_indexes"),
    "calls-with-gaps": tool_answer(CALLS, "gaps"),
    "cut": text_answer("Hello there", cut_after=3, delay=0.02),
    "malformed": Answer(pieces=[event(chunk({"content": "Hello"})), b"data: {oops\n\n"]),
    "error-in-stream": Answer(
        pieces=[
            event(chunk({"content": "Hello"})),
            event({"error": {"message": "overloaded", "type": "server_error", "code": "busy"}}),
        ]
    ),
    "stalled": text_answer("Hello there", stall_after=3),
    "no-finish": Answer(pieces=[event(chunk({"content": "Hello"})), event(usage_chunk()), DONE]),
}
"""After tool calls the same model answers with a text: see ``respond``."""

REFUSED: Mapping[str, Answer] = {
    "error-400": error_answer(400, "bad temperature", "bad_value"),
    "error-401": error_answer(401, "wrong key", "invalid_api_key"),
    "error-403": error_answer(403, "not for you"),
    "error-404": error_answer(404, "no model of this name", "model_not_found"),
    "error-418": error_answer(418, "I am a teapot"),
    "error-429": error_answer(429, "slow down", "rate_limited", headers={"retry-after": "7"}),
    "error-500": error_answer(500, "it broke"),
    "error-503-html": Answer(
        pieces=[b"<h1>Busy</h1>"], status=503, headers={"content-type": "text/html"}
    ),
    "redirect": Answer(status=307, headers={"location": "http://127.0.0.1:9/"}),
    "cut-at-once": text_answer("Hello there", cut_after=0),
    "malformed-at-once": Answer(pieces=[b"data: {oops\n\n", DONE]),
    "not-sse": Answer(pieces=[b"<html></html>"], headers={"content-type": "text/html"}),
    "silent": text_answer("Hello", head_delay=math.inf),
    "silent-after-head": text_answer("Hello", stall_after=0),
}
"""What fails before the first token, and so looks the same in every dialect."""

SLOW = {
    "silent": "impatient-at-first",
    "silent-after-head": "impatient-at-first",
    "stalled": "impatient",
}
"""The providers that must not wait long, because the upstream sends nothing."""


def respond(body: Any) -> Answer:
    """The answer that the model's name asks for; a text, once there are tool results."""
    results = [m["content"] for m in body["messages"] if m["role"] == "tool"]
    if results:
        return stream_of([chunk({"content": f"The tools said {', '.join(results)}."})])
    return {**ANSWERS, **REFUSED}[body["model"]]


def tables(url: str) -> dict[str, Any]:
    """A config with one agent for each answer; those that wait in vain do not wait long."""
    patient = {"kind": "openai", "base_url": url, "api_key": "sk-upstream", "retries": 0}
    providers = {
        "patient": patient,
        "impatient-at-first": {**patient, "first_token_timeout": 0.3},
        "impatient": {**patient, "token_timeout": 0.3},
    }
    agents = {
        name: {
            "provider": SLOW.get(name, "patient"),
            "model": name,
            "tools": ["add", "shout"] if name.startswith("calls") else [],
        }
        for name in (*ANSWERS, *REFUSED)
    }
    return {"providers": providers, "agents": agents}
