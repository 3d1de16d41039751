"""Upstreams that say in their own words that a prompt is too long."""

from typing import Any

import msgspec
import pytest

from hookline.errors import ContextOverflow, ProviderRefused
from hookline_openai.failures import Failures
from support.openai_provider import ask
from support.overflows import LLAMA_CPP, OPENAI, OTHERWISE_WRONG, TOO_LONG
from support.upstream import Answer, json_answer, text_answer

FAILURES = Failures("local", ())


def refused(status: int, body: Any) -> ProviderRefused:
    """The error that a status and a body become."""
    return FAILURES.refused(status, {}, msgspec.json.encode(body))


@pytest.mark.parametrize(("status", "body"), TOO_LONG.values(), ids=TOO_LONG.keys())
def test_too_long_is_known(status: int, body: Any) -> None:
    """In whatever words it is said; the upstream's sentence and status are kept."""
    error = refused(status, body)

    assert isinstance(error, ContextOverflow)
    assert "context_length_exceeded" == error.code
    assert status == error.status
    assert not str(error).startswith("the provider local")


@pytest.mark.parametrize(("status", "body"), OTHERWISE_WRONG.values(), ids=OTHERWISE_WRONG.keys())
def test_other_errors_are_others(status: int, body: Any) -> None:
    """What sounds like it, and is about something else, stays what it is."""
    assert type(refused(status, body)) is ProviderRefused


def test_too_long_in_the_midst_of_a_stream() -> None:
    """Some upstreams begin a stream before they have read the prompt."""
    event = b"data: " + msgspec.json.encode(OPENAI) + b"\n\n"

    outcome = ask(Answer(pieces=[event]))

    assert isinstance(outcome.error, ContextOverflow)
    assert "context_length_exceeded" == outcome.error.reason


def test_too_long_is_not_sent_again() -> None:
    """A status that would pass otherwise does not here: the prompt is as long the second time."""
    outcome = ask(json_answer(LLAMA_CPP, 500), text_answer("ok"))

    assert isinstance(outcome.error, ContextOverflow)
    assert outcome.upstream.opened == 1
