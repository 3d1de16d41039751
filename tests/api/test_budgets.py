"""What callers see of balances and limits: 402, 429, headers, and answers that end early."""

import json
import time
from collections.abc import Mapping
from typing import Any

import openai
import pytest

from support.answers import DONE, Answer, chunk, event
from support.server import KEY, RunningServer, running_server
from support.upstream import threaded_upstream
from support.wire import Reply, Request, send

PRICES = [{"model": "*", "input": "1000", "output": "1000"}]
"""A tenth of a cent a token: no sum is small."""


def tables(**ledger: Any) -> Mapping[str, Any]:
    """A config with an agent that repeats what it is told."""
    return {
        "providers": {"script": {"kind": "scripted"}},
        "agents": {
            "echo": {"provider": "script", "model": "echo"},
            "tooled": {"provider": "script", "model": "tools", "tools": ["calculator"]},
        },
        "plugins": {"ledger": {"prices": PRICES, **ledger}},
    }


def chat(server: RunningServer, **fields: Any) -> Reply:
    """The answer to a request."""
    body = {"model": "echo", "messages": [{"role": "user", "content": "Hi"}], **fields}
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = Request(
        method="POST",
        path="/v1/chat/completions",
        headers=headers,
        body=json.dumps(body).encode(),
    )
    return send(server.origin, request)


def limits_of(reply: Reply) -> Mapping[str, str]:
    """The headers that say what is left."""
    return {name: value for name, value in reply.headers if name.startswith("x-ratelimit-")}


def until_settled(server: RunningServer) -> None:
    """Wait until the recorders have been told of all runs."""
    outbox = server.runtime.registry.store.outbox
    deadline = time.monotonic() + 20
    while server.run(outbox.counts()).runs:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_cannot_pay_gets_402() -> None:
    """With OpenAI's type and code, the balance and the estimate; before anything is streamed."""
    with running_server(tables(enforce_balance=True, start_balance="0.05")) as server:
        replies = [chat(server, max_tokens=1000), chat(server, max_tokens=1000, stream=True)]

    for reply in replies:
        error = json.loads(reply.text)["error"]
        assert 402 == reply.status
        assert ("insufficient_quota", "insufficient_quota") == (error["type"], error["code"])
        assert "balance of user:alice is $0.05" in error["message"]
        assert "may cost $1.0" in error["message"]
        assert "retry-after" not in dict(reply.headers)


def test_a_balance_is_spent_until_it_is_gone() -> None:
    """And one's own usage and balance say how."""
    with running_server(tables(enforce_balance=True, start_balance="0.05")) as server:
        statuses = []
        for _ in range(20):
            statuses.append(chat(server, max_tokens=2).status)
            until_settled(server)
            if statuses[-1] != 200:
                break
        headers = {"authorization": f"Bearer {KEY}"}
        balance = send(server.origin, Request(path="/v1/balance", headers=headers))
        usage = send(server.origin, Request(path="/v1/usage?by=model", headers=headers))
        table = send(server.origin, Request(path="/v1/usage?format=csv", headers=headers))

    assert [200, 402] == [statuses[0], statuses[-1]]
    (row,) = json.loads(usage.text)["data"]
    assert ({"model": "echo"}, len(statuses) - 1) == (row["group"], row["calls"])
    left = json.loads(balance.text)
    assert 50_000_000 - row["nanos"] == left["nanos"]
    assert "0.00" == left["reserved"]
    assert 2 == len(table.text.splitlines())


def test_requests_per_minute_are_said_and_held() -> None:
    """Each answer says what is left, as OpenAI does; then 429 with ``Retry-After``."""
    with running_server(tables(user_limits={"requests": 2})) as server:
        first, second = chat(server), chat(server, stream=True)
        refused = chat(server)

    assert (200, 200, 429) == (first.status, second.status, refused.status)
    assert ["2", "1"] == [
        limits_of(first)[f"x-ratelimit-{n}-requests"] for n in ("limit", "remaining")
    ]
    assert "0" == limits_of(second)["x-ratelimit-remaining-requests"]
    assert limits_of(first)["x-ratelimit-reset-requests"].endswith("s")
    error = json.loads(refused.text)["error"]
    assert ("rate_limit_error", "rate_limit_exceeded") == (error["type"], error["code"])
    assert "2 requests a minute" in error["message"]
    assert 1 <= int(dict(refused.headers)["retry-after"]) <= 30
    assert "0" == limits_of(refused)["x-ratelimit-remaining-requests"]


def test_tokens_per_minute_are_said() -> None:
    """What was expected is taken at once."""
    long = [{"role": "user", "content": "word " * 400}]
    with running_server(tables(user_limits={"tokens": 700})) as server:
        first, refused = chat(server, messages=long), chat(server, messages=long)

    assert (200, 429) == (first.status, refused.status)
    found = limits_of(first)
    assert "700" == found["x-ratelimit-limit-tokens"]
    assert 0 <= int(found["x-ratelimit-remaining-tokens"]) < 200
    assert "x-ratelimit-limit-requests" not in found


def test_a_days_budget_is_held() -> None:
    """The caller is told when it begins anew."""
    with running_server(tables(user_limits={"day": "0.05"})) as server:
        refused = chat(server, max_tokens=1000)

    assert 429 == refused.status
    assert 0 < int(dict(refused.headers)["retry-after"]) <= 24 * 3600
    assert "$0.05 a day" in json.loads(refused.text)["error"]["message"]


def test_openais_client_knows_the_errors() -> None:
    """402 and 429 are what its classes say."""
    settings = {"enforce_balance": True, "start_balance": "0", "user_limits": {"requests": 1}}
    with running_server(tables(**settings)) as server:
        client = openai.OpenAI(base_url=server.url, api_key=KEY, max_retries=0)
        ask = {"model": "echo", "messages": [{"role": "user", "content": "Hi"}]}
        with client, pytest.raises(openai.APIStatusError) as unpaid:
            client.chat.completions.create(**ask)

    assert 402 == unpaid.value.status_code
    assert "insufficient_quota" == unpaid.value.code


def test_without_limits_no_headers_are_sent() -> None:
    """There is nothing to say."""
    with running_server(tables()) as server:
        assert {} == limits_of(chat(server))


LONG = Answer(
    pieces=[
        *(event(chunk({"content": "tok "})) for _ in range(5000)),
        event(chunk({}, "stop")),
        DONE,
    ]
)
"""A word of four letters, 5,000 times, without usage."""


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_long_answer_ends_when_the_money_is_gone(stream: bool) -> None:
    """With finish_reason ``length``, stop_reason ``budget``, and all that was said by then."""
    ledger = {"enforce_balance": True, "start_balance": "0.2", "prices": PRICES}
    with threaded_upstream([LONG]) as upstream:
        found = {
            "providers": {"up": {"kind": "openai", "base_url": upstream.url}},
            "agents": {"echo": {"provider": "up", "model": "m"}},
            "usage": {"default_output": 40},
            "plugins": {"ledger": ledger},
        }
        with running_server(found) as server:
            reply = chat(server, stream=stream)
            until_settled(server)
            account = server.run(server.runtime.registry.store.ledger.account("user:alice"))

    assert 200 == reply.status
    assert '"finish_reason":"length"' in reply.text
    assert '"stop_reason":"budget"' in reply.text
    said = reply.text.count("tok ")
    assert 100 <= said <= 260
    assert {} == account.reservations
    assert -60_000_000 <= account.balance <= 60_000_000
