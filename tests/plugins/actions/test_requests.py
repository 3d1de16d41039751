"""Requests: arguments are where they belong, and nowhere else."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_actions.failures import ArgumentRefused
from hookline_actions.parsing import parse
from hookline_actions.requests import Request, build
from hookline_actions.settings import DocumentSettings
from support.action_documents import LIST, document, parameter

texts = st.text(max_size=40)
words = st.text(min_size=1, max_size=20)


def request(parameters: list[Any], path: str = "/x", /, **arguments: Any) -> Request:
    """The request that these arguments make."""
    made = document(("get", path, {"parameters": parameters}))
    return build(parse(made, DocumentSettings()).operations[0], arguments)


@given(st.text(max_size=40))
def test_path_round_trip(text: str):
    """A value comes out of the path as it went in, in one part of it, or is refused."""
    try:
        url = request([parameter("id", "path")], "/a/{id}/b", id=text).whole_url
    except ArgumentRefused:
        return
    parts = urlsplit(url)
    assert ("https", "api.example.com", "", "") == (
        parts.scheme, parts.netloc, parts.query, parts.fragment,
    )  # fmt: skip
    assert ["", "a", text, "b"] == [unquote(part) for part in parts.path.split("/")]
    assert not {".", ".."} & {*unquote(parts.path).replace("\\", "/").split("/")}


@given(words, texts)
def test_query_round_trip(name: str, text: str):
    """Name and value come out of the query as they went in."""
    given_ = request([parameter(name, "query")], **{_argument(name): text})

    assert [(name, text)] == parse_qsl(
        urlsplit(given_.whole_url).query, keep_blank_values=True, strict_parsing=True
    )


@given(texts)
def test_reserved_query_round_trip(text: str):
    """So does one whose reserved characters stay."""
    made = request([parameter("q", "query", allowReserved=True)], q=text)

    assert [("q", text)] == parse_qsl(urlsplit(made.whole_url).query, keep_blank_values=True)


@given(st.lists(texts, min_size=1, max_size=5))
def test_list_round_trip(items: list[str]):
    """A list comes out item by item, exploded or with commas."""
    exploded = request([parameter("q", "query", LIST)], q=items)
    joined = request([parameter("q", "query", LIST, explode=False)], q=items)

    assert {"q": items} == parse_qs(urlsplit(exploded.whole_url).query, keep_blank_values=True)
    value = urlsplit(joined.whole_url).query.removeprefix("q=")
    assert items == [unquote(item) for item in value.split(",")]


@given(st.dictionaries(words, texts, min_size=1, max_size=4))
def test_deep_object_round_trip(members: dict[str, str]):
    """The properties of an object come out under its name."""
    deep = parameter("q", "query", {"type": "object"}, style="deepObject")

    pairs = parse_qsl(urlsplit(request([deep], q=members).whole_url).query, keep_blank_values=True)

    assert {f"q[{name}]": value for name, value in members.items()} == dict(pairs)


def _argument(name: str) -> str:
    """The name of the argument for a parameter."""
    made = document(("get", "/x", {"parameters": [parameter(name, "query")]}))
    return next(iter(parse(made, DocumentSettings()).operations[0].schema["properties"]))


@pytest.mark.parametrize(
    ("template", "style", "value"),
    [
        ("/a/{id}", "simple", ".."),
        ("/a/{id}", "simple", "."),
        ("/a/{id}", "simple", ""),
        ("/a/{id}", "simple", []),
        ("/a/{id}", "simple", "../b"),
        ("/a/{id}", "simple", "x/../../b"),
        ("/a/{id}", "simple", "..\\b"),
        ("/a/{id}", "simple", "%2e%2e"),
        ("/a/{id}", "simple", "%252e%252e/x"),
        ("/a/{id}", "simple", "..;v=1"),
        ("/a/{id}", "simple", " .. "),
        ("/a/{id}", "label", "."),
        ("/a/.{id}", "simple", "."),
        ("/a/{id}", "simple", "\ud800"),
    ],
)
def test_path_that_climbs(template: str, style: str, value: Any):
    """Values that could lead out of their part of the path are refused, however written."""
    with pytest.raises(ArgumentRefused):
        request([parameter("id", "path", {}, style=style)], template, id=value)


def test_slash_stays_within_its_part():
    """A slash in a value is encoded."""
    assert (
        "https://api.example.com/a/b%2Fc"
        == request([parameter("id", "path")], "/a/{id}", id="b/c").whole_url
    )


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", "ü"])
def test_header_that_cannot_be_sent(value: str):
    """A header has printable ASCII only."""
    with pytest.raises(ArgumentRefused):
        request([parameter("X-A", "header")], **{"X-A": value})


def test_values_as_text():
    """Numbers, booleans and null are written as JSON writes them, null as nothing."""
    names = ["a", "b", "c", "d"]
    made = request(
        [parameter(name, "query", {}) for name in names], a=1.5, b=True, c=None, d=10**20
    )

    assert ["a=1.5", "b=true", "c=", "d=100000000000000000000"] == list(made.query)


def test_list_in_a_list_is_json():
    """What no style can write is JSON."""
    made = request([parameter("q", "query", {"type": "array"})], q=[[1, 2], {"a": 1}])

    assert [("q", "[1,2]"), ("q", '{"a":1}')] == parse_qsl("&".join(made.query))
