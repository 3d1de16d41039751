"""Payloads out of bytes: of server-sent events, or of a body that is one JSON text.

Rules: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from typing import Protocol

BOM = b"\xef\xbb\xbf"
CR, LF = 13, 10  # as numbers: looking for one in bytes is 15 times faster than for b"\r"


class TooLong(ValueError):
    """An event, or the body, is longer than it may be; ``before`` are the payloads before it."""

    def __init__(self, before: list[bytes]):
        super().__init__("an event is larger than the limit")
        self.before = before


class Payloads(Protocol):
    """Takes bytes as they come, gives payloads as they are complete."""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete now; an empty one carries nothing."""

    def end(self) -> list[bytes]:
        """What is left when no more bytes come."""


class EventStream:
    """The ``data`` of server-sent events, however the bytes are split."""

    __slots__ = ("_after_cr", "_limit", "_rest")

    def __init__(self, limit: int):
        self._limit = limit
        self._rest = bytearray()
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that these bytes complete.

        Raises:
            TooLong: an event is larger than the limit.
        """
        if self._after_cr or CR in data:
            data = self._with_line_feeds(data)
        rest = self._rest
        if rest:
            # Kept in one place and not looked through again, so that an event in a thousand
            # pieces costs no more than it has bytes.
            if b"\n\n" not in rest[-1:] + data:
                return self._keep(data)
            data = bytes(rest + data)
            rest.clear()
        end = data.rfind(b"\n\n")
        if end < 0:
            return self._keep(data)
        if end + 2 < len(data):
            rest += data[end + 2 :]
        if data.startswith(b"data: ") and end <= self._limit:
            payloads = data[6:end].split(b"\n\ndata: ")
            if not [payload for payload in payloads if LF in payload]:
                return payloads  # nothing but data, one line each: nearly always
        return self._split(data[:end])

    def _split(self, events: bytes) -> list[bytes]:
        payloads: list[bytes] = []
        for event in events.removeprefix(BOM).split(b"\n\n"):
            if len(event) > self._limit:
                raise TooLong(payloads)
            payloads.append(data_of(event))
        return payloads

    def _keep(self, data: bytes) -> list[bytes]:
        self._rest += data
        if len(self._rest) > self._limit:
            raise TooLong([])
        return []

    def end(self) -> list[bytes]:
        """The data of an event that lacks only the blank line after it; half an event is none."""
        whole = self._rest.rstrip().endswith((b"}", b"[DONE]"))
        return self.feed(b"\n\n") if whole else []

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class WholeBody:
    """A body that is one payload."""

    __slots__ = ("_body", "_limit")

    def __init__(self, limit: int):
        self._limit = limit
        self._body = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Nothing yet.

        Raises:
            TooLong: the body is larger than the limit.
        """
        self._body += data
        if len(self._body) > self._limit:
            raise TooLong([])
        return []

    def end(self) -> list[bytes]:
        """The body."""
        return [bytes(self._body)]


def data_of(event: bytes) -> bytes:
    """The data of one event, its lines joined; empty for a comment or an event without data."""
    values = []
    for line in event.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            values.append(value.removeprefix(b" "))
    return b"\n".join(values)
