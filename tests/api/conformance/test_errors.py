"""Errors, as the exceptions that OpenAI's client makes of them."""

import asyncio
from typing import Any

import openai
import pytest

from support.witness import async_client, client

NARROW_KEY = "hk-narrow"
USER: Any = {"role": "user", "content": "hi"}


def raised(site: Any, model: str = "helper", key: str = "hk-test", **asked: Any) -> Any:
    """What the client raises."""
    with client(site.server, api_key=key) as asking:
        with pytest.raises(openai.APIStatusError) as caught:
            asking.chat.completions.create(**{"model": model, "messages": [USER], **asked})
    return caught.value


def test_an_unknown_key(site: Any) -> None:
    """It raises AuthenticationError."""
    error = raised(site, key="hk-unknown")

    assert openai.AuthenticationError is type(error)
    assert (401, "invalid_api_key", None) == (error.status_code, error.code, error.param)


def test_an_unknown_agent(site: Any) -> None:
    """It raises NotFoundError, where it is listed and where it is called."""
    error = raised(site, model="nobody")
    with client(site.server) as asking:
        with pytest.raises(openai.NotFoundError, match="nobody"):
            asking.models.retrieve("nobody")

    assert openai.NotFoundError is type(error)
    assert ("model_not_found", "invalid_request_error") == (error.code, error.type)


def test_an_agent_for_others(site: Any) -> None:
    """It raises PermissionDeniedError, and the agent is not in the caller's list."""
    error = raised(site, model="guide", key=NARROW_KEY)
    with client(site.server, api_key=NARROW_KEY) as asking:
        listed = [model.id for model in asking.models.list()]
        with pytest.raises(openai.PermissionDeniedError):
            asking.models.retrieve("guide")

    assert openai.PermissionDeniedError is type(error)
    assert "access_denied" == error.code
    assert ["clerk", "helper"] == listed


@pytest.mark.parametrize(
    ("asked", "param", "code"),
    [
        ({"n": 2}, "n", "unsupported_value"),
        ({"temperature": 5}, "temperature", None),
        ({"model": "locked", "temperature": 1}, "temperature", "unsupported_value"),
        ({"messages": []}, "messages", None),
        ({"messages": [{"role": "wizard", "content": ""}]}, "messages[0].role", None),
        ({"tool_choice": "required"}, "tool_choice", None),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
        ({"stream": True, "n": 3}, "n", "unsupported_value"),
        ({"extra_headers": {"hookline-dialect": "klingon"}}, "hookline-dialect", None),
    ],
)
def test_a_wrong_field(site: Any, asked: Any, param: str, code: str | None) -> None:
    """It raises BadRequestError, which names the field."""
    error = raised(site, **asked)

    assert openai.BadRequestError is type(error)
    assert (param, code, "invalid_request_error") == (error.param, error.code, error.type)


def test_a_body_that_is_too_large(site: Any) -> None:
    """It raises the error of its status."""
    error = raised(site, user="x" * 20_000_000)

    assert (413, "request_too_large") == (error.status_code, error.code)


@pytest.mark.parametrize("stream", [False, True])
def test_a_busy_upstream(site: Any, stream: bool) -> None:
    """Its 429 raises RateLimitError, with its message and the pause that it asks for."""
    error = raised(site, model="busy", stream=stream)

    assert openai.RateLimitError is type(error)
    assert ("rate_limit_exceeded", "rate_limit_error") == (error.code, error.type)
    assert "slow down" in error.message
    assert "7" == error.response.headers["retry-after"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "status"), [("failing", 500), ("unreachable", 502)])
def test_an_upstream_that_fails(site: Any, model: str, status: int, stream: bool) -> None:
    """Its failure before the first byte raises InternalServerError, streamed or not."""
    error = raised(site, model=model, stream=stream)

    assert openai.InternalServerError is type(error)
    assert (status, "server_error") == (error.status_code, error.type)
    assert error.request_id.startswith("req_")


def test_an_upstream_that_refuses(site: Any) -> None:
    """Its 400 raises BadRequestError with its code."""
    error = raised(site, model="strict")

    assert openai.BadRequestError is type(error)
    assert "bad_thing" == error.code


def test_an_error_of_the_asynchronous_client(site: Any) -> None:
    """The same for who awaits."""

    async def ask() -> None:
        async with async_client(site.server) as asking:
            with pytest.raises(openai.NotFoundError):
                await asking.chat.completions.create(model="nobody", messages=[USER])

    asyncio.run(ask())


@pytest.mark.parametrize("call", ["embeddings", "responses"])
def test_an_api_that_is_not_served(site: Any, call: str) -> None:
    """It raises NotFoundError."""
    with client(site.server) as asking:
        with pytest.raises(openai.NotFoundError, match="Unknown request URL") as caught:
            getattr(asking, call).create(model="helper", input="hi")

    assert "unknown_url" == caught.value.code
