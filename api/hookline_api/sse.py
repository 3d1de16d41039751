"""Streams: a run's log on one side, Server-Sent Events on the other."""

from collections.abc import AsyncIterator, Mapping, Sequence

from hookline.events import Event
from hookline.runs import Run
from hookline_api.dialects import Encoder

HEADERS: Mapping[str, str] = {
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
HEARTBEAT = b": keep-alive\n\n"
"""A comment: it keeps proxies from closing a quiet connection, and clients skip it."""


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
    read, encode, position = run.log.read, encoder.encode, len(first)
    try:
        yield encoder.open() + encode(first)
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
