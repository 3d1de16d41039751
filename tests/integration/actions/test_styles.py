"""Every style of parameter, as a server receives it."""

from typing import Any

import msgspec
import pytest

from support.action_documents import LIST, document, every_style, parameter, text_of
from support.action_servers import echo_app, serving
from support.actions import call, opened, run

TEXT = "a b/ü&=+%;,"
ITEMS = ["blue", "a,b c|d", "ü"]
MEMBERS = {"R": "100", "G": "a=b"}

EXPECTED = {
    "p_simple": (
        "/a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("/blue,a%2Cb%20c%7Cd,%C3%BC", "/blue,a%2Cb%20c%7Cd,%C3%BC"),
        ("/R=100,G=a%3Db", "/R,100,G,a%3Db"),
    ),
    "p_label": (
        "/.a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("/.blue.a%2Cb%20c%7Cd.%C3%BC", "/.blue,a%2Cb%20c%7Cd,%C3%BC"),
        ("/.R=100.G=a%3Db", "/.R,100,G,a%3Db"),
    ),
    "p_matrix": (
        "/;value=a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("/;value=blue;value=a%2Cb%20c%7Cd;value=%C3%BC", "/;value=blue,a%2Cb%20c%7Cd,%C3%BC"),
        ("/;R=100;G=a%3Db", "/;value=R,100,G,a%3Db"),
    ),
    "q_form": (
        "value=a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("value=blue&value=a%2Cb%20c%7Cd&value=%C3%BC", "value=blue,a%2Cb%20c%7Cd,%C3%BC"),
        ("R=100&G=a%3Db", "value=R,100,G,a%3Db"),
    ),
    "q_spaceDelimited": (
        "value=a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("value=blue&value=a%2Cb%20c%7Cd&value=%C3%BC", "value=blue%20a%2Cb%20c%7Cd%20%C3%BC"),
        ("R=100&G=a%3Db", "value=R%20100%20G%20a%3Db"),
    ),
    "q_pipeDelimited": (
        "value=a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("value=blue&value=a%2Cb%20c%7Cd&value=%C3%BC", "value=blue%7Ca%2Cb%20c%7Cd%7C%C3%BC"),
        ("R=100&G=a%3Db", "value=R%7C100%7CG%7Ca%3Db"),
    ),
    "q_deepObject": (
        "value=a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("value=blue&value=a%2Cb%20c%7Cd&value=%C3%BC",) * 2,
        ("value%5BR%5D=100&value%5BG%5D=a%3Db",) * 2,
    ),
    "h_simple": ("plain, text", ("blue,red", "blue,red"), ("R=100,G=a=b", "R,100,G,a=b")),
    "c_form": (
        "value=a%20b%2F%C3%BC%26%3D%2B%25%3B%2C",
        ("value=blue; value=a%2Cb%20c%7Cd; value=%C3%BC", "value=blue,a%2Cb%20c%7Cd,%C3%BC"),
        ("R=100; G=a%3Db", "value=R,100,G,a%3Db"),
    ),
}
"""What is sent: a text, a list and an object, the last two exploded and not."""


def sent(origin_document: Any, operation: str, **arguments: Any) -> Any:
    """What a server received for a call."""

    async def work() -> Any:
        async with serving(echo_app()) as origin:
            given = {"echo": {"document": text_of(origin_document(origin))}}
            async with opened(given) as loader:
                result = await call(loader, "echo", operation, **arguments)
                assert not result.failed, result.text
                return msgspec.json.decode(result.text)

    return run(work)


@pytest.mark.parametrize("style", EXPECTED)
def test_style(style: str):
    """A server receives each kind of value as the specification writes it."""
    text, lists, objects = EXPECTED[style]
    place = style[0]
    values: dict[str, Any] = {"text": TEXT, "list": ITEMS, "object": MEMBERS}
    if place == "h":
        values |= {"text": "plain, text", "list": ["blue", "red"]}
    expected = {
        f"{style}_{explode}_{kind}": given
        for kind, wanted in (("text", (text, text)), ("list", lists), ("object", objects))
        for explode, given in zip(("yes", "no"), wanted, strict=True)
    }

    async def work() -> dict[str, str]:
        found = {}
        async with serving(echo_app()) as origin:
            async with opened({"echo": {"document": text_of(every_style(origin))}}) as loader:
                for name in expected:
                    kind = name.rpartition("_")[2]
                    result = await call(loader, "echo", name, value=values[kind])
                    got = msgspec.json.decode(result.text)
                    found[name] = {
                        "p": got["path"].removeprefix(f"/echo/{name}"),
                        "q": got["query"],
                        "h": got["headers"].get("value"),
                        "c": got["headers"].get("cookie"),
                    }[place]
        return found

    assert expected == run(work)


