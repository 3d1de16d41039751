"""How failures of the upstream are told, and when a request is sent again."""

import asyncio
import math
import socket
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina
from structlog.testing import capture_logs

from hookline.errors import ProviderBroken, ProviderRefused, ProviderTimeout
from hookline.events import Text
from hookline_openai import OpenAIProvider
from hookline_openai.failures import seconds_until
from hookline_openai.retries import log_once
from support.openai_provider import KEY, REQUEST, Outcome, ask, collect, run, settings
from support.upstream import Answer, Upstream, error_answer, json_answer, text_answer


def closed_port():
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_status_message_and_code_are_kept():
    """An error of the upstream's keeps its status, its message and its code."""
    error = ask(error_answer(400, "no such model", "model_not_found")).error

    assert isinstance(error, ProviderRefused)
    found = (str(error), error.status, error.reason, error.retry_after)
    assert ("no such model", 400, "model_not_found", None) == found


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "bad"}, "bad"),
        ({"message": "bad"}, "bad"),
        ({"detail": "bad"}, "bad"),
        ({"error": {"message": ["bad"]}}, "the provider local answered with status 400"),
        ({"error": 3}, "the provider local answered with status 400"),
        ([], "the provider local answered with status 400"),
    ],
)
def test_errors_in_other_shapes(body, message):
    """The message is found in other shapes, too; without one, the status must do."""
    assert message == str(ask(json_answer(body, 400)).error)


def test_error_that_is_not_json():
    """An HTML page is no message."""
    answer = Answer(pieces=[b"<html>"], status=404, headers={"content-type": "text/html"})

    assert str(ask(answer).error) == "the provider local answered with status 404"


def test_error_body_is_bounded():
    """Of a huge error body only the beginning is read."""
    answer = Answer(pieces=[b"x" * 60_000] * 40, status=400, delay=0.001, stall_after=39)

    outcome = ask(answer)

    assert outcome.error.status == 400
    assert outcome.upstream.completed == 0


def test_redirects_are_not_followed():
    """A redirect is an error that names the setting to correct."""
    location = {"location": "http://127.0.0.1:1/v1/chat/completions"}

    outcome = ask(Answer(status=307, headers=location))

    assert outcome.error.status == 307
    assert "base_url" in str(outcome.error)
    assert len(outcome.upstream.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_busy_upstream_is_asked_again(status):
    """429 and 5xx before the first token are tried again, and the answer is whole."""
    outcome = ask(error_answer(status), error_answer(status), text_answer("ok"))

    assert outcome.error is None
    assert Text("ok") == outcome.deltas[0]
    assert outcome.upstream.opened == 3


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_counted(retries):
    """After ``retries`` more attempts the last error is raised as it is."""
    outcome = ask(error_answer(503, "busy"), retries=retries)

    assert ("busy", 503) == (str(outcome.error), outcome.error.status)
    assert retries + 1 == outcome.upstream.opened


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_other_errors_are_final(status):
    """An error that will not pass is not tried again."""
    assert ask(error_answer(status)).upstream.opened == 1


def test_nothing_is_sent_again_after_the_first_token():
    """Once a token has come, no failure leads to another request."""
    outcome = ask(text_answer("Hello", cut_after=2), text_answer("again"))

    assert isinstance(outcome.error, ProviderBroken)
    assert outcome.upstream.opened == 1


def test_retry_after_is_waited_for():
    """The pause that the upstream asks for replaces our own, which would be far too long here."""
    busy = error_answer(429, headers={"retry-after": "0.05"})

    outcome = ask(busy, text_answer("ok"), retry_wait_initial=1000.0, retry_wait_max=1000.0)

    assert outcome.error is None
    assert outcome.upstream.opened == 2


def test_retry_after_as_a_date():
    """A date is a pause, too."""
    past = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    busy = error_answer(503, headers={"retry-after": past})

    outcome = ask(busy, text_answer("ok"), retry_wait_initial=1000.0, retry_wait_max=1000.0)

    assert outcome.error is None
    assert outcome.upstream.opened == 2


def test_long_retry_after_is_not_waited_for():
    """A pause beyond ``retry_after_max`` ends the call at once and is told to the caller."""
    outcome = ask(error_answer(429, "busy", headers={"retry-after": "21"}))

    assert ("busy", 429, 21.0) == (
        str(outcome.error),
        outcome.error.status,
        outcome.error.retry_after,
    )
    assert outcome.upstream.opened == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("2", 2.0), ("-1", 0.0), ("soon", None), ("nan", None)],
)
def test_reading_retry_after(header, seconds):
    """What is neither a number nor a date asks for nothing."""
    assert seconds == seconds_until(header)


def test_reading_a_date():
    """A date asks for the seconds until then, with and without a time zone."""
    later = datetime.now(UTC) + timedelta(hours=1)

    for text in (format_datetime(later, usegmt=True), later.strftime("%d %b %Y %H:%M:%S -0000")):
        assert 3500 < seconds_until(text) <= 3600


def test_no_connection():
    """An upstream that is not there is tried again, then named without its address."""
    url = f"http://127.0.0.1:{closed_port()}/v1"

    async def work():
        async with OpenAIProvider("local", settings(base_url=url)) as provider:
            with capture_logs() as logs:
                return await collect(provider), logs

    (deltas, error), logs = run(work)

    assert deltas == []
    assert isinstance(error, ProviderBroken)
    assert str(error) == "the provider local could not be reached"
    assert ["provider.retried"] * 2 == [entry["event"] for entry in logs]


