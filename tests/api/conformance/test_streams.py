"""Streams, as OpenAI's client for Python reads them."""

import asyncio
from typing import Any

import pytest
from openai import APIError

from support.witness import async_client, client

USER: Any = {"role": "user", "content": "Good morning to all"}


def text_of(chunks: Any) -> str:
    """The text of a stream."""
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_a_stream(site: Any) -> None:
    """The role comes first, then the text token by token, then the reason; no usage unasked."""
    with client(site.server) as openai:
        chunks = list(openai.chat.completions.create(model="helper", messages=[USER], stream=True))

    first, *_, last = chunks
    assert ("assistant", "") == (first.choices[0].delta.role, first.choices[0].delta.content)
    assert "Good morning to all" == text_of(chunks)
    assert 4 + 2 == len(chunks)
    assert ("stop", None) == (last.choices[0].finish_reason, last.choices[0].delta.content)
    assert {None} == {chunk.usage for chunk in chunks}


def test_a_stream_to_the_asynchronous_client(site: Any) -> None:
    """Ten streams at a time stay apart."""

    async def ask(openai: Any, text: str) -> str:
        stream = await openai.chat.completions.create(
            model="helper", messages=[{"role": "user", "content": text}], stream=True
        )
        return text_of([chunk async for chunk in stream])

    async def ask_all() -> list[str]:
        async with async_client(site.server) as openai:
            return await asyncio.gather(*(ask(openai, f"stream {i}") for i in range(10)))

    assert [f"stream {i}" for i in range(10)] == asyncio.run(ask_all())


def test_a_stream_with_usage(site: Any) -> None:
    """Asked for, the counts come in a last chunk without choices, and are null before it."""
    with client(site.server) as openai:
        *chunks, last = openai.chat.completions.create(
            model="thinker",
            messages=[USER],
            stream=True,
            stream_options={"include_usage": True},
        )

    assert {None} == {chunk.usage for chunk in chunks}
    assert all("usage" in chunk.model_fields_set for chunk in chunks)
    assert [] == last.choices
    assert last.usage is not None
    assert (20, 9) == (last.usage.prompt_tokens, last.usage.completion_tokens)


def test_streamed_reasoning(site: Any) -> None:
    """Reasoning comes before the text, under both of its names."""
    with client(site.server) as openai:
        chunks = list(openai.chat.completions.create(model="thinker", messages=[USER], stream=True))

    extras = [c.choices[0].delta.model_extra or {} for c in chunks]
    for name in ("reasoning", "reasoning_content"):
        assert "Let me see." == "".join(extra.get(name, "") for extra in extras)
    assert "Done." == text_of(chunks)


def test_streamed_logprobs(site: Any) -> None:
    """Each chunk of text has the probabilities of its tokens."""
    with client(site.server) as openai:
        chunks = list(
            openai.chat.completions.create(
                model="helper", messages=[USER], stream=True, logprobs=True
            )
        )

    choices = [chunk.choices[0] for chunk in chunks if chunk.choices[0].delta.content]
    logged = [token.token for c in choices if c.logprobs for token in c.logprobs.content or ()]
    assert ["Good", " morning", " to", " all"] == logged


def test_a_streamed_refusal(site: Any) -> None:
    """A refusal comes in its own field."""
    with client(site.server) as openai:
        chunks = list(openai.chat.completions.create(model="refuser", messages=[USER], stream=True))

    assert "I will not." == "".join(c.choices[0].delta.refusal or "" for c in chunks)
    assert "" == text_of(chunks)


@pytest.mark.parametrize(
    ("model", "asked", "reason"),
    [
        ("helper", {"max_tokens": 1}, "length"),
        ("helper", {"stop": "morning"}, "stop"),
        ("cautious", {}, "content_filter"),
        ("runaway", {}, "length"),
    ],
)
def test_why_a_stream_ended(site: Any, model: str, asked: Any, reason: str) -> None:
    """The last chunk says why, as an answer in one piece would."""
    with client(site.server) as openai:
        *_, last = openai.chat.completions.create(
            model=model, messages=[USER], stream=True, **asked
        )

    assert reason == last.choices[0].finish_reason


