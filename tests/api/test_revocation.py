"""A revoked key ends what it started, and lets nobody in."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from openai import APIError, OpenAI

from hookline.moments import now
from support.process import run
from support.server import KEY, RunningServer, add_key, running_server

ADMIN = "hk-admin"
SLOW = {"scripted": {"delay": 0.05}}
SECOND = 1.0
SLACK = 4.0
"""How much longer a busy machine may take; what is asserted is that the stream ends early."""
TABLES = {
    "providers": {"local": {"kind": "scripted"}},
    "agents": {"slow": {"provider": "local", "model": "m", "model_parameters": SLOW}},
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[RunningServer]:
    """A server on a file, so that other processes reach its store."""
    tables = {**TABLES, "store": {"url": f"sqlite:///{tmp_path}/hookline.db"}}
    with running_server(tables) as server:
        server.run(add_key(server.runtime, ADMIN, user="root", role="admin"))
        yield server


def ended(server: RunningServer, revoke: Callable[[], None]) -> tuple[str, float]:
    """How a stream of ``KEY`` ends, and how many seconds after it was revoked."""
    messages = [{"role": "user", "content": "word " * 2000}]
    with (
        OpenAI(base_url=server.url, api_key=KEY, max_retries=0) as client,
        client.chat.completions.create(model="slow", messages=messages, stream=True) as stream,
    ):
        next(iter(stream))
        revoke()
        revoked = time.monotonic()
        try:
            for _ in stream:
                pass
        except APIError as error:
            return str(error.code), time.monotonic() - revoked
    return "not ended early", time.monotonic() - revoked


def key_id(server: RunningServer) -> str:
    keys = server.run(server.runtime.registry.store.keys.list(user="alice"))
    return next(key.id for key in keys)


def test_revoking_over_http_ends_the_stream_and_lets_nobody_in(served: RunningServer) -> None:
    """At once on the server that was asked."""

    def revoke() -> None:
        url = f"{served.origin}/admin/v1/keys/{key_id(served)}"
        answer = httpx.delete(url, headers={"authorization": f"Bearer {ADMIN}"}, timeout=30)
        assert answer.status_code == 200

    code, seconds = ended(served, revoke)
    answer = httpx.get(f"{served.url}/models", headers={"authorization": f"Bearer {KEY}"})

    assert code == "invalid_api_key"
    assert seconds < SECOND + SLACK
    assert answer.status_code == 401


def test_revoking_from_another_process_ends_the_stream(
    served: RunningServer, tmp_path: Path
) -> None:
    """The command line writes into the store; the server sees it there."""
    url = served.runtime.registry.config.store.url

    def revoke() -> None:
        result = run("keys", "revoke", key_id(served), cwd=tmp_path, HOOKLINE_STORE__URL=url)
        assert result.returncode == 0, result.stderr

    code, seconds = ended(served, revoke)
    answer = httpx.get(f"{served.url}/models", headers={"authorization": f"Bearer {KEY}"})

    assert code == "invalid_api_key"
    assert seconds < SECOND + SLACK
    assert answer.status_code == 401


def test_an_answer_in_one_piece_ends_with_401(served: RunningServer) -> None:
    """So does a request that does not stream."""
    store = served.runtime.registry.store

    def revoke_soon() -> None:
        time.sleep(0.3)
        served.run(store.keys.revoke(key_id(served), now()))

    thread = threading.Thread(target=revoke_soon)
    thread.start()
    answer = httpx.post(
        f"{served.url}/chat/completions",
        headers={"authorization": f"Bearer {KEY}"},
        json={"model": "slow", "messages": [{"role": "user", "content": "word " * 2000}]},
        timeout=60,
    )
    thread.join()

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
