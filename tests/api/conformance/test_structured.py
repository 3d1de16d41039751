"""Answers of a given form, as OpenAI's client parses them."""

import asyncio
import json
from typing import Any, Literal

import pytest
from openai import LengthFinishReasonError
from pydantic import BaseModel

from support.witness import async_client, client

USER: Any = {"role": "user", "content": "Plan a trip"}


class Stop(BaseModel):
    place: str
    nights: int


class Trip(BaseModel):
    """A trip."""

    title: str
    kind: Literal["train", "boat"]
    stops: list[Stop]
    price: float | None


def test_parse(site: Any) -> None:
    """``parse`` with a pydantic model gives an object of that model."""
    with client(site.server) as openai:
        answer = openai.chat.completions.parse(
            model="helper", messages=[USER], response_format=Trip
        )

    message = answer.choices[0].message
    assert isinstance(message.parsed, Trip)
    assert Trip.model_validate_json(message.content or "") == message.parsed


def test_parse_under_its_old_name(site: Any) -> None:
    """``beta.chat.completions.parse`` does the same."""
    with client(site.server) as openai:
        answer = openai.beta.chat.completions.parse(
            model="helper", messages=[USER], response_format=Trip
        )

    assert isinstance(answer.choices[0].message.parsed, Trip)


def test_parse_of_the_asynchronous_client(site: Any) -> None:
    """The same for who awaits."""

    async def ask() -> Any:
        async with async_client(site.server) as openai:
            answer = await openai.chat.completions.parse(
                model="helper", messages=[USER], response_format=Stop
            )
            return answer.choices[0].message.parsed

    assert isinstance(asyncio.run(ask()), Stop)


def test_a_stream_that_is_parsed(site: Any) -> None:
    """The helper of streams parses what it has put together."""
    with client(site.server) as openai:
        with openai.chat.completions.stream(
            model="helper", messages=[USER], response_format=Trip
        ) as stream:
            final = stream.get_final_completion()

    assert isinstance(final.choices[0].message.parsed, Trip)


def test_a_refusal_instead_of_the_form(site: Any) -> None:
    """Nothing is parsed where the model refuses."""
    with client(site.server) as openai:
        answer = openai.chat.completions.parse(
            model="refuser", messages=[USER], response_format=Trip
        )

    message = answer.choices[0].message
    assert (None, "I will not.") == (message.parsed, message.refusal)


def test_a_form_that_is_cut_off(site: Any) -> None:
    """The client says so when the limit of tokens cut the answer."""
    with client(site.server) as openai, pytest.raises(LengthFinishReasonError):
        openai.chat.completions.parse(
            model="helper", messages=[USER], response_format=Trip, max_tokens=2
        )


def test_any_json(site: Any) -> None:
    """``json_object`` gives some JSON object."""
    with client(site.server) as openai:
        answer = openai.chat.completions.create(
            model="helper", messages=[USER], response_format={"type": "json_object"}
        )

    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_a_form_after_a_tool(site: Any) -> None:
    """The form holds for the answer that follows the server's tool."""
    with client(site.server) as openai:
        answer = openai.chat.completions.parse(
            model="clerk",
            messages=[{"role": "user", "content": "lookup word=Rome"}],
            response_format=Stop,
        )

    parsed = answer.choices[0].message.parsed
    assert parsed is not None
    assert "Rome is in the book" == parsed.place