def echoing(**operation: Any) -> Any:
    """A document with one POST."""
    return lambda origin: document(("post", "/echo", operation), servers=[{"url": origin}])


def test_content_of_a_parameter():
    """A parameter with ``content`` is written as JSON."""
    where = parameter(
        "where", "query", content={"application/json": {"schema": {"type": "object"}}}
    )

    got = sent(echoing(operationId="ask", parameters=[where]), "ask", where={"a": [1, "ü"]})

    assert [["where", '{"a":[1,"ü"]}']] == got["pairs"]


def test_reserved_characters_stay():
    """With ``allowReserved`` reserved characters stay, but for those that end a value."""
    path = parameter("path", "query", allowReserved=True)

    got = sent(echoing(operationId="ask", parameters=[path]), "ask", path="/a/b:c?d&e=f#g+h%20")

    assert "path=/a/b:c?d%26e%3Df%23g%2Bh%2520" == got["query"]


def test_query_is_appended_to_one_of_the_path():
    """A path that has a query gets more of it."""

    def made(origin: str) -> Any:
        ask = {"operationId": "ask", "parameters": [parameter("q", "query")]}
        return document(("get", "/echo?action=find", ask), servers=[{"url": origin}])

    assert "action=find&q=x" == sent(made, "ask", q="x")["query"]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ({}, "tags=a%20b&tags=c%26d&more=%7B%22x%22%3A1%7D&flag=true"),
        (
            {"tags": {"explode": False, "style": "form"}, "more": {"style": "deepObject"}},
            "tags=a%20b,c%26d&more%5Bx%5D=1&flag=true",
        ),
        ({"tags": {"contentType": "application/json"}},
         "tags=%5B%22a%20b%22%2C%22c%26d%22%5D&more=%7B%22x%22%3A1%7D&flag=true"),
    ],
)  # fmt: skip
def test_urlencoded_body(encoding: Any, expected: str):
    """A form is written item by item, objects as JSON, unless its encoding says otherwise."""
    schema = {
        "type": "object",
        "properties": {"tags": LIST, "more": {"type": "object"}, "flag": {"type": "boolean"}},
    }
    content = {"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}}

    got = sent(
        echoing(operationId="send", requestBody={"content": content}),
        "send",
        tags=["a b", "c&d"],
        more={"x": 1},
        flag=True,
    )

    assert expected == got["body"]
    assert "application/x-www-form-urlencoded" == got["headers"]["content-type"]


@pytest.mark.parametrize(
    ("media_type", "schema", "value", "body"),
    [
        ("application/json", LIST, ["a"], '["a"]'),
        ("application/merge-patch+json", {"type": "object"}, {"a": None}, '{"a":null}'),
        ("text/plain", {"type": "string"}, "hé\n", "hé\n"),
        ("application/xml", {"type": "string"}, "<a/>", "<a/>"),
    ],
)
def test_whole_body(media_type: str, schema: Any, value: Any, body: str):
    """A body that is no plain object is one argument."""
    content = {media_type: {"schema": schema}}

    got = sent(
        echoing(operationId="send", requestBody={"required": True, "content": content}),
        "send",
        body=value,
    )

    assert body == got["body"]
    assert got["headers"]["content-type"].startswith(media_type)


def test_body_that_is_not_given_is_not_sent():
    """A call without arguments for an optional body has none."""
    content = {"application/json": {"schema": {"type": "object", "properties": {"a": {}}}}}

    got = sent(echoing(operationId="send", requestBody={"content": content}), "send")

    assert "" == got["body"]


def test_clashing_names_go_to_their_places():
    """One name in path, query, header and body is four arguments."""

    def made(origin: str) -> Any:
        schema = {"type": "object", "properties": {"id": {}, "name": {}}}
        operation = {
            "operationId": "all",
            "parameters": [parameter("id", p) for p in ("path", "query", "header")],
            "requestBody": {"content": {"application/json": {"schema": schema}}},
        }
        return document(("post", "/echo/{id}", operation), servers=[{"url": origin}])

    given = {"path_id": "p", "query_id": "q", "header_id": "h", "body_id": "b", "name": "n"}
    got = sent(made, "all", **given)

    assert ("/echo/p", "id=q", "h", '{"id":"b","name":"n"}') == (
        got["path"],
        got["query"],
        got["headers"]["id"],
        got["body"],
    )
