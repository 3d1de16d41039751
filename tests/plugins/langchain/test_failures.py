"""Errors of LangChain's integrations, which share no tree."""

from types import SimpleNamespace
from typing import Any

import pytest

from hookline.errors import ProviderBroken, ProviderError, ProviderRefused, ProviderTimeout
from hookline_langchain.failures import secrets_of, translated


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
