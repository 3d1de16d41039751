"""Whatever is sent, the answer is an error in the one shape, and never the server's own fault."""

import copy
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hookline_api.config import Config
from support.malformed import ACCEPTED, ANY, ROWS, TABLES, VALID, Row
from support.raw import Reply, Wire, connected, request
from support.server import running_server

PROPERTY = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@attrs.frozen
class Site:
    """A server, a connection to it, and all that is logged in the meantime."""

    wire: Wire
    entries: list[Any]
    records: list[logging.LogRecord]

    def complaints(self) -> list[Any]:
        """What was logged as an error or with a traceback."""
        crashed = [e for e in self.entries if e["log_level"] in {"error", "critical"}]
        traced = [e for e in self.entries if e.get("exc_info") and e not in crashed]
        failed = [r for r in self.records if r.levelno >= logging.ERROR or r.exc_info]
        return [*crashed, *traced, *failed]


class _Records(logging.Handler):
    """Keeps what uvicorn and asyncio log."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)


@contextmanager
def listening() -> Iterator[list[logging.LogRecord]]:
    handler = _Records()
    logging.getLogger().addHandler(handler)
    try:
        yield handler.kept
    finally:
        logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        capture_logs() as entries,
        listening() as records,
        running_server(TABLES) as server,
        connected(server.origin) as wire,
    ):
        yield Site(wire, entries, records)


def error_of(reply: Reply) -> Mapping[str, Any]:
    """The error in a body that holds nothing else, and all of it in the right types."""
    assert "application/json" == reply.headers["content-type"]
    assert reply.headers["x-request-id"]
    body = reply.json
    assert ["error"] == list(body)
    error = body["error"]
    assert ["message", "type", "param", "code"] == list(error)
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["type"], str)
    assert all(error[name] is None or isinstance(error[name], str) for name in ("param", "code"))
    return error


def test_the_table_is_long() -> None:
    """There are at least 60 rows, and no two have the same name."""
    names = [row.name for row in [*ROWS, *ACCEPTED]]

    assert len(ROWS) >= 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_malformed_request_is_refused(site: Site, row: Row) -> None:
    """It gets its status, the error names what is wrong, and the log has no traceback."""
    reply = site.wire.send(row.make())

    error = error_of(reply)
    assert (row.status, True) == (reply.status, row.says in error["message"]), error
    assert row.param in {ANY, error["param"]}
    assert row.code in {ANY, error["code"]}
    assert [] == site.complaints()


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.name)
def test_an_odd_request_is_answered(site: Site, row: Row) -> None:
    """What is only odd gets an answer."""
    reply = site.wire.send(row.make())

    assert (200, "chat.completion") == (reply.status, reply.json.get("object"))
    assert [] == site.complaints()


def test_head_has_no_body(site: Site) -> None:
    """HEAD to the chat is refused without a body, as HTTP wants it."""
    reply = site.wire.send(request(None, method="HEAD"))

    assert (405, b"") == (reply.status, reply.body)


def test_a_refusal_says_which_methods_are_allowed(site: Site) -> None:
    """405 comes with ``allow``, 401 with ``www-authenticate``."""
    method = site.wire.send(request(None, method="GET"))
    key = site.wire.send(request(b"{}", authorized=False))

    assert "OPTIONS, POST" == method.headers["allow"]
    assert "Bearer" == key.headers["www-authenticate"]


def test_the_error_of_a_stream_before_it_began(site: Site) -> None:
    """A request for a stream that is wrong gets a status and JSON, no stream."""
    reply = site.wire.send(request(json.dumps({**VALID, "stream": True, "n": 2}).encode()))

    assert (400, "n") == (reply.status, error_of(reply)["param"])


def test_a_client_that_leaves_while_it_sends(site: Site) -> None:
    """Half a body, and nobody there: no error is logged, and the next one is served."""
    with pytest.raises(TimeoutError):
        _send_half(site.wire)
    reply = site.wire.send(request(json.dumps(VALID).encode()))

    assert 200 == reply.status
    assert [] == site.complaints()


def _send_half(wire: Wire) -> None:
    whole = request(json.dumps(VALID).encode())
    wire.close()
    wire.open(seconds=0.2)
    try:
        wire.send(whole[:-5])
    finally:
        wire.close()


def test_body_limit_is_configurable() -> None:
    """``[server] body_limit`` counts bytes; without it, the limit is 20 MB."""
    body = json.dumps(VALID).encode()
    tables = {**TABLES, "server": {"body_limit": len(body)}}
    with running_server(tables) as server, connected(server.origin) as wire:
        fits = wire.send(request(body))
        exceeds = wire.send(request(body + b" "))

    assert 200 == fits.status
    assert (413, "request_too_large") == (exceeds.status, error_of(exceeds)["code"])
    assert 20_000_000 == msgspec.convert({}, Config).server.body_limit


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["user", "tool", "function", "helper", "calc", "auto", "required", "text"])
)
NAMES = st.text(max_size=8) | st.sampled_from(
    ["model", "messages", "role", "content", "type", "tools", "function", "name", "$ref", "$schema"]
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
FULL: dict[str, Any] = {
    "model": "calc",
    "messages": [
        {"role": "system", "content": "be brief", "name": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "be kind"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is 2 + 2?"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA=="}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
        {"role": "user", "content": "go on"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "find things",
                "strict": True,
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "enum": ["x"]}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": True,
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "r",
            "schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
            "strict": True,
        },
    },
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 1,
    "top_p": 0.5,
    "n": 1,
    "stop": ["END"],
    "max_tokens": 50,
    "max_completion_tokens": 50,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "seed": 1,
    "user": "u",
    "metadata": {"a": "b"},
    "conversation_id": "c",
    "parent_message_id": "p",
    "modalities": ["text"],
    "store": False,
    "service_tier": "auto",
    "verbosity": "low",
}


def _places(value: Any, here: Sequence[Any] = ()) -> Iterator[Sequence[Any]]:
    """The path of everything inside a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield (*here, key)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*here, key))


