"""What comes out of an upstream's answer."""

import json

import pytest

from hookline.errors import ProviderBroken, ProviderRefused
from hookline.events import Reasoning, Refusal, Text
from hookline.providers import ModelFinished, ModelUsage, ToolCallPiece
from hookline.usage import TokenCounts
from hookline.wire.completion import Logprobs, TokenLogprob
from support.openai_provider import ask
from support.upstream import (
    DONE,
    Answer,
    chunk,
    completion,
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

USAGE = ModelUsage(TokenCounts(input=11, output=7))
STOP = ModelFinished("stop")
CALLS = [("call_1", "add", '{"a":1}'), ("call_2", "now", "{}")]


def test_text_comes_as_it_was_sent():
    """Each chunk is one delta, and usage and the finish reason come last, once."""
    outcome = ask(text_answer("Hello you"))

    assert [Text("Hell"), Text("o yo"), Text("u"), USAGE, STOP] == outcome.deltas
    assert outcome.error is None


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(field):
    """Reasoning is read under either name."""
    outcome = ask(stream_of([*reasoning_chunks("hmm", field), *text_chunks("ok")]))

    assert [Reasoning("hmm"), Text("ok"), USAGE, STOP] == outcome.deltas


def test_reasoning_under_both_names_comes_once():
    """An upstream that sends both names, or an empty one of them, has its reasoning once."""
    both = chunk({"reasoning": "a", "reasoning_content": "a", "content": None})
    one = chunk({"reasoning": "", "reasoning_content": "b", "content": ""})

    assert [Reasoning("a"), Reasoning("b"), USAGE, STOP] == ask(stream_of([both, one])).deltas


def test_refusal():
    """A refusal is no text."""
    outcome = ask(stream_of([chunk({"refusal": "I will not"})]))

    assert [Refusal("I will not"), USAGE, STOP] == outcome.deltas


def test_logprobs_stay_with_their_text():
    """Logarithmic probabilities are handed on with the text."""
    data = chunk({"content": "Hi"})
    data["choices"][0]["logprobs"] = {
        "content": [{"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}]
    }

    (text, *_) = ask(stream_of([data])).deltas

    assert Text("Hi", Logprobs(content=[TokenLogprob("Hi", -0.5)])) == text


@pytest.mark.parametrize(
    ("form", "pieces"),
    [
        (
            "split",
            [
                ToolCallPiece(0, "call_1", "add"),
                ToolCallPiece(0, None, None, '{"a":'),
                ToolCallPiece(0, None, None, "1}"),
                ToolCallPiece(1, "call_2", "now"),
                ToolCallPiece(1, None, None, "{}"),
            ],
        ),
        (
            "gaps",
            [
                ToolCallPiece(0, "call_1", "add"),
                ToolCallPiece(0, None, None, '{"a":'),
                ToolCallPiece(0, None, None, "1}"),
                ToolCallPiece(2, "call_2", "now"),
                ToolCallPiece(2, None, None, "{}"),
            ],
        ),
        (
            "whole",
            [
                ToolCallPiece(0, "call_1", "add", '{"a":1}'),
                ToolCallPiece(1, "call_2", "now", "{}"),
            ],
        ),
        (
            "without_ids",
            [ToolCallPiece(0, None, "add", '{"a":1}'), ToolCallPiece(1, None, "now", "{}")],
        ),
        (
            "without_indexes",
            [
                ToolCallPiece(None, "call_1", "add", '{"a":1}'),
                ToolCallPiece(None, "call_2", "now", "{}"),
            ],
        ),
    ],
)
def test_tool_calls_in_any_form(form, pieces):
    """Pieces of tool calls are handed on as they are, with ``None`` for what is missing."""
    outcome = ask(tool_answer(CALLS, form))

    assert [*pieces, USAGE, ModelFinished("tool_calls")] == outcome.deltas


def test_empty_fields_of_tool_calls_are_missing():
    """Null and empty fields are the same, and a piece without any of them says nothing."""
    pieces = [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": None}},
        {"index": 0, "id": "", "function": {"name": "", "arguments": "{}"}},
        {"index": 0, "id": None, "function": None},
    ]

    outcome = ask(stream_of([chunk({"tool_calls": pieces})], "tool_calls"))

    expected = [ToolCallPiece(0, "a", "f"), ToolCallPiece(0, None, None, "{}")]
    assert expected == outcome.deltas[:2]
    assert [USAGE, ModelFinished("tool_calls")] == outcome.deltas[2:]


def test_usage_with_details():
    """Cached, reasoning and audio tokens are counted."""
    counts = usage(100, 50, cached=40, reasoning=30, audio_in=5, audio_out=6)

    outcome = ask(stream_of(text_chunks("ok"), counts=counts))

    expected = TokenCounts(
        input=100, output=50, cache_read=40, reasoning=30, audio_input=5, audio_output=6
    )
    assert [Text("ok"), ModelUsage(expected), STOP] == outcome.deltas


def test_usage_of_an_upstream_that_counts_cached_tokens_apart():
    """``cached_tokens = "added"`` adds them to the input."""
    answer = stream_of(text_chunks("ok"), counts=usage(100, 50, cached=40))

    outcome = ask(answer, cached_tokens="added")

    expected = TokenCounts(input=140, output=50, cache_read=40)
    assert [Text("ok"), ModelUsage(expected), STOP] == outcome.deltas


def test_usage_that_leaves_reasoning_out():
    """What the total has beyond input and output is output: xAI's documentation, "Reasoning"."""
    counts = {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "completion_tokens_details": {"reasoning_tokens": 94},
    }

    outcome = ask(stream_of(text_chunks("ok"), counts=counts))

    expected = TokenCounts(input=32, output=103, reasoning=94)
    assert [Text("ok"), ModelUsage(expected), STOP] == outcome.deltas


def test_usage_in_every_chunk():
    """Where each chunk has counts, the last ones count."""
    events = [
        event(chunk({"content": "a"}, usage=usage(11, 1))),
        event(chunk({"content": "b"}, "stop", usage=usage(11, 2))),
        DONE,
    ]

    outcome = ask(Answer(pieces=events))

    expected = [Text("a"), Text("b"), ModelUsage(TokenCounts(input=11, output=2)), STOP]
    assert expected == outcome.deltas


def test_usage_without_details_or_numbers():
    """Counts that are null are none."""
    counts = {"prompt_tokens": None, "completion_tokens": 3, "prompt_tokens_details": None}

    outcome = ask(stream_of([], counts=counts))

    assert [ModelUsage(TokenCounts(output=3)), STOP] == outcome.deltas


def test_no_usage():
    """An upstream that reports no usage has none."""
    pieces = [event(chunk({"content": "ok"}, "length")), DONE]

    assert [Text("ok"), ModelFinished("length")] == ask(Answer(pieces=pieces)).deltas


def test_sparse_chunks():
    """Ids, names and indexes that are missing or null, and null lists, do not matter."""
    events = [
        {"choices": [{"delta": {"content": "a"}}]},
        {"id": None, "object": None, "created": None, "model": None, "choices": None},
        {"choices": [{"index": None, "delta": {"content": "b", "tool_calls": None}}]},
        {"choices": [{"delta": None, "finish_reason": "stop"}], "usage": None},
    ]

    outcome = ask(Answer(pieces=[*map(event, events), DONE]))

    assert [Text("a"), Text("b"), STOP] == outcome.deltas


def test_done_is_not_needed():
    """A stream that ends after its finish reason is complete without ``[DONE]``."""
    answer = Answer(pieces=[event(chunk({"content": "ok"}, "stop"))])

    outcome = ask(answer)

    assert ([Text("ok"), STOP], None) == (outcome.deltas, outcome.error)


def test_last_blank_line_is_not_needed():
    """A stream whose connection ends it may lack the blank line after its last event."""
    last = event(chunk({"content": "ok"}, "stop")).rstrip()

    outcome = ask(Answer(pieces=[last], chunked=False))

    assert ([Text("ok"), STOP], None) == (outcome.deltas, outcome.error)


def test_lost_after_the_finish_reason():
    """A connection that breaks when all has been said does not matter."""
    answer = text_answer("ok", cut_after=3)

    outcome = ask(answer)

    assert ([Text("ok"), STOP], None) == (outcome.deltas, outcome.error)


@pytest.mark.parametrize(
    "answer",
    [
        text_answer("Hello", cut_after=2),
        Answer(pieces=text_answer("Hello").pieces[:2]),
        Answer(pieces=[*text_answer("Hello").pieces[:2], DONE]),
        Answer(pieces=[*text_answer("Hello").pieces[:2], b'data: {"choi'], chunked=False),
    ],
    ids=["cut", "no finish reason", "no finish reason, done", "half a chunk"],
)
def test_stream_that_ends_early(answer):
    """Without a finish reason the answer is not whole, and that is an error."""
    outcome = ask(answer)

    assert [Text("Hell")] == outcome.deltas
    assert isinstance(outcome.error, ProviderBroken)
    expected = "the provider local ended before the model had finished"
    assert expected == str(outcome.error)


@pytest.mark.parametrize(
    "payload",
    [b"{", b"[]", b'{"choices": 3}', b'{"choices":[{"delta":{"content":"\xff"}}]}', b"nonsense"],
)
def test_malformed_chunk(payload):
    """A chunk that cannot be read ends the answer, after what came before it."""
    pieces = [event(chunk({"content": "ok"})), b"data: " + payload + b"\n\n", DONE]

    outcome = ask(Answer(pieces=pieces))

    assert [Text("ok")] == outcome.deltas
    assert isinstance(outcome.error, ProviderBroken)
    assert "the provider local sent a chunk that cannot be read" == str(outcome.error)


def test_huge_event():
    """An event beyond the limit ends the answer."""
    answer = stream_of([chunk({"content": "ok"}), chunk({"content": "x" * 5000})])

    outcome = ask(answer, max_event_bytes=1024)

    assert [Text("ok")] == outcome.deltas
    assert isinstance(outcome.error, ProviderBroken)
    assert "max_event_bytes" in str(outcome.error)


def test_usage_before_a_failure():
    """What was used before the answer broke is told before the error is raised."""
    answer = Answer(pieces=[event(chunk({"content": "a"}, usage=usage(11, 1)))])

    outcome = ask(answer)

    assert [Text("a"), ModelUsage(TokenCounts(input=11, output=1))] == outcome.deltas
    assert isinstance(outcome.error, ProviderBroken)


@pytest.mark.parametrize(
    ("error", "kind", "message", "status", "reason"),
    [
        ({"message": "overloaded", "code": 503}, ProviderRefused, "overloaded", 503, None),
        ({"message": "no more", "code": "quota"}, ProviderBroken, "no more", None, "quota"),
        ("out of memory", ProviderBroken, "out of memory", None, None),
        ({"code": True}, ProviderBroken, "the provider local reported an error", None, None),
    ],
)
def test_error_in_the_midst(error, kind, message, status, reason):
    """An error event ends the answer with its own words."""
    outcome = ask(Answer(pieces=[event(chunk({"content": "ok"})), event({"error": error}), DONE]))

    assert [Text("ok")] == outcome.deltas
    assert kind is type(outcome.error)
    found = (str(outcome.error), outcome.error.status, outcome.error.reason)
    assert (message, status, reason) == found


def test_error_beside_choices():
    """An error in a chunk that has choices is one, too."""
    data = {**chunk({"content": ""}, "error"), "error": {"code": 502, "message": "gone"}}

    outcome = ask(Answer(pieces=[event(data), DONE]))

    assert ("gone", 502) == (str(outcome.error), outcome.error.status)


def test_bare_error():
    """An error that is the event itself is understood."""
    data = {"object": "error", "message": "too long", "code": 400}

    outcome = ask(Answer(pieces=[event(data), DONE]))

    assert ("too long", 400) == (str(outcome.error), outcome.error.status)


def test_answer_that_is_not_streamed():
    """A plain JSON completion gives the same deltas, with the calls counted."""
    message = {
        "content": "Hello",
        "reasoning_content": "hmm",
        "tool_calls": [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id_, name, arguments in CALLS
        ],
    }

    outcome = ask(json_answer(completion(message, "tool_calls")))

    expected = [
        Reasoning("hmm"),
        Text("Hello"),
        ToolCallPiece(0, "call_1", "add", '{"a":1}'),
        ToolCallPiece(1, "call_2", "now", "{}"),
        USAGE,
        ModelFinished("tool_calls"),
    ]
    assert expected == outcome.deltas


def test_error_that_is_not_streamed():
    """An error with status 200 is an error."""
    outcome = ask(json_answer({"error": {"message": "no such model"}}))

    assert ([], "no such model") == (outcome.deltas, str(outcome.error))


@pytest.mark.parametrize(("body", "text"), [(b"<html>", "read"), (b"x" * 2000, "max_event_bytes")])
def test_body_that_is_not_json(body, text):
    """JSON that is none, or too long, is an error."""
    answer = Answer(pieces=[body], headers={"content-type": "application/json"})

    outcome = ask(answer, max_event_bytes=1024)

    assert isinstance(outcome.error, ProviderBroken)
    assert text in str(outcome.error)


def test_line_ends_comments_and_other_fields():
    """CRLF, comments, ``event:`` lines, data on many lines and no blank are all allowed."""
    data = json.dumps(chunk({"content": "ok"}, "stop"), indent=1).split("\n")
    lines = [": hello", "", "event: x", *(f"data:{line}" for line in data), "", "data:[DONE]", ""]
    body = "\r\n".join([*lines, ""]).encode()

    assert [Text("ok"), STOP] == ask(Answer(pieces=[b"\xef\xbb\xbf" + body])).deltas


def test_usage_is_asked_for_unless_told_not_to():
    """``include_usage`` decides about ``stream_options``."""
    asked = ask(text_answer("ok")).upstream.requests[0].body
    silent = ask(text_answer("ok"), include_usage=False).upstream.requests[0].body

    assert {"include_usage": True} == asked["stream_options"]
    assert "stream_options" not in silent


def test_counts_chunk_after_the_finish():
    """Counts may come after the finish reason with no choices."""
    pieces = [event(chunk({"content": "ok"}, "stop")), event(usage_chunk()), DONE]

    assert [Text("ok"), USAGE, STOP] == ask(Answer(pieces=pieces)).deltas
