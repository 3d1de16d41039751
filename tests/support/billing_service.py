"""Acme's billing service: real HTTP on a real socket, as unreliable as it is told to be.

::

    with BillingService() as service:
        ...                             # ``[plugins.acme_billing] url`` is service.url
        service.mood = "failing"
        service.close()                 # nobody listens there any more
        service.open()                  # the same port again
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

SECONDS = 60
Mood = Literal["working", "failing", "hanging up", "silent", "late", "refusing"]


class BillingService:
    """Keeps what is posted to it: one of each id, in the order in which the first one came.

    Moods: it works; answers 500; closes connections without an answer; accepts what comes, but
    closes the connection without an answer; accepts one entry and one closing but answers only
    when they have come again, and then works; answers entries with 422.

    Attributes:
        entries: what came to ``/entries``.
        closings: what came to ``/runs``.
        received: how often each id was posted while it was accepted.
        conflicts: what came again and was not the same.
        tokens: what ``Authorization`` said.
        troubles: how often it did what it was told to, by mood.
    """

    def __init__(self) -> None:
        self.mood: Mood = "working"
        self.entries: list[dict[str, Any]] = []
        self.closings: list[dict[str, Any]] = []
        self.received: Counter[str] = Counter()
        self.conflicts: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()
        self.troubles: Counter[Mood] = Counter()
        self.changed = threading.Condition()
        self._known: dict[str, dict[str, Any]] = {}
        self._late: set[str] = set()
        self._server: _Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it is, also while it is closed."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Listen; on the port that it had before, if it was open before."""
        self._server = _Server.on(self._port, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Listen no longer, and cut off who is connected."""
        if self._server is not None:
            self._server.end()
            self._server = None

    def wait_for(self, what: str, reached: Callable[[Self], bool]) -> None:
        """Wait until something is so."""
        with self.changed:
            said = self.changed.wait_for(lambda: reached(self), SECONDS)
        assert said, f"never {what}: {self.troubles} {self.received}"

    def __enter__(self) -> Self:
        """Open it."""
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def take(self, path: str, line: dict[str, Any]) -> int | None:
        """The status that answers what was posted; ``None`` if there is to be no answer."""
        with self.changed:
            try:
                return self._take(path, line)
            finally:
                self.changed.notify_all()

    def _take(self, path: str, line: dict[str, Any]) -> int | None:
        mood = self.mood
        if mood in {"failing", "hanging up"} or (mood == "refusing" and path == "/entries"):
            self.troubles[mood] += 1
            return {"failing": 500, "refusing": 422}.get(mood)
        id_ = line["id"]
        self.received[id_] += 1
        if id_ not in self._known:
            self._known[id_] = line
            (self.entries if path == "/entries" else self.closings).append(line)
        if self._known[id_] != line:
            self.conflicts.append(line)
        if mood == "late" and path not in self._late:
            self._late.add(path)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.received[id_] > 1, SECONDS)
            self.troubles[mood] += 1
        if mood == "silent":
            self.troubles[mood] += 1
            return None
        return 200


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, service: BillingService):
        self.service = service
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    @classmethod
    def on(cls, port: int, service: BillingService) -> Self:
        """Listen there, as soon as nobody else does: the port was free for anyone meanwhile."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return cls(port, service)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def end(self) -> None:
        """Close all sockets."""
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that did not wait for its answer is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        line = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.headers["idempotency-key"] == line["id"]
        service = self.server.service
        service.tokens.add(self.headers["authorization"])
        status = service.take(self.path, line)
        if status is None:
            self.close_connection = True
            return
        body = b"{}"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's word
        """Say nothing."""
