"""The dialect ``librechat``: what LibreChat's agents API sends, which OpenAI's client can read."""

import asyncio
from typing import Any

import openai
import pytest

from support.witness import async_client, client

HEADERS = {"hookline-dialect": "librechat"}
USER: Any = {"role": "user", "content": "Good morning"}


def asking(site: Any) -> Any:
    """The client, in this dialect."""
    return client(site.server, path="/api/agents/v1", default_headers=HEADERS)


def streamed(site: Any, **asked: Any) -> list[Any]:
    """The chunks of a stream."""
    with asking(site) as client_:
        return list(client_.chat.completions.create(messages=[USER], stream=True, **asked))


def text_of(chunks: list[Any]) -> str:
    """The text of a stream."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_an_answer(site: Any) -> None:
    """An answer has neither ``refusal`` nor ``logprobs``, and plain counts."""
    with asking(site) as client_:
        answer = client_.chat.completions.create(model="helper", messages=[USER])

    (choice,) = answer.choices
    assert ("Good morning", "stop") == (choice.message.content, choice.finish_reason)
    assert "refusal" not in choice.message.model_fields_set
    assert "logprobs" not in choice.model_fields_set
    assert {"prompt_tokens", "completion_tokens", "total_tokens"} == (answer.usage.model_fields_set)


def test_a_stream(site: Any) -> None:
    """The role comes without content; the last chunk has the usage, though nobody asked."""
    first, *between, last = chunks = streamed(site, model="helper")

    assert {"role"} == first.choices[0].delta.model_fields_set
    assert "Good morning" == text_of(chunks)
    assert {None} == {chunk.usage for chunk in [first, *between]}
    assert "stop" == last.choices[0].finish_reason
    assert 2 == last.usage.completion_tokens


def test_a_stream_to_the_asynchronous_client(site: Any) -> None:
    """The same for who awaits."""

    async def ask() -> list[Any]:
        async with async_client(site.server, default_headers=HEADERS) as client_:
            stream = await client_.chat.completions.create(
                model="helper", messages=[USER], stream=True
            )
            return [chunk async for chunk in stream]

    assert "Good morning" == text_of(asyncio.run(ask()))


def test_reasoning(site: Any) -> None:
    """Reasoning has one name, and its tokens are counted."""
    chunks = streamed(site, model="thinker")

    extras = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert {"reasoning"} == {name for extra in extras for name in extra}
    assert "Let me see." == "".join(extra.get("reasoning", "") for extra in extras)
    assert 5 == chunks[-1].usage.completion_tokens_details.reasoning_tokens


def test_the_servers_tools_are_shown(site: Any) -> None:
    """Calls of the server's tools are ``tool_calls``, and with text the reason is ``stop``."""
    asked: Any = {"model": "clerk", "messages": [{"role": "user", "content": "lookup word=Rome"}]}
    with asking(site) as client_:
        whole = client_.chat.completions.create(**asked).choices[0]
        chunks = list(client_.chat.completions.create(**asked, stream=True))

    (call,) = whole.message.tool_calls
    pieces = [c for chunk in chunks for c in chunk.choices[0].delta.tool_calls or ()]
    assert ("lookup", '{"word":"Rome"}') == (call.function.name, call.function.arguments)
    assert call.function.arguments == "".join(piece.function.arguments for piece in pieces)
    assert "lookup answered: Rome is in the book" == whole.message.content
    assert ("stop", "stop") == (whole.finish_reason, chunks[-1].choices[0].finish_reason)


def test_calls_without_text(site: Any) -> None:
    """With calls and no text the reason is ``tool_calls``, in a stream and in one piece."""
    with asking(site) as client_:
        whole = client_.chat.completions.create(model="runaway", messages=[USER])
    chunks = streamed(site, model="runaway")

    assert "tool_calls" == whole.choices[0].finish_reason
    assert "tool_calls" == chunks[-1].choices[0].finish_reason


def test_a_stream_that_breaks(site: Any) -> None:
    """A failure after the first byte is a last piece of text."""
    chunks = streamed(site, model="broken")

    assert text_of(chunks).startswith("one two\n\nError: ")
    assert "stop" == chunks[-1].choices[0].finish_reason
    assert None is chunks[-1].usage


def test_an_error_before_the_first_byte(site: Any) -> None:
    """It has the one shape of all errors."""
    with asking(site) as client_:
        with pytest.raises(openai.NotFoundError):
            client_.chat.completions.create(model="nobody", messages=[USER], stream=True)


def test_tools_of_the_callers_own(site: Any) -> None:
    """They cannot be declared."""
    with asking(site) as client_:
        with pytest.raises(openai.BadRequestError) as caught:
            client_.chat.completions.create(
                model="helper",
                messages=[USER],
                tools=[{"type": "function", "function": {"name": "f"}}],
            )

    assert "tools" == caught.value.param


def test_models(site: Any) -> None:
    """A model carries LibreChat's further fields."""
    with asking(site) as client_:
        listed = {model.id: model for model in client_.models.list()}
        one = client_.models.retrieve("helper")

    assert one == listed["helper"]
    assert "librechat" == one.owned_by
    assert {"permission", "root", "parent", "name", "description", "provider"} == set(
        one.model_extra or {}
    )
