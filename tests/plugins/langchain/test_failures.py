"""Errors of LangChain's integrations, which share no tree."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from langchain_core.exceptions import ContextOverflowError

from hookline.errors import (
    ContextOverflow,
    ProviderBroken,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from hookline_langchain.failures import secrets_of, translated
from support.overflows import BEDROCK, CODE_ALONE, OTHERWISE_WRONG, TOO_LONG


class Odd(Exception):
    """An error with any attributes."""

    def __init__(self, text: str = "", **attributes: Any):
        super().__init__(text)
        self.__dict__.update(attributes)


class ReadTimeout(Odd):
    """Named as httpx names it."""


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (Odd("full", status_code=429), ProviderRefused, 429),
        (Odd("gone", code=503), ProviderRefused, 503),
        (Odd("bad", response=SimpleNamespace(status_code=400)), ProviderRefused, 400),
        (Odd("odd", status_code=200), ProviderBroken, None),
        (Odd("odd", status_code=True), ProviderBroken, None),
        (ReadTimeout(), ProviderTimeout, None),
        (TimeoutError(), ProviderTimeout, None),
        (ValueError("odd"), ProviderBroken, None),
    ],
)
def test_errors_are_told_by_what_they_hold(
    error: Exception, kind: type[ProviderError], status: int | None
) -> None:
    """A status makes a refusal, a name that speaks of a timeout a timeout; the rest is broken."""
    found = translated(error, "far", ())

    assert (kind, status) == (type(found), found.status)


def test_the_upstreams_sentence_is_preferred() -> None:
    """Where the error holds the body, its message is passed on, else what the error says."""
    error = Odd("Error code: 400", status_code=400, body={"error": {"message": "Too long."}})

    assert "Too long." == str(translated(error, "far", ()))
    assert "Nope." == str(translated(Odd("Nope.", status_code=400, body={"error": 1}), "far", ()))
    assert "the provider far answered with status 500" == str(
        translated(Odd(status_code=500), "far", ())
    )


@pytest.mark.parametrize(
    ("value", "seconds"), [("2.5", 2.5), ("-1", 0.0), ("soon", None), ("", None)]
)
def test_a_pause_is_passed_on(value: str, seconds: float | None) -> None:
    """``Retry-After`` is passed on when it is a number of seconds."""
    response = SimpleNamespace(status_code=429, headers={"retry-after": value})

    assert seconds == translated(Odd(response=response), "far", ()).retry_after


def test_secrets_are_hidden() -> None:
    """Keys in options, however deep, never show in a message."""
    options = {
        "api_key": "a-long-api-key",
        "default_headers": {"Authorization": "Bearer abcdefgh"},
        "base_url": "http://127.0.0.1:1234",
        "token": "short",
    }
    secrets = secrets_of(options)

    error = translated(ValueError(f"{options}"), "far", secrets)

    assert {"a-long-api-key", "Bearer abcdefgh"} == secrets
    assert not [secret for secret in secrets if secret in str(error)]


@pytest.mark.parametrize(("status", "body"), TOO_LONG.values(), ids=TOO_LONG.keys())
def test_too_long_is_known(status: int, body: Any) -> None:
    """As integrations raise it that keep the upstream's body, as OpenAI's and Anthropic's do."""
    raised = Odd(f"Error code: {status} - {body}", status_code=status, body=body)

    error = translated(raised, "far", ())

    assert (ContextOverflow, status) == (type(error), error.status)


@pytest.mark.parametrize(("status", "body"), OTHERWISE_WRONG.values(), ids=OTHERWISE_WRONG.keys())
def test_other_errors_are_others(status: int, body: Any) -> None:
    """What sounds like it, and is about something else, stays what it is."""
    raised = Odd(f"Error code: {status} - {body}", status_code=status, body=body)

    error = translated(raised, "far", ())

    assert type(error) is ProviderRefused


def test_too_long_as_bedrock_raises_it() -> None:
    """Its error has neither a status where others have theirs, nor a code for it."""
    said = {"Code": "ValidationException", "Message": BEDROCK["message"]}
    raised = ClientError({"Error": said}, "ConverseStream")

    assert isinstance(translated(raised, "far", ()), ContextOverflow)


def test_too_long_by_code_alone() -> None:
    """A code in the body is enough."""
    raised = Odd("No.", status_code=400, body=CODE_ALONE)

    assert isinstance(translated(raised, "far", ()), ContextOverflow)


def test_too_long_by_the_name_of_the_error() -> None:
    """LangChain has an error of its own for it, which integrations derive theirs from."""
    assert isinstance(translated(ContextOverflowError("no"), "far", ()), ContextOverflow)
