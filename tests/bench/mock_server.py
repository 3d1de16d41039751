"""A fast mock of an OpenAI-compatible model server.

One process, one thread: an ``asyncio.Protocol`` on uvloop, httptools for the request, answers that
are encoded once. ``mock_answers`` says which models there are.

Routes: ``POST …/chat/completions``; ``GET /health``; ``GET /stats``: counters, and the moments of
the monotonic clock at which clients left in the midst of an answer.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import httptools
import msgspec
import uvloop
from mock_answers import ID, completion_of, encode, events_of, plan_of

BACKLOG = 4096
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = False


class Message(msgspec.Struct):
    role: str = ""


class Body(msgspec.Struct):
    """What of a request decides the answer."""

    model: str
    messages: list[Message]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    tools: list[dict[str, Any]] = []


class Stats(msgspec.Struct):
    """What has happened so far. ``open`` are the answers under way."""

    requests: int = 0
    open: int = 0
    aborts: list[float] = []


decode = msgspec.json.Decoder(Body).decode


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, stats: Stats, ids: itertools.count):
        self.stats = stats
        self.ids = ids
        self.loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.write, self.close = transport.write, transport.close
        self.parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task is not None and not self.task.done():
            self.stats.aborts.append(time.monotonic())
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        if self.url.endswith(b"/chat/completions"):
            self._chat(decode(self.body))
        elif self.url == b"/stats":
            self.write(_json(msgspec.json.encode(self.stats)))
        else:
            self.write(_json(b'{"status":"ok"}'))

    def _chat(self, body: Body) -> None:
        self.stats.requests += 1
        plan = plan_of(body.model)
        calls = plan.tool and bool(body.tools) and body.messages[-1].role == "user"
        tool = encode(body.tools[0]["function"]) if calls else None
        id_ = b"chatcmpl-%020d" % next(self.ids)
        usage = bool(body.stream_options and body.stream_options.include_usage)
        writes = _stream(body.model, usage, tool) if body.stream else _whole(body.model, tool)
        if not plan.burst:
            self.write(writes[0].replace(ID.encode(), id_))
            return
        delay = plan.delay if body.stream else plan.delay * plan.tokens
        moments = itertools.count(0 if body.stream else delay, delay)
        self.task = self.loop.create_task(self._drip(writes, id_, moments))

    async def _drip(self, writes: Sequence[bytes], id_: bytes, moments: Iterator[float]) -> None:
        """Write piece by piece, paced by the clock and not by the write before: no drift."""
        began = self.loop.time()
        self.stats.open += 1
        try:
            for data, moment in zip(writes, moments, strict=False):
                await asyncio.sleep(max(0.0, began + moment - self.loop.time()))
                self.write(data.replace(ID.encode(), id_))
        finally:
            self.stats.open -= 1


@lru_cache(maxsize=1024)
def _stream(model: str, usage: bool, tool: bytes | None) -> Sequence[bytes]:
    """A streamed answer: what each write sends."""
    events = events_of(model, usage=usage, tool=msgspec.json.decode(tool) if tool else None)
    frames = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    frames[-1] += b"0\r\n\r\n"
    step = plan_of(model).burst or len(frames)
    writes = [b"".join(frames[i : i + step]) for i in range(0, len(frames), step)]
    return [STREAM_HEAD + writes[0], *writes[1:]]


@lru_cache(maxsize=1024)
def _whole(model: str, tool: bytes | None) -> Sequence[bytes]:
    return [_json(completion_of(model, msgspec.json.decode(tool) if tool else None))]


def _json(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def serve(port: int) -> None:
    stats, ids = Stats(), itertools.count(1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Upstream(stats, ids), "127.0.0.1", port, backlog=BACKLOG
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