PLACES = list(_places(FULL))


def _changed(body: Any, place: Sequence[Any], change: str, value: Any) -> None:
    """Change a body in one place, if that place is still there."""
    *way, last = place
    for key in way:
        if not isinstance(body, dict | list) or isinstance(body, list) > isinstance(key, int):
            return
        if key not in (body if isinstance(body, dict) else range(len(body))):
            return
        body = body[key]
    if isinstance(body, list) and isinstance(last, int) and last < len(body):
        new = {"replace": [value], "remove": [], "wrap": [[body[last]]], "repeat": [body[last]] * 2}
        body[last : last + 1] = new[change]
    elif isinstance(body, dict) and last in body:
        old = body.pop(last)
        if change != "remove":
            body[last] = {"replace": value, "wrap": [old], "repeat": [old, old]}[change]


def _acceptable(site: Site, body: bytes) -> None:
    """Have a body answered, and the answer is no fault of the server's."""
    reply = site.wire.send(request(body))
    if reply.status != 200:
        assert reply.status < 500, (reply, body)
        error_of(reply)
    assert b"internal_error" not in reply.body, (reply, body)
    assert [] == site.complaints()


def test_the_body_that_is_changed_is_valid(site: Site) -> None:
    """What the next tests start from has an answer."""
    reply = site.wire.send(request(json.dumps(FULL).encode()))

    assert 200 == reply.status, reply.body
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert b'"error"' not in reply.body


@PROPERTY
@given(ANYTHING)
def test_no_json_is_the_servers_fault(site: Site, value: Any) -> None:
    """Any JSON value at all gets an answer below 500."""
    _acceptable(site, json.dumps(value).encode())


@PROPERTY
@given(
    st.lists(
        st.tuples(
            st.sampled_from(PLACES),
            st.sampled_from(["replace", "remove", "wrap", "repeat"]),
            ANYTHING,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_no_changed_body_is_the_servers_fault(
    site: Site, changes: list[tuple[Sequence[Any], str, Any]]
) -> None:
    """A valid body, changed in any places, gets an answer below 500."""
    body = copy.deepcopy(FULL)
    for place, change, value in changes:
        _changed(body, place, change, value)

    _acceptable(site, json.dumps(body).encode())


@PROPERTY
@given(st.integers(0, 2000), st.integers(0, 40), st.binary(max_size=20))
def test_no_damaged_body_is_the_servers_fault(
    site: Site, start: int, length: int, damage: bytes
) -> None:
    """A valid body with any bytes in place of others gets an answer below 500."""
    body = json.dumps(FULL).encode()

    _acceptable(site, body[:start] + damage + body[start + length :])
