"""A stand-in for an OpenAI-compatible model server: real HTTP/1.1 on a real socket.

::

    async with Upstream([text_answer("Hello")]) as upstream:
        ...                              # point a client at upstream.url
        assert upstream.requests[0].body["model"] == "small"

    with threaded_upstream([text_answer("Hello")]) as upstream:
        ...                              # the same, from a thread of its own
"""

import asyncio
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Self

import attrs

from support.answers import (
    DONE,
    Answer,
    Form,
    chunk,
    completion,
    error_answer,
    event,
    json_answer,
    reasoning_chunks,
    stream_of,
    text_answer,
    text_chunks,
    tool_answer,
    tool_chunks,
    usage,
    usage_chunk,
)

__all__ = [
    "DONE",
    "Answer",
    "Form",
    "Received",
    "Upstream",
    "chunk",
    "completion",
    "error_answer",
    "event",
    "json_answer",
    "reasoning_chunks",
    "stream_of",
    "text_answer",
    "text_chunks",
    "threaded_upstream",
    "tool_answer",
    "tool_chunks",
    "usage",
    "usage_chunk",
]

STEP = 0.005


@attrs.frozen
class Received:
    """A request as it came. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Respond = Callable[[Any], Answer]


class Upstream:
    """The server. An async context manager; a request is answered by the next of ``answers``.

    Args:
        answers: in order; the last one answers all further requests, too.
        respond: makes an answer of a request's body, when there are no ``answers``.
    """

    def __init__(self, answers: Iterable[Answer] = (), respond: Respond | None = None):
        self.answers = deque(answers)
        self.respond = respond
        self.requests: list[Received] = []
        self.connections = 0
        self.opened = 0
        self.completed = 0
        self.aborted = 0
        self.port = 0
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """What a client calls ``base_url``."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [connection.abort() for connection in list(self._open)]
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        await asyncio.sleep(0)

    async def until(self, counter: str, count: int = 1, within: float = 1.0) -> None:
        """Wait until ``opened``, ``completed`` or ``aborted`` has reached a count.

        Raises:
            TimeoutError: it has not, within that many seconds.
        """
        async with asyncio.timeout(within):
            while getattr(self, counter) < count:
                await asyncio.sleep(STEP)

    def wait_until(self, counter: str, count: int = 1, within: float = 1.0) -> None:
        """The same, for a test without an event loop."""
        end = time.monotonic() + within
        while getattr(self, counter) < count:
            if time.monotonic() > end:
                message = f"{counter} is {getattr(self, counter)} after {within} s, not {count}"
                raise TimeoutError(message)
            time.sleep(STEP)

    def next_answer(self, body: Any) -> Answer:
        """What to answer a request with."""
        if self.answers:
            return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if self.respond is not None:
            return self.respond(body)
        return text_answer("Hello")


class _Connection(asyncio.Protocol):
    """One connection: requests in, one after the other, answers out."""

    def __init__(self, upstream: Upstream):
        self._upstream = upstream
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._upstream.connections += 1
        self._upstream._open.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._upstream._open.discard(self)
        if self._task is not None and not self._task.done():
            self._upstream.aborted += 1
            self._task.cancel()

    def abort(self) -> asyncio.Task[None] | None:
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
        return self._task

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._begin()

    def _begin(self) -> None:
        """Answer the next request, if it is all there and none is being answered."""
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank or (self._task is not None and not self._task.done()):
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, path, _ = first.split(" ", 2)
        received = Received(method, path, headers, _json(rest[:length]))
        self._upstream.requests.append(received)
        self._task = asyncio.get_running_loop().create_task(self._answer(received))
        self._task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        if task.exception() is not None:
            self._transport.abort()
            task.result()  # for the event loop to log
        self._begin()

    async def _answer(self, received: Received) -> None:
        upstream = self._upstream
        upstream.opened += 1
        if received.path.endswith("/chat/completions"):
            answer = upstream.next_answer(received.body)
        else:
            answer = error_answer(404, f"no such path: {received.path}")
        await _sleep(answer.head_delay)
        self._transport.write(_head(answer))
        for number, piece in enumerate(answer.pieces):
            if number:
                await asyncio.sleep(answer.delay)
            await self._break_off(answer, number)
            self._transport.write(_frame(piece) if answer.chunked else piece)
        await self._break_off(answer, len(answer.pieces))
        upstream.completed += 1
        if answer.chunked:
            self._transport.write(b"0\r\n\r\n")
        else:
            self._transport.close()

    async def _break_off(self, answer: Answer, written: int) -> None:
        if answer.stall_after == written:
            await _sleep(math.inf)
        if answer.cut_after == written:
            await asyncio.sleep(0.02)  # what was written is to be read before the end is seen
            self._transport.close()
            task = asyncio.current_task()
            assert task is not None
            self._task = None  # this end is not the client's doing
            task.cancel()
            await asyncio.sleep(0)


async def _sleep(seconds: float) -> None:
    if seconds == math.inf:
        await asyncio.get_running_loop().create_future()
    elif seconds:
        await asyncio.sleep(seconds)


def _head(answer: Answer) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    framing = {"transfer-encoding": "chunked"} if answer.chunked else {"connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in {**answer.headers, **framing}.items()]
    return f"HTTP/1.1 {answer.status} {phrase}\r\n{''.join(lines)}\r\n".encode("latin-1")


def _frame(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _json(body: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(body)
    return None


@contextmanager
def threaded_upstream(
    answers: Iterable[Answer] = (), respond: Respond | None = None
) -> Iterator[Upstream]:
    """An upstream with an event loop and a thread of its own."""
    upstream = Upstream(answers, respond)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with upstream:
            ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="upstream", daemon=True)
    thread.start()
    try:
        if not ready.wait(5):
            message = "the upstream did not start"
            raise TimeoutError(message)
        yield upstream
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