def test_the_helper_of_streams(site: Any) -> None:
    """``chat.completions.stream`` puts the chunks together to what is not streamed."""
    with client(site.server) as openai:
        with openai.chat.completions.stream(
            model="helper", messages=[USER], stream_options={"include_usage": True}
        ) as stream:
            events = list(stream)
            final = stream.get_final_completion()
        whole = openai.chat.completions.create(model="helper", messages=[USER])

    deltas = [event.delta for event in events if event.type == "content.delta"]
    (done,) = [event for event in events if event.type == "content.done"]
    assert "Good morning to all" == "".join(deltas) == done.content
    assert whole.choices[0].message.content == final.choices[0].message.content
    assert whole.choices[0].finish_reason == final.choices[0].finish_reason
    assert whole.usage == final.usage


def test_the_helper_of_a_refusal(site: Any) -> None:
    """The helper knows a refusal from content."""
    with client(site.server) as openai:
        with openai.chat.completions.stream(model="refuser", messages=[USER]) as stream:
            types = {event.type for event in stream}
            message = stream.get_final_completion().choices[0].message

    assert {"refusal.delta", "refusal.done"} <= types
    assert "I will not." == message.refusal


def test_the_helper_of_logprobs(site: Any) -> None:
    """The helper puts probabilities together."""
    with client(site.server) as openai:
        with openai.chat.completions.stream(
            model="helper", messages=[USER], logprobs=True, top_logprobs=1
        ) as stream:
            logprobs = stream.get_final_completion().choices[0].logprobs

    assert logprobs is not None
    assert 4 == len(logprobs.content or ())


def test_the_lines_of_a_stream(site: Any) -> None:
    """``with_streaming_response`` shows the headers of a stream and each line of it."""
    with client(site.server) as openai:
        with openai.chat.completions.with_streaming_response.create(
            model="helper", messages=[USER], stream=True
        ) as response:
            headers, lines = response.headers, list(response.iter_lines())

    assert "text/event-stream; charset=utf-8" == headers["content-type"]
    assert "no-cache, no-transform" == headers["cache-control"]
    assert "no" == headers["x-accel-buffering"]
    assert headers["x-request-id"].startswith("req_")
    assert ["data: [DONE]", ""] == lines[-2:]


def test_a_raw_stream(site: Any) -> None:
    """``with_raw_response`` gives a stream that can be parsed."""
    with client(site.server) as openai:
        raw = openai.chat.completions.with_raw_response.create(
            model="helper", messages=[USER], stream=True
        )
        text = text_of(raw.parse())

    assert (raw.request_id or "").startswith("req_")
    assert "Good morning to all" == text


def test_a_client_that_leaves_a_stream(site: Any) -> None:
    """One chunk is read, the client leaves, and the next request is answered."""
    with client(site.server) as openai:
        with openai.chat.completions.create(model="helper", messages=[USER], stream=True) as stream:
            next(iter(stream))
        answer = openai.chat.completions.create(model="helper", messages=[USER])

    assert "Good morning to all" == answer.choices[0].message.content


def test_a_stream_that_breaks(site: Any) -> None:
    """After the first byte a failure makes the client raise, with what was said before it."""
    said: list[Any] = []
    with client(site.server) as openai:
        stream = openai.chat.completions.create(model="broken", messages=[USER], stream=True)
        with pytest.raises(APIError) as caught:
            said += stream

    assert "one two" == text_of(said)
    assert ("server_error", "provider_broken") == (caught.value.type, caught.value.code)
    assert "connection" in caught.value.message


def test_a_stream_that_breaks_at_the_asynchronous_client(site: Any) -> None:
    """The same for who awaits."""

    async def ask() -> None:
        async with async_client(site.server) as openai:
            async for _ in await openai.chat.completions.create(
                model="broken", messages=[USER], stream=True
            ):
                pass

    with pytest.raises(APIError, match="connection"):
        asyncio.run(ask())
