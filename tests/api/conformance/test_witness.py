"""The checks themselves: what they are held against, and that they notice."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from support.conformance import PUBLISHED, check_stream, check_value
from support.upstream import DONE, chunk, completion, event, text_chunks


def test_the_published_schema_is_at_hand() -> None:
    """Where OpenAI's document is missing, the package's own types are all there is."""
    if not PUBLISHED.is_file():
        pytest.skip(f"{PUBLISHED.name} does not lie beside the checkout: checked by types alone")

    assert "CreateChatCompletionResponse" in PUBLISHED.read_text()


@pytest.mark.parametrize(
    "fields", [{"created": "5"}, {"object": "chat"}, {"choices": None}, {"unknown": 1}]
)
def test_a_wrong_body_is_noticed(fields: dict[str, Any]) -> None:
    """A type that is nearly right, a wrong word, and a field beyond OpenAI's are refused."""
    body = {**completion({"content": "hi", "refusal": None}), **fields}

    with pytest.raises((AssertionError, ValueError)):
        check_value(ChatCompletion, json.dumps(body).encode(), published=True)


ROLE = event(chunk({"role": "assistant", "content": ""}))
TEXT = event(text_chunks("hi")[0])
END = event(chunk({}, "stop"))
OPENING = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}


def test_a_right_stream_passes() -> None:
    """What a stream should be is not refused."""
    chunks = check_stream(ROLE + TEXT + b": keep-alive\n\n" + END + DONE)

    assert 3 == len(chunks)


@pytest.mark.parametrize(
    "stream",
    [
        TEXT + ROLE + END + DONE,
        ROLE + TEXT + END + DONE + TEXT,
        ROLE + END + TEXT + DONE,
        ROLE + event({**chunk({}, "stop"), "id": "another"}) + DONE,
        ROLE + event({**chunk({}, "stop"), "created": 1.5}) + DONE,
        ROLE + b"data:" + END.removeprefix(b"data: ") + DONE,
        ROLE + event(chunk({"tool_calls": [{"index": 1, **OPENING}]})) + END + DONE,
        ROLE + event(chunk({"tool_calls": [{"index": 0, "function": {}}]})) + END + DONE,
        ROLE + event({"error": {"message": "no"}}) + DONE,
    ],
)
def test_a_wrong_stream_is_noticed(stream: bytes) -> None:
    """Wrong order, a changed id, wrong types, wrong indexes and a wrong error are refused."""
    with pytest.raises((AssertionError, ValueError)):
        check_stream(stream)
