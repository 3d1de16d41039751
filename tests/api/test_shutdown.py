"""How a server ends: no new runs, a time of grace for those that run, exit code 0."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from support.process import Program, run, serving
from support.upstream import stream_of, text_answer, text_chunks, threaded_upstream

CONFIG = """
[server]
port = 0
grace = {grace}

[store]
url = "sqlite:///./hookline.db"

[providers.local]
kind = "scripted"

[plugins.acl.roles]
user = ["remote_agents.use"]

[agents.slow]
provider = "local"
model = "small"
model_parameters = {{ scripted = {{ delay = 0.1 }} }}

[agents.stuck]
provider = "local"
model = "small"
model_parameters = {{ scripted = {{ stall_after = 1 }} }}

[providers.upstream]
kind = "openai"
base_url = "{upstream}"

[agents.remote]
provider = "upstream"
model = "small"
"""
WORDS = "one two three four five six seven eight nine ten"
LONG = 30.0
COMPLETIONS = "/chat/completions"


@contextmanager
def served(
    folder: Path, grace: float, upstream: str = "http://127.0.0.1:9/v1"
) -> Iterator[tuple[Program, httpx.Client]]:
    """A server, and a client that has a key."""
    (folder / "hookline.toml").write_text(CONFIG.format(grace=grace, upstream=upstream))
    key = _key(folder)
    with serving("serve", cwd=folder) as program:
        headers = {"authorization": f"Bearer {key}"}
        base = f"{program.origin}/v1"
        with httpx.Client(base_url=base, headers=headers, timeout=LONG, trust_env=False) as client:
            yield program, client


def _key(folder: Path) -> str:
    made = run("keys", "create", "--user", "alice", "--json", cwd=folder)
    return str(json.loads(made.stdout)["key"])


def body(agent: str, text: str = WORDS, *, stream: bool = True) -> dict[str, Any]:
    """A request."""
    return {
        "model": agent,
        "stream": stream,
        "messages": [{"role": "user", "content": text}],
    }


def text_of(events: list[str]) -> str:
    """The answer that the chunks of a stream make."""
    chunks = [json.loads(event) for event in events if event != "[DONE]"]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def data(lines: Iterator[str]) -> Iterator[str]:
    """The events of a stream."""
    return (line.removeprefix("data: ") for line in lines if line.startswith("data: "))


def log_of(program: Program) -> list[str]:
    """The events of the server's log."""
    return [json.loads(line)["event"] for line in program.stderr.splitlines()]


def test_a_stream_under_way_comes_to_its_end(tmp_path: Path) -> None:
    """After SIGTERM a running stream goes on within the time of grace, and the exit code is 0."""
    with served(tmp_path, grace=LONG) as (program, client):
        with client.stream("POST", COMPLETIONS, json=body("slow")) as response:
            events = data(response.iter_lines())
            first = [next(events), next(events)]
            program.process.send_signal(signal.SIGTERM)
            rest = list(events)
        code = program.process.wait(LONG)

    assert (0, "[DONE]") == (code, rest[-1])
    assert WORDS == text_of([*first, *rest])
    assert "stop" == json.loads(rest[-2])["choices"][0]["finish_reason"]
    assert "server.grace_over" not in log_of(program)


def test_an_answer_in_one_piece_is_waited_for(tmp_path: Path) -> None:
    """A request that does not stream is answered, too."""
    answer = text_answer(WORDS, delay=0.1)
    with (
        threaded_upstream([answer]) as upstream,
        served(tmp_path, LONG, upstream.url) as (program, client),
        _sent(client.build_request("POST", COMPLETIONS, json=body("remote", stream=False))) as sent,
    ):
        upstream.wait_until("opened", within=LONG)
        program.process.send_signal(signal.SIGTERM)
        answered = _read_all(sent)
        code = program.process.wait(LONG)

    assert (0, b"HTTP/1.1 200") == (code, answered[:12])
    assert WORDS.encode() in answered


def test_when_grace_is_over_a_stream_ends_with_an_error(tmp_path: Path) -> None:
    """What takes longer gets an error event that says why, then the end; the exit code is 0."""
    with served(tmp_path, grace=0.3) as (program, client):
        with client.stream("POST", COMPLETIONS, json=body("stuck")) as response:
            events = data(response.iter_lines())
            next(events)
            program.process.send_signal(signal.SIGTERM)
            rest = list(events)
        code = program.process.wait(LONG)

    error = json.loads(rest[-2])["error"]
    assert (0, "[DONE]") == (code, rest[-1])
    assert ("server_error", "cancelled") == (error["type"], error["code"])
    assert "the server is shutting down" in error["message"]
    assert "server.grace_over" in log_of(program)


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """Whoever does not want to wait signals again; streams still get their error event."""
    with served(tmp_path, grace=LONG) as (program, client):
        with client.stream("POST", COMPLETIONS, json=body("stuck")) as response:
            events = data(response.iter_lines())
            next(events)
            program.process.send_signal(signal.SIGTERM)
            program.wait_for("server.stopping", "stderr")
            program.process.send_signal(signal.SIGTERM)
            rest = list(events)
        code = program.process.wait(LONG)

    assert (0, "[DONE]") == (code, rest[-1])
    assert "cancelled" == json.loads(rest[-2])["error"]["code"]


def test_no_new_runs_are_taken(tmp_path: Path) -> None:
    """While streams come to their end, nobody else is let in."""
    with served(tmp_path, grace=LONG) as (program, client):
        with client.stream("POST", COMPLETIONS, json=body("slow")) as response:
            events = data(response.iter_lines())
            next(events)
            program.process.send_signal(signal.SIGTERM)
            program.wait_for("server.stopping", "stderr")
            try:
                refused = client.post(COMPLETIONS, json=body("slow")).status_code
            except httpx.TransportError:
                refused = 503
            rest = list(events)

    assert (503, "[DONE]") == (refused, rest[-1])


def test_a_client_that_does_not_read_is_left_behind(tmp_path: Path) -> None:
    """A connection that is stuck does not keep the server from ending with exit code 0."""
    megabytes = stream_of(text_chunks("word " * 4_000_000, size=1_000_000))
    with (
        threaded_upstream([megabytes]) as upstream,
        served(tmp_path, 0.3, upstream.url) as (program, client),
        _sent(client.build_request("POST", COMPLETIONS, json=body("remote"))) as sent,
    ):
        upstream.wait_until("completed", within=LONG)
        assert b"HTTP" == sent.recv(4)
        program.process.send_signal(signal.SIGTERM)
        code = program.process.wait(LONG)

    keys = json.loads(run("keys", "list", "--json", cwd=tmp_path).stdout)
    assert 0 == code
    assert "server.grace_over" in log_of(program)
    assert keys[0]["last_used_at"], "parts are stopped in order even so"


@contextmanager
def _sent(request: httpx.Request) -> Iterator[socket.socket]:
    """A connection that a request was sent over, with nothing read of the answer."""
    host, port = request.url.host, request.url.port
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    line = f"{request.method} {request.url.path} HTTP/1.1\r\n"
    with socket.create_connection((host, port), timeout=LONG) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"{line}{head}\r\n".encode() + request.content)
        yield connection


def _read_all(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)