def test_connection_closed_before_the_answer():
    """An upstream that hangs up before it answers is tried again."""
    opened = []

    def respond(body):
        opened.append(body)
        if len(opened) == 1:
            raise ConnectionError
        return text_answer("ok")

    async def work():
        async with (
            Upstream(respond=respond) as upstream,
            OpenAIProvider("local", settings(upstream)) as provider,
        ):
            return await collect(provider)

    deltas, error = run(work)

    assert error is None
    assert Text("ok") == deltas[0]
    assert len(opened) == 2


def test_answer_that_is_not_http():
    """A broken status line is an error without retries."""
    outcome = ask(Answer(headers={"bad header\x00": "x"}))

    assert isinstance(outcome.error, ProviderBroken)
    assert outcome.upstream.opened == 1


@pytest.mark.parametrize(
    ("answer", "deltas", "words"),
    [
        (text_answer("Hello", head_delay=math.inf), [], "no first token within 0.5 s"),
        (text_answer("Hello", stall_after=1), [], "no first token within 0.5 s"),
        (text_answer("Hello", stall_after=2), [Text("Hell")], "more than 0.1 s between two"),
        (
            Answer(pieces=[*text_answer("Hello").pieces[:2], *[b": ping\n\n"] * 500], delay=0.01),
            [Text("Hell")],
            "more than 0.1 s between two",
        ),
    ],
    ids=["no headers", "no first token", "no second token", "only comments"],
)
def test_late_upstream(answer, deltas, words):
    """Each kind of waiting has its limit, which the error names; comments are no tokens."""

    async def work():
        fields = {"first_token_timeout": 0.5, "token_timeout": 0.1}
        async with (
            Upstream([answer]) as upstream,
            OpenAIProvider("local", settings(upstream, **fields)) as provider,
        ):
            found, error = await collect(provider)
            await upstream.until("aborted")
            return Outcome(found, error, upstream)

    outcome = run(work)

    assert isinstance(outcome.error, ProviderTimeout)
    assert words in str(outcome.error)
    assert deltas == outcome.deltas
    assert outcome.upstream.opened == 1


def test_slow_reader_is_not_a_slow_upstream():
    """The time that a reader takes between two deltas is its own."""

    async def work():
        answer = text_answer("Hello", delay=0.02)
        async with (
            Upstream([answer]) as upstream,
            OpenAIProvider("local", settings(upstream, token_timeout=0.4)) as provider,
        ):
            async with aclosing(provider.stream(REQUEST)) as stream:
                first = await anext(stream)
                await asyncio.sleep(1)
                return [first, *[delta async for delta in stream]]

    assert [Text("Hell"), Text("o")] == run(work)[:2]


def test_connect_timeout():
    """A connection that is not accepted in time is tried again, then told as a time-out."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"

        async def work():
            fields = {"connect_timeout": 0.1, "retries": 1, "base_url": url}
            async with OpenAIProvider("local", settings(**fields)) as provider:
                with capture_logs() as logs:
                    return await collect(provider), logs

        (_, error), logs = run(work)
        for filler in fillers:
            filler.close()

    assert isinstance(error, ProviderTimeout)
    assert str(error) == "the provider local could not be connected to within 0.1 s"
    assert len(logs) == 1


def test_key_is_never_told():
    """An upstream that repeats the key, or a secret header, is not quoted with it."""
    said = f"Incorrect key {KEY}, token header-secret-1"
    answer = error_answer(401, said, f"bad {KEY}")

    error = ask(answer, headers={"x-token": "header-secret-1", "x-mode": "key"}).error

    assert str(error) == "Incorrect key [hidden], token [hidden]"
    assert error.reason == "bad [hidden]"


def test_key_is_never_told_in_the_midst():
    """The same for an error in the midst of a stream."""
    answer = Answer(pieces=[b'data: {"error": {"message": "key %b"}}\n\n' % KEY.encode()])

    assert str(ask(answer).error) == "key [hidden]"


def test_retries_are_logged_without_secrets():
    """Each retry is one log event with facts; neither key nor body are in it."""
    with capture_logs() as logs:
        ask(error_answer(429, f"busy {KEY}"), error_answer(500), text_answer("ok"))

    facts = {"provider": "local", "code": "provider_refused", "retry_after": None}
    common = {"event": "provider.retried", "log_level": "warning", **facts}
    expected = [{**common, "attempt": 2, "status": 429}, {**common, "attempt": 3, "status": 500}]
    assert expected == logs


def test_other_retries_are_still_logged_by_stamina():
    """Stamina's hooks go on for everybody else, and are wrapped only once."""
    log_once()
    hooks = stamina.instrumentation.get_on_retry_hooks()
    log_once()

    with capture_logs() as logs:
        for attempt in stamina.retry_context(on=OSError, wait_initial=0, wait_jitter=0):
            with attempt:
                if attempt.num == 1:
                    raise OSError

    assert hooks == stamina.instrumentation.get_on_retry_hooks()
    assert ["stamina.retry_scheduled"] == [entry["event"] for entry in logs]


def test_repr_hides_secrets():
    """Settings show neither the key nor the headers, to print or to rich."""
    shown = settings(headers={"x-token": "header-secret-1"})

    for text in (repr(shown), str(shown.__rich_repr__()), repr(OpenAIProvider("a", shown))):
        assert KEY not in text
        assert "header-secret-1" not in text
    assert "api_key='[hidden]'" in repr(shown)
