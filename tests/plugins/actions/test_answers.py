"""Answers are told as text, or as files, without credentials."""

from typing import Any

import pytest

from hookline.outbound import Fetched
from hookline_actions.answers import result_of


def told(status: int = 200, body: bytes = b"", kind: str = "application/json", **more: Any) -> Any:
    """What the model is told of an answer."""
    headers = {"content-type": kind, **more.pop("headers", {})}
    url = more.pop("url", "https://a.com/files/report%20a")
    fetched = Fetched(status, headers, body, url, more.pop("truncated", False))
    return result_of(fetched, method=more.pop("method", "GET"), limit=50, **more)


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b'{ "a": [1, 2] }', "application/json", '{"a":[1,2]}'),
        (b'{ "a": 1 }', "application/problem+json; charset=utf-8", '{"a":1}'),
        (b"{broken", "application/json", "{broken"),
        (b"<a/>", "text/html", "<a/>"),
        ("é".encode("latin-1"), "text/plain; charset=latin-1", "é"),
        (b"\xff", "text/plain", "\ufffd"),
        (b'[1, "x"]', "", '[1,"x"]'),
        (b"plain", "", "plain"),
        (b"x" * 60, "text/plain", "x" * 50 + "\n[truncated: the answer had 60 characters or more]"),
    ],
)
def test_text(body: bytes, kind: str, expected: str):
    """JSON is made compact, other text stays; what is long is cut and marked."""
    result = told(body=body, kind=kind)

    assert (expected, False) == (result.text, result.failed)


@pytest.mark.parametrize(
    ("status", "line", "failed"),
    [(204, "HTTP 204 No Content", False), (500, "HTTP 500 Internal Server Error", True),
     (599, "HTTP 599", True)],
)  # fmt: skip
def test_empty(status: int, line: str, failed: bool):
    """An empty answer is its status."""
    result = told(status, kind="")

    assert (line, failed) == (result.text.partition("\n")[0], result.failed)


def test_head():
    """HEAD is answered with what the headers say of the thing."""
    result = told(headers={"content-length": "12", "server": "x"}, method="HEAD")

    assert "HTTP 200 OK\ncontent-type: application/json\ncontent-length: 12" == result.text


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "report a.pdf"),
        ({"content-disposition": 'attachment; filename="x.pdf"'}, "x.pdf"),
        ({"content-disposition": 'attachment; filename="../../etc/x.pdf"'}, "x.pdf"),
        ({"content-disposition": 'attachment; filename="C:\\\\y\\\\x.pdf"'}, "x.pdf"),
        ({"content-disposition": "attachment; filename*=UTF-8''%C3%BC.pdf"}, "ü.pdf"),
        ({"content-disposition": 'attachment; filename=".."'}, "answer.pdf"),
    ],
)
def test_file(headers: Any, name: str):
    """A file has the name that the server gives it, without a folder."""
    result = told(body=b"%PDF", kind="application/pdf", headers=headers)

    assert [{"files": [{"name": name, "content": b"%PDF"}]}] == [a.data for a in result.artifacts]
    assert name in result.text


def test_secrets_are_hidden():
    """A credential that the server repeats is not told; one of two letters would be everywhere."""
    result = told(401, b"no: abcd-1234, ab", "text/plain", secrets=["abcd-1234", "ab", ""])

    assert "HTTP 401 Unauthorized\nno: [secret], ab" == result.text
