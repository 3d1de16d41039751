"""Which tools a message mentions, and the arguments that it gives them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.schemas import check_arguments
from hookline.tools import ToolSpec
from hookline_scripted.arguments import arguments
from hookline_scripted.evidence import arithmetic
from hookline_scripted.mentions import READ_LIMIT, mentioned

SEARCH = ToolSpec("web_search", "Finds pages of the encyclopedia.")
WEATHER = ToolSpec("getWeather", "Tells whether it rains, by forecast.")
ADD = ToolSpec("add", "Sum up.")


def object_of(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please use web_search.", [SEARCH]),
        ("A WEB SEARCH, please", [SEARCH]),
        ("web-search and getweather", [SEARCH, WEATHER]),
        ("getWeather, then web search", [WEATHER, SEARCH]),
        ("Look into the Encyclopedia", [SEARCH]),
        ("the forecast of the encyclopedia", [WEATHER, SEARCH]),
        ("add this to the forecast", [ADD]),
        ("an address", []),
        ("which whether", []),
        ("", []),
        (" " * READ_LIMIT + "add", []),
    ],
)
def test_mentions(text: str, expected: list[ToolSpec]):
    """Names come before words of descriptions; the order is that of the message."""
    assert expected == mentioned([SEARCH, WEATHER, ADD], text)


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (object_of("a", a=WHOLE), 'Call it with {"a": 5}, not 7', {"a": 5}),
        (object_of("a", a=WHOLE), 'Call it with {"b": {"a": 5}}', {"a": 5}),
        (object_of("a b", a=WHOLE, b=WHOLE), "add 2 and -3", {"a": 2, "b": -3}),
        (object_of("a", a={"type": "number"}), "about 2.50.", {"a": 2.5}),
        (object_of("a", a=WHOLE, b=WHOLE), "007 and 8", {"a": 7, "b": 8}),
        (object_of("a", a={"type": "array", "items": WHOLE}), "sum 1, 2, 3", {"a": [1, 2, 3]}),
        (object_of("a", a={"type": "array", "items": TEXT}), "'x' and \"y\"", {"a": ["x", "y"]}),
        (object_of("a b", a=TEXT, b=TEXT), "from 'here' to “there”", {"a": "here", "b": "there"}),
        (object_of("b", a=TEXT, b=TEXT), "only `this`", {"b": "this"}),
        (object_of("a", a=TEXT, n=WHOLE), "n=4, a: left.", {"a": "left", "n": 4}),
        (object_of("a", a=TEXT), 'a="two words"', {"a": "two words"}),
        (object_of("a", a={"type": "boolean"}), "a: false", {"a": False}),
        (object_of("u", u={"enum": ["celsius", "kelvin"]}), "in Kelvin", {"u": "kelvin"}),
        (object_of("u", u={"enum": ["celsius", "kelvin"]}), "how warm", {"u": "celsius"}),
        (object_of("u", u={"type": "string", "default": "x"}), "hi", {"u": "x"}),
        (object_of("u", u={"const": 3}), "hi", {"u": 3}),
        (object_of("c", c=TEXT), "What is the weather in New York?", {"c": "New York"}),
        (object_of("c d", c=TEXT, d=TEXT), "tell me", {"c": "tell me", "d": ""}),
        (object_of("c", c={"$ref": "#/$defs/C"}), "x 4", {"c": 0}),
        (
            object_of("d", d={"type": "string", "format": "date"}),
            "on 2026-07-01.",
            {"d": "2026-07-01"},
        ),
        (object_of("d", d={"type": "string", "format": "date"}), "on", {"d": "1970-01-01"}),
        (
            object_of(z={"anyOf": [{"type": "string", "pattern": "^Z+$"}, {"type": "null"}]}),
            "x ZZ.",
            {"z": "ZZ"},
        ),
        (object_of("e", e={"type": "object"}), "x", {"e": {}}),
        (object_of("e"), "x", {"e": None}),
        (object_of("e", e=True), "x", {"e": None}),
        (object_of(), "a 1 'b'", {}),
    ],
)
def test_arguments(schema: dict[str, Any], text: str, expected: dict[str, Any]):
    """Each documented rule gives what it says."""
    if "$ref" in str(schema):
        schema["$defs"] = {"C": {"type": "integer", "maximum": 3}}

    assert expected == arguments(schema, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is 17 * 23? Use the calculator", "17 * 23"),
        ("(1 + 2) * 3.", "(1 + 2) * 3"),
        ("sqrt(16) + 2 - and more", "sqrt(16) + 2"),
        ("1+1 or 22 ** 33", "22 ** 33"),
        ("-4 + 1", "-4 + 1"),
        ("(see 5 / 2", "5 / 2"),
        ("a) 7 - 2", "7 - 2"),
        ("((3 + 4)", "(3 + 4)"),
        ("max(1, 2), then", "max(1, 2)"),
        ("1 + 2) * (3", None),
        ("42", None),
        ("nothing", None),
        ("- , (", None),
    ],
)
def test_arithmetic(text: str, expected: str | None):
    """The longest piece with an operator or a function is taken, without loose ends."""
    assert expected == arithmetic(text)


FIELDS = {
    "expression": TEXT,
    "count": WHOLE,
    "zone": {"type": "string", "pattern": "^[A-Z]+$"},
    "unit": {"enum": ["a", 1, None]},
    "many": {"type": "array", "items": {"type": "number"}},
    "deep": object_of("x", x=TEXT),
}


@given(
    st.text(), st.sets(st.sampled_from(sorted(FIELDS))), st.sets(st.sampled_from(sorted(FIELDS)))
)
def test_arguments_follow_the_schema(text: str, given_: set[str], required: set[str]):
    """Whatever the message says, the arguments follow the schema."""
    schema = object_of(" ".join(required), **{name: FIELDS[name] for name in given_ | required})

    assert check_arguments(schema, arguments(schema, text)) is None


@pytest.mark.parametrize(
    "piece", ["(", "“", "'", '{"a":', "1+", "Aa ", "expression: ", "-", "sqrt("]
)
def test_no_message_is_too_hard_to_read(piece: str):
    """A message that would take hours in quadratic time or worse is read within the time-out."""
    schema = object_of(" ".join(FIELDS), **FIELDS)
    text = piece * READ_LIMIT

    assert check_arguments(schema, arguments(schema, text)) is None
