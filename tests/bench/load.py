"""A fast closed-loop load generator for chat completions.

So many connections, each sending its next request when the last answer is complete. Raw sockets on
uvloop, httptools for the responses. Every answer is checked, one in eight by decoding every event.
The time to the first token ends when the first ``content`` that is not empty has come; of an answer
in one piece, when all of it has. Prints one JSON object, an ``Outcome``.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections import Counter

import httptools
import msgspec
import uvloop
from reading import CONTENT, faults_of, read_body, read_events, scan_events

DECODE_EVERY = 8
REFUSED_LIMIT = 5
GRACE = 60.0
"""Seconds for answers under way when the time is over."""


class Target(msgspec.Struct, frozen=True):
    """Where to send requests, and what to expect.

    ``tokens`` are those of one answer, ``turns`` the model calls that it takes.
    """

    port: int
    model: str
    tokens: int
    key: str = ""
    stream: bool = True
    turns: int = 1


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """What came of it."""

    requests: int
    seconds: float
    client_cpu_seconds: float
    first_ms: Quantiles
    total_ms: Quantiles
    faults: dict[str, int]
    samples: dict[str, str]


class Load:
    """All connections together.

    Args:
        target: where to.
        limit: how many requests at most.
        least: how many at least, however long they take.
        seconds: after how long no further request is sent.
    """

    def __init__(self, target: Target, *, limit: int, least: int, seconds: float):
        self.target = target
        self.limit = limit
        self.least = least
        self.until = time.perf_counter() + seconds
        self.sent = 0
        self.firsts: list[float] = []
        self.totals: list[float] = []
        self.faults: Counter[str] = Counter()
        self.samples: dict[str, str] = {}
        self._head, self._body = _request_of(target)

    def next_request(self) -> bytes | None:
        """The next request, or none if it is enough."""
        if self.sent >= self.limit:
            return None
        if self.sent >= self.least and time.perf_counter() > self.until:
            return None
        self.sent += 1
        body = self._body.replace(b"NUMBER", b"%06d" % (self.sent % 1_000_000))
        return b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(body), body)

    def fault(self, kind: str, sample: str = "") -> None:
        """Count something wrong, and keep one sample of it."""
        self.faults[kind] += 1
        self.samples.setdefault(kind, sample[-300:])

    def take(self, status: int, raw: bytes, first: float, total: float) -> None:
        """An answer is complete; times in seconds."""
        self.firsts.append(first)
        self.totals.append(total)
        if status != 200:
            self.fault(f"status {status}", raw.decode("utf-8", "replace"))
            return
        target = self.target
        read = scan_events if len(self.totals) % DECODE_EVERY else read_events
        answer = read(raw) if target.stream else read_body(raw)
        for kind in faults_of(answer, target.tokens, target.turns, stream=target.stream):
            self.fault(kind, raw.decode("utf-8", "replace"))


def _request_of(target: Target) -> tuple[bytes, bytes]:
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        f"host: 127.0.0.1:{target.port}\r\ncontent-type: application/json\r\n"
    )
    if target.key:
        head += f"authorization: Bearer {target.key}\r\n"
    body = {
        "model": target.model,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Say the words, please. NUMBER"},
        ],
        "stream": target.stream,
    }
    if target.stream:
        body["stream_options"] = {"include_usage": True}
    return head.encode(), msgspec.json.encode(body)


class Client(asyncio.Protocol):
    """One connection; sends requests one after another."""

    def __init__(self, load: Load, ended: "asyncio.Future[bool]"):
        self.load = load
        self.ended = ended
        self.inside = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._go()

    def _go(self) -> None:
        request = self.load.next_request()
        if request is None:
            self.transport.close()
            return
        self.parser = httptools.HttpResponseParser(self)
        self.parts: list[bytes] = []
        self.first = 0.0
        self.inside = True
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.load.fault("not HTTP", repr(error))
            self.inside = False
            self.transport.close()
            return
        waiting = self.inside and not self.first and self.load.target.stream
        if waiting and CONTENT.search(b"".join(self.parts)):
            self.first = time.perf_counter()

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.inside = False
        raw = b"".join(self.parts)
        first = (self.first or now) - self.began
        self.load.take(self.parser.get_status_code(), raw, first, now - self.began)
        if self.parser.should_keep_alive():
            asyncio.get_running_loop().call_soon(self._go)  # not from inside the parser
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.inside:
            self.load.fault("connection lost", repr(exc))
        if not self.ended.done():
            self.ended.set_result(True)


async def _connection(load: Load) -> None:
    """Connect, and again when the server closes."""
    loop = asyncio.get_running_loop()
    refused = 0
    while load.sent < load.least or (
        load.sent < load.limit and time.perf_counter() < load.until and refused < REFUSED_LIMIT
    ):
        ended: asyncio.Future[bool] = loop.create_future()
        try:
            await loop.create_connection(
                lambda e=ended: Client(load, e), "127.0.0.1", load.target.port
            )
        except OSError as error:
            load.fault("refused", repr(error))
            refused += 1
            await asyncio.sleep(0.1)
            continue
        await ended


async def run(load: Load, connections: int, seconds: float) -> Outcome:
    """Send the load over this many connections."""
    cpu, began = time.process_time(), time.perf_counter()
    async with asyncio.timeout(seconds + GRACE):
        await asyncio.gather(*(_connection(load) for _ in range(connections)))
    return Outcome(
        requests=len(load.totals),
        seconds=time.perf_counter() - began,
        client_cpu_seconds=time.process_time() - cpu,
        first_ms=quantiles(load.firsts),
        total_ms=quantiles(load.totals),
        faults=dict(load.faults),
        samples=load.samples,
    )


def quantiles(seconds: list[float]) -> Quantiles:
    """Of times in seconds, in milliseconds."""
    if not seconds:
        return Quantiles()
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Quantiles(at(0.5), at(0.95), at(0.99))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="a Target as JSON")
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--requests", type=int, default=0, help="0 for as many as there is time")
    options = parser.parse_args()
    target = msgspec.json.decode(options.target, type=Target)
    load = Load(
        target,
        limit=options.requests or sys.maxsize,
        least=options.requests or options.connections,
        seconds=options.seconds,
    )
    gc.freeze()
    outcome = await run(load, options.connections, options.seconds)
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")


if __name__ == "__main__":
    uvloop.run(main())
