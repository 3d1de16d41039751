"""Streams: headers, heartbeats, order, slow readers, and clients that leave."""

import asyncio
import http.client
import json
import math
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import attrs
import pytest

from hookline import PluginContext, StaticTools, ToolLoader, hookimpl, tool
from hookline.testing import RecordingRecorder
from support.answers import chunk, event, stream_of
from support.server import KEY, RunningServer, running_server
from support.upstream import Answer, Upstream, text_answer, threaded_upstream
from support.waiting import until
from support.wire_parts import Recording

HEARTBEAT = b": keep-alive\n\n"
SECONDS = 20
LONG = 20_000
"""Tokens of a stream that no socket's buffers hold."""

PIECE = "word " * 20


class Sleeper:
    """A plugin with a tool that never answers, and notes when it begins and is cancelled."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.cancelled = threading.Event()

    @hookimpl
    def tool_loader(self, plugin: PluginContext) -> ToolLoader:
        @tool
        async def sleep() -> str:
            """Sleep."""
            self.began.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
            return "awake"

        return StaticTools(sleep)


def _call(name: str) -> dict[str, Any]:
    return {"index": 0, "id": "up_1", "function": {"name": name, "arguments": "{}"}}


def agent(model: str, **fields: Any) -> dict[str, Any]:
    """An agent that speaks through the upstream."""
    return {"provider": "upstream", "model": model, **fields}


ANSWERS: Mapping[str, Answer] = {
    "text": text_answer("Hello there"),
    "silent": text_answer("Hello", head_delay=math.inf),
    "stalled": text_answer("Hello there", stall_after=3),
    "slow": text_answer("Hello there", delay=0.35),
    "late": text_answer("Hello", head_delay=0.5),
    "long": stream_of([chunk({"content": f"{i} {PIECE}"}) for i in range(LONG)]),
    "call": Answer(
        pieces=[
            event(chunk({"tool_calls": [_call("sleep")]})),
            event(chunk({}, "tool_calls")),
        ]
    ),
}


@attrs.frozen
class House:
    """A server, the upstream behind it, and what the test may watch."""

    server: RunningServer
    upstream: Upstream
    sleeper: Sleeper
    recorder: RecordingRecorder


@contextmanager
def house(**tables: Any) -> Iterator[House]:
    """A server with an agent per answer, and a heartbeat every 0.1 s."""
    sleeper, recorder = Sleeper(), RecordingRecorder()
    plugins = {"sleeper": sleeper, "recording": Recording(recorder)}
    with threaded_upstream(respond=lambda body: ANSWERS[body["model"]]) as upstream:
        provider = {"kind": "openai", "base_url": upstream.url, "retries": 0}
        agents = {name: agent(name, tools=["sleep"] if name == "call" else []) for name in ANSWERS}
        base = {
            "providers": {"upstream": {**provider, **tables.pop("provider", {})}},
            "agents": agents,
            "api": {"heartbeat": 0.1},
        }
        with running_server({**base, **tables}, plugins) as server:
            yield House(server, upstream, sleeper, recorder)


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    """The house that most tests share."""
    with house() as made:
        yield made


@contextmanager
def asked(
    house: House, model: str, *, stream: bool = True, **headers: str
) -> Iterator[http.client.HTTPConnection]:
    """A connection on which a chat completion was asked for."""
    port = int(house.server.origin.rsplit(":", 1)[1])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": stream,
        }
        sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), sent)
        yield connection


def text_of(stream: bytes) -> str:
    """The text that a stream carries."""
    datas = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: {")]
    chunks = [json.loads(data) for data in datas]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def test_a_stream_is_not_to_be_buffered_or_compressed(home: House) -> None:
    """Headers tell proxies to pass it on as it is, even where the client takes gzip."""
    with asked(home, "text", **{"accept-encoding": "gzip, br"}) as connection:
        response = connection.getresponse()
        body = response.read()

    assert response.status == 200
    assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
    assert response.getheader("cache-control") == "no-cache, no-transform"
    assert response.getheader("x-accel-buffering") == "no"
    assert response.getheader("content-encoding") is None
    assert (response.getheader("x-request-id") or "").startswith("req_")
    assert text_of(body) == "Hello there"


def test_a_quiet_model_does_not_make_a_quiet_stream(home: House) -> None:
    """Comments go out before the first token, from the first heartbeat on."""
    with asked(home, "late") as connection:
        body = connection.getresponse().read()

    before, _, after = body.partition(b"Hell")
    assert before.count(HEARTBEAT) >= 2
    assert before.startswith(b"data: {"), "the role comes first"
    assert text_of(body) == "Hello"
    assert after.endswith(b"data: [DONE]\n\n")


def test_heartbeats_go_out_between_tokens(home: House) -> None:
    """A pause between two tokens is filled with comments, and the text is whole."""
    with asked(home, "slow") as connection:
        body = connection.getresponse().read()

    between = body.partition(b"Hell")[2].partition(b"ere")[0]
    assert between.count(HEARTBEAT) >= 2
    assert text_of(body) == "Hello there"


def test_the_first_byte_follows_the_first_token() -> None:
    """Headers are not sent before there is something to say or a heartbeat is due."""
    with house(api={"heartbeat": 30}) as made, asked(made, "stalled") as connection:
        response = connection.getresponse()
        first = response.readline() + response.readline() + response.readline()

        assert response.status == 200
        assert b'"role":"assistant"' in first
        assert b"Hell" in first


@pytest.mark.parametrize("model", ["stalled", "silent"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_client_that_leaves_ends_the_upstream_request(
    home: House, model: str, stream: bool
) -> None:
    """In the midst of a stream, before its first token, or before a JSON answer."""
    opened, aborted = home.upstream.opened, home.upstream.aborted
    with asked(home, model, stream=stream) as connection:
        home.upstream.wait_until("opened", opened + 1, SECONDS)
        if stream:
            connection.getresponse().readline()

    home.upstream.wait_until("aborted", aborted + 1, within=1.0)
    until(lambda: not home.server.runtime.running, SECONDS)


def test_what_was_consumed_is_billed_when_the_client_leaves(home: House) -> None:
    """The run is closed as cancelled, and its tokens are estimated."""
    home.recorder.closings.clear()
    with asked(home, "stalled") as connection:
        connection.getresponse().readline()

    until(lambda: home.recorder.closings, SECONDS)
    (closing,) = home.recorder.closings
    (entry,) = home.recorder.entries_of(closing.run)
    assert closing.outcome == "cancelled"
    assert entry.estimated
    assert entry.tokens.output > 0


def test_tools_are_cancelled_when_the_client_leaves(home: House) -> None:
    """A tool at work hears of it."""
    home.sleeper.began.clear()
    home.sleeper.cancelled.clear()
    with asked(home, "call") as connection:
        connection.getresponse()
        assert home.sleeper.began.wait(SECONDS)

    assert home.sleeper.cancelled.wait(SECONDS)
    until(lambda: not home.server.runtime.running, SECONDS)


def test_a_tool_that_takes_too_long_is_cancelled() -> None:
    """The model is told, and the run goes on."""
    with house(runs={"tool_deadline": 0.1}) as made, asked(made, "call") as connection:
        connection.getresponse()
        assert made.sleeper.cancelled.wait(SECONDS)
        made.upstream.wait_until("opened", 2, SECONDS)

        (said,) = [m for m in made.upstream.requests[1].body["messages"] if m["role"] == "tool"]
        assert "Tool sleep took longer than 0.1 s" in said["content"]


def test_a_reader_that_stalls_gets_everything_in_order(home: House) -> None:
    """Nothing is lost, doubled or reordered; meanwhile others are served."""
    with asked(home, "long") as slow:
        response = slow.getresponse()
        first = response.readline()
        with asked(home, "text") as quick:
            assert text_of(quick.getresponse().read()) == "Hello there"
        body = first + response.read()

    expected = "".join(f"{i} {PIECE}" for i in range(LONG))
    assert text_of(body) == expected


def test_readers_at_once_get_what_is_theirs(home: House) -> None:
    """Many streams at the same time are all whole."""
    texts: list[str] = []

    def read() -> None:
        with asked(home, "text") as connection:
            texts.append(text_of(connection.getresponse().read()))

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert texts == ["Hello there"] * 16


def test_a_stall_before_the_first_byte_is_a_504_and_after_it_an_event() -> None:
    """A status while one can still be sent, an error event afterwards."""
    waits = {"first_token_timeout": 0.3, "token_timeout": 0.3}
    with house(provider=waits, api={"heartbeat": 30}) as made:
        with asked(made, "silent") as connection:
            before = connection.getresponse()
            error = json.loads(before.read())["error"]
        with asked(made, "stalled") as connection:
            after = connection.getresponse()
            body = after.read()

    assert (before.status, error["code"]) == (504, "provider_timeout")
    assert after.status == 200
    *_, last, done, rest = body.split(b"\n\n")
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "provider_timeout"
    assert (done, rest) == (b"data: [DONE]", b"")


def test_an_error_after_a_heartbeat_is_an_event() -> None:
    """Once headers are out, the status cannot change any more."""
    with house(provider={"first_token_timeout": 0.4}) as made, asked(made, "silent") as connection:
        response = connection.getresponse()
        body = response.read()

    assert response.status == 200
    assert HEARTBEAT in body
    assert b'"code":"provider_timeout"' in body
    assert body.endswith(b"data: [DONE]\n\n")


def test_a_run_that_takes_too_long_ends_its_stream() -> None:
    """The deadline of runs gives an error event, and closes the upstream request."""
    with house(runs={"deadline": 0.5}) as made, asked(made, "stalled") as connection:
        body = connection.getresponse().read()
        made.upstream.wait_until("aborted", 1, within=1.0)

    assert b'"code":"deadline_exceeded"' in body
    assert body.endswith(b"data: [DONE]\n\n")


def test_a_client_that_resets_the_connection_has_left(home: House) -> None:
    """A connection that breaks counts as one that is closed."""
    opened, aborted = home.upstream.opened, home.upstream.aborted
    with asked(home, "stalled") as connection:
        home.upstream.wait_until("opened", opened + 1, SECONDS)
        response = connection.getresponse()
        response.readline()
        assert connection.sock is not None
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        response.close()

    home.upstream.wait_until("aborted", aborted + 1, within=1.0)
