"""Responses as they stand on the wire, written down so that a person can read them."""

import http.client
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import attrs
from syrupy.data import Snapshot, SnapshotCollection
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex

ROOT = Path(__file__).parents[2]
SNAPSHOTS = ROOT / "snapshots"
SECONDS = 20
RULER = "=" * 80
TEST = "test_the_response_is_as_agreed"
"""The one test that writes snapshots of the wire; a case is its parameter."""
_ID = re.compile(
    r"(?<![\w-])(?:"
    r"(chatcmpl)-[\w-]{22}|(call|run|req|credit)_[0-9a-f]{24}|(key)_[0-9a-f]{16}"
    r"|(file)-[0-9a-f]{30}|(agent)_[\w-]{21}|(aud)_[0-9a-f]{26}|(hk)-[0-9a-f]{64}|()[0-9a-f]{64}"
    r")(?![\w-])"
)
_CREATED = re.compile(r'("created": ?)\d{10}\b')
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
_SHOWN = re.compile(r'("shown": ?)"hk-[0-9a-f]{8}"')
_RANDOM = re.compile(r"(_ima_)[0-9a-f]{8}\b")
_HIDDEN = frozenset({"date"})


@attrs.frozen(kw_only=True)
class Request:
    """What a client sends."""

    method: str = "GET"
    path: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | None = None


@attrs.frozen(kw_only=True)
class Reply:
    """What the server answers, its body without the framing of HTTP/1.1.

    The phrase after the status says nothing, and is another one in each version of Python.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is escaped."""
        return self.body.decode("utf-8", "backslashreplace")


@attrs.frozen(kw_only=True)
class Interruption:
    """What happens when a client has read so many events of a stream.

    ``act`` is done while the client goes on reading; without it the client leaves.
    """

    after: int
    act: Callable[[], object] | None = None


def send(origin: str, request: Request, interruption: Interruption | None = None) -> Reply:
    """Send a request on a connection of its own, and read the answer."""
    address = urlsplit(origin)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)
    try:
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        return Reply(
            status=response.status,
            headers=response.getheaders(),
            body=_body(response, interruption),
        )
    finally:
        connection.close()


def _body(response: http.client.HTTPResponse, interruption: Interruption | None) -> bytes:
    if interruption is None:
        return response.read()
    lines: list[bytes] = []
    events = 0
    while events < interruption.after:
        lines.append(response.readline())
        assert lines[-1], "the stream ended before it could be interrupted"
        events += lines[-1] == b"\n"
    if interruption.act is None:
        return b"".join(lines)
    interruption.act()
    return b"".join(lines) + response.read()


@attrs.define
class Redaction:
    """Gives ids and times stable names; an id that comes again gets the same one."""

    _names: dict[str, str] = attrs.field(factory=dict)
    _counts: Counter[str] = attrs.field(factory=Counter)

    def redact(self, text: str) -> str:
        """The text with placeholders such as ``<call-1>`` and ``<time>``."""
        text = _SHOWN.sub(r'\1"<shown>"', _MOMENT.sub("<time>", _ID.sub(self._name, text)))
        text = _RANDOM.sub(r"\1<random>", text)
        return _CREATED.sub(r"\1<time>", text)

    def _name(self, match: re.Match[str]) -> str:
        if match[0] not in self._names:
            kind = next(filter(None, match.groups()), "hash")
            self._counts[kind] += 1
            self._names[match[0]] = f"<{kind}-{self._counts[kind]}>"
        return self._names[match[0]]


def written(exchanges: Sequence[tuple[Request, Reply]]) -> str:
    """Requests and replies, one after the other, without what differs each time."""
    redaction = Redaction()
    blocks = [
        redaction.redact(block)
        for request, reply in exchanges
        for block in (_request(request), _reply(reply))
    ]
    return f"\n{RULER}\n".join(blocks)


def _request(request: Request) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
    body = (request.body or b"").decode("utf-8", "backslashreplace")
    return f"{request.method} {request.path} HTTP/1.1\n{headers}\n{body}\n"


def _reply(reply: Reply) -> str:
    headers = "".join(f"{k}: {v}\n" for k, v in reply.headers if k.lower() not in _HIDDEN)
    return f"HTTP/1.1 {reply.status}\n{headers}\n{reply.text}\n"


class WireSnapshot(SingleFileSnapshotExtension):
    """A text file per case: ``snapshots/api/wire/<dialect>/<case>.http``.

    A test calls its snapshot ``<dialect>/<case>``, which is the id of its parameter, too.
    """

    file_extension = "http"
    _write_mode = WriteMode.TEXT
    folder = SNAPSHOTS / "api" / "wire"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """The folder of all cases."""
        return str(cls.folder)

    @classmethod
    def get_file_basename(cls, *, test_location: PyTestLocation, index: SnapshotIndex) -> str:
        """Dialect and case."""
        return str(index)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        """The name of the test, the same in every file."""
        return TEST

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """The one snapshot in a file."""
        collection = SnapshotCollection(location=snapshot_location)
        collection.add(Snapshot(name=TEST))
        return collection

    @classmethod
    def matches_test_location(
        cls, *, test_location: PyTestLocation, snapshot_location: str
    ) -> bool:
        """Whether the file is that of the test's parameter."""
        path = Path(snapshot_location)
        if not path.is_relative_to(cls.folder):
            return False
        name = path.relative_to(cls.folder).with_suffix("").as_posix()
        return test_location.testname == f"{TEST}[{name}]"
