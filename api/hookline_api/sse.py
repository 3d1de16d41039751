"""Streams: a run's log on one side, Server-Sent Events on the other."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from litestar import Litestar, Request
from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import HTTPResponseBodyEvent, Receive, Send

from hookline.events import Event
from hookline.runs import Run
from hookline_api.dialects import Encoder

HEADERS: Mapping[str, str] = {
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
HEARTBEAT = b": keep-alive\n\n"
"""A comment: it keeps proxies from closing a quiet connection, and clients skip it."""


class EventStream(Stream):
    """A streamed answer that is sent without a task of its own.

    Litestar's streams watch for a client that leaves; a chat's run is watched from its start, and
    its end is the end of the stream. So an idle stream holds less, and a chunk costs less.
    """

    def __init__(self, pieces: AsyncIterator[bytes]):
        super().__init__(pieces, media_type="text/event-stream", headers=dict(HEADERS))
        self._pieces = pieces

    def to_asgi_response(
        self,
        app: Litestar | None,
        request: Request[Any, Any, Any],
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> ASGIResponse:
        """The response as it is sent; cookies and background tasks have no part in it."""
        return _Sending(
            iterator=self._pieces,
            headers={**(headers or {}), **self.headers},
            media_type=self.media_type,
            status_code=self.status_code,
        )


class _Sending(ASGIStreamingResponse):
    """Sends each piece at once; ``send`` waits for a client that reads slowly."""

    iterator: AsyncIterator[bytes]

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send piece by piece, then the end."""
        async for piece in self.iterator:
            await send(_body(piece, more=True))
        await send(_body(b"", more=False))


def _body(piece: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def stream(
    run: Run, encoder: Encoder, first: Sequence[Event], heartbeat: float
) -> AsyncIterator[bytes]:
    """A run as bytes. A reader that leaves cancels the run.

    Args:
        run: whose log is read to its end.
        encoder: of the dialect.
        first: the events that were read already, from the beginning.
        heartbeat: seconds of silence after which a comment is sent.
    """
    read, encode, position = run.log.read, encoder.encode, run.position + len(first)
    try:
        yield encoder.open() + encode([*run.open_calls, *first])
        while True:
            events = await read(position, heartbeat)
            if events is None:
                yield HEARTBEAT
                continue
            if not events:
                return
            position += len(events)
            yield encode(events)
    finally:
        run.cancel("client_gone")
