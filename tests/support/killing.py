"""Real servers that are killed at any moment, and an upstream that counts what it serves."""

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import attrs

from support.forks import Fleet, zygote
from support.process import installed

SECONDS = 30
NOTICED = 3.0
"""Seconds after which a server has surely recorded what a client that left has used."""

WITNESS = """
import json, os
from hookline import hookimpl

class Witness:
    async def admit(self, admission):
        return None

    async def record(self, entry):
        tokens = entry.tokens
        self.write({"id": entry.id, "talk": entry.conversation, "input": tokens.input,
                    "output": tokens.output, "amount": entry.price.amount})

    async def close(self, closing):
        self.write({"run": closing.run, "outcome": closing.outcome})

    def write(self, line):
        fd = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, json.dumps(line).encode() + b"\\n")
        finally:
            os.close(fd)

@hookimpl
def usage_recorder():
    return Witness()
"""
"""A recorder of a third party's: a line for each time that it is told something."""

CONFIG = """
[server]
port = 0
access_log = false
log_level = "error"

[store]
url = "{store}"

[providers.counting]
kind = "openai"
base_url = "{upstream}"
retries = 0

[agents.helper]
provider = "counting"
model = "m"
recursion_limit = 6

[usage]
lease = 1.0
interval = 0.05

[plugins.ledger]
enforce_balance = true
start_balance = "1000"

[[plugins.ledger.prices]]
model = "*"
input = "3"
output = "7"
"""


class Upstream(ThreadingHTTPServer):
    """Speaks OpenAI's format, and does what the first message of a request says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = defaultdict[str, list[Counter[str]]](list)
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, *_: Any) -> None:
        """Those who leave are no error."""


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        script = json.loads(body["messages"][0]["content"])
        counts: Counter[str] = Counter()
        with self.server.lock:
            calls = self.server.served[script["talk"]]
            calls.append(counts)
            first = len(calls) == 1
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        counts["input"] = 11
        for _ in range(script["tokens"]):
            self._send({"content": "tok "})
            counts["output"] += 1
            time.sleep(script["pause"])
        if script["end"] == "break":
            return
        if script["end"] == "hang":
            self.rfile.read(1)  # until the server hangs up
            return
        calling = script["end"] == "tool" and first
        if calling:
            call = {"index": 0, "id": "x", "function": {"name": "none", "arguments": "{}"}}
            self._send({"tool_calls": [call]})
        self._send({}, "tool_calls" if calling else "stop")
        counts["finished"] = 1
        usage = {"prompt_tokens": 11, "completion_tokens": counts["output"]}
        self._write({"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, delta: Mapping[str, Any], finish: str | None = None) -> None:
        self._write({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def _write(self, chunk: Mapping[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


@attrs.define
class Ask:
    """A request, and how far its client has come."""

    talk: str
    script: Mapping[str, Any]
    stream: bool
    server: int
    outcome: str = "cut off"
    left_at: float = 0.0


@attrs.define
class House(Fleet):
    """Two servers on one store, their upstream, and those who ask."""

    upstream: Upstream = attrs.field(kw_only=True)
    asks: list[Ask] = attrs.field(factory=list)
    pool: ThreadPoolExecutor = attrs.field(factory=lambda: ThreadPoolExecutor(8))

    def kill(self) -> None:
        """Kill one of the servers, and start another one."""
        server = self.kill_one()
        killed_at = time.monotonic()
        for ask in self.asks:
            # The server may not have noticed yet that its client is gone.
            if ask.server == server.pid and ask.outcome == "left":
                ask.outcome = "cut off" if killed_at - ask.left_at < NOTICED else "left"
        self.start()

    def ask(self) -> None:
        """Have somebody ask one of the servers, in the background."""
        talk = f"talk-{len(self.asks)}"
        script = {
            "talk": talk,
            "tokens": self.random.randrange(12),
            "pause": self.random.choice([0.0, 0.001, 0.01, 0.05]),
            "end": self.random.choice(["stop", "stop", "stop", "hang", "break", "tool"]),
        }
        server = self.random.choice(self.servers)
        ask = Ask(talk, script, stream=self.random.random() < 0.7, server=server.pid)
        self.asks.append(ask)
        self.pool.submit(self._do, ask, server.origin)

    def _do(self, ask: Ask, origin: str) -> None:
        body = {
            "model": "helper",
            "stream": ask.stream,
            "conversation_id": ask.talk,
            "messages": [{"role": "user", "content": json.dumps(ask.script)}],
        }
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        address = urlsplit(origin)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            if ask.script["end"] == "hang":
                self._leave(ask, connection)
                return
            reply = connection.getresponse()
            text = reply.read()
            whole = b"[DONE]" in text if ask.stream else True
            ask.outcome = "answered" if whole else "cut off"
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def _leave(self, ask: Ask, connection: http.client.HTTPConnection) -> None:
        """Read what the upstream sends before it hangs, then go."""
        if ask.stream and ask.script["tokens"]:
            reply = connection.getresponse()
            for _ in range(ask.script["tokens"]):
                while b'"content":"tok ' not in (line := reply.readline()):
                    if not line:
                        return
            ask.left_at = time.monotonic()
            ask.outcome = "left"
            return
        time.sleep(0.2)
        ask.outcome = "gone"

    def wait(self) -> None:
        """Wait for all who ask."""
        self.pool.shutdown(wait=True)
        self.pool = ThreadPoolExecutor(8)

    def told(self) -> list[dict[str, Any]]:
        """What the recorder of a third party was told."""
        path = self.folder / "witness.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def house(folder: Path, store: str, key: str, seed: int) -> Iterator[House]:
    """A house without servers yet, whose store has a user with this key."""
    upstream = Upstream()
    thread = threading.Thread(target=upstream.serve_forever, daemon=True)
    thread.start()
    (folder / "hookline.toml").write_text(CONFIG.format(store=store, upstream=upstream.url))
    environment = {
        "PYTHONPATH": installed(folder / "packages", {"witness": WITNESS}),
        "WITNESS": str(folder / "witness.jsonl"),
    }
    try:
        with zygote(environment) as forks:
            made = House(folder, key, forks, Random(seed), upstream=upstream)
            try:
                yield made
            finally:
                made.stop()
                made.pool.shutdown(wait=True)
    finally:
        upstream.shutdown()
        upstream.server_close()
        thread.join(SECONDS)
