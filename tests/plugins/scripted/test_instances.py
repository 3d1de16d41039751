"""The smallest instance of a schema."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hookline.schemas import check_arguments
from hookline_scripted.instances import NoInstance, smallest

LINKED = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
        }
    },
}
ENDLESS = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"next": {"$ref": "#/$defs/Node"}},
            "required": ["next"],
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, None),
        ({"type": "object"}, {}),
        ({"type": "string"}, ""),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, ""),
        ({"const": {"a": 1}}, {"a": 1}),
        ({"enum": ["long", "up", "on"]}, "up"),
        ({"enum": ["a", "abc"], "minLength": 2}, "abc"),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 0}),
        ({"type": "object", "properties": {"a": {}}}, {}),
        ({"type": "object", "required": ["b"]}, {"b": None}),
        ({"type": "object", "required": ["b"], "additionalProperties": {"const": 1}}, {"b": 1}),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["", ""]),
        (
            {"prefixItems": [{"const": 1}, {"const": 2}], "minItems": 3, "items": {"const": 3}},
            [1, 2, 3],
        ),
        ({"minLength": 3}, "aaa"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -5}, -5),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "integer", "minimum": 1, "multipleOf": 1.5}, 3),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, 0.25),
        ({"type": "number", "minimum": 0.1, "maximum": 0.1}, 0.1),
        ({"type": "number", "exclusiveMaximum": 0, "multipleOf": 0.5}, -0.5),
        ({"minimum": 2, "type": "number"}, 2),
        ({"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]}, 5),
        ({"oneOf": [{"minLength": 9, "type": "string"}, {"type": "array"}]}, []),
        ({"allOf": [{"minimum": 2}, {"minimum": 4}], "type": "integer"}, 4),
        (
            {
                "allOf": [
                    {"properties": {"a": {"minLength": 1}}, "required": ["a"]},
                    {"properties": {"a": {"type": "string", "minLength": 2}}, "type": "object"},
                ]
            },
            {"a": "aa"},
        ),
        ({"allOf": [{"type": ["integer", "string"]}, {"type": "number"}]}, 0),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, 2),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1),
        (LINKED, {"value": 0, "next": None}),
        ({"type": "string", "format": "date"}, "1970-01-01"),
        ({"type": "string", "format": "date-time"}, "1970-01-01T00:00:00Z"),
        ({"type": "string", "format": "email"}, "a@example.com"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
        ({"type": "string", "format": "uri"}, "https://example.com/"),
    ],
)
def test_smallest(schema: dict[str, Any], expected: Any):
    """Each keyword is obeyed with as few characters as will do."""
    assert expected == smallest(schema)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^abc$", "abc"),
        ("^a?b*c+$", "c"),
        (r"^\d{3}-\d{4}$", "000-0000"),
        ("^[A-Z]{2,5}$", "AA"),
        ("^(foo|ba)(?:x|yy)$", "bax"),
        (r"^\w+@\w+\.com$", "a@a.com"),
        ("^[^a]$", "0"),
        (r"^(?P<year>\d{2,})$", "00"),
        (r"^\u0041\x42\n$", "AB\n"),
        (r"^[\d\-]$", "0"),
        ("^a+?$", "a"),
        (r"^.\.$", "a."),
    ],
)
def test_pattern(pattern: str, expected: str):
    """A simple pattern gives the shortest text that it matches."""
    assert expected == smallest({"type": "string", "pattern": pattern})


def test_pattern_is_stretched_to_the_least_length():
    """A repetition is used to reach ``minLength``."""
    schema = {"type": "string", "pattern": "^x[ab]+z$", "minLength": 6}

    assert "xaaaaz" == smallest(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": []},
        {"type": "objekt"},
        {"allOf": [False]},
        {"anyOf": [False]},
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"type": "number", "minimum": 0.1, "maximum": 0.2, "multipleOf": 1},
        {"type": "string", "pattern": r"^\p{L}$"},
        {"type": "string", "pattern": "^a{200000}$"},
        {"type": "string", "pattern": "^[^aA0\\-_ .é]$"},
        {"type": "string", "pattern": "(" * 60 + "a" + ")" * 60},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "minItems": 10**12},
        {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"const": 1}},
        {"type": "string", "not": {"type": "string"}},
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        ENDLESS,
    ],
)
def test_what_cannot_be_made_is_refused(schema: dict[str, Any]):
    """A schema without an instance, or beyond what is known, is refused at once."""
    with pytest.raises(NoInstance):
        smallest(schema)


def test_branching_references_end():
    """Definitions that refer to each other in many ways do not take for ever."""
    names = [f"D{i}" for i in range(12)]
    definitions = {
        name: {
            "type": "object",
            "properties": {n: {"$ref": f"#/$defs/{n}"} for n in names},
            "required": names,
        }
        for name in names
    }

    with pytest.raises(NoInstance):
        smallest({"$ref": "#/$defs/D0", "$defs": definitions})


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    objects = properties.flatmap(
        lambda given: st.lists(st.sampled_from([*given, "d"]), unique=True).map(
            lambda required: {"type": "object", "properties": given, "required": required}
        )
    )
    arrays = st.tuples(inner, st.integers(0, 3)).map(
        lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1]}
    )
    unions = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        objects,
        arrays,
        unions.map(lambda branches: {"anyOf": branches}),
        inner.map(lambda schema: {"allOf": [schema, {}]}),
        inner.map(lambda schema: {"$defs": {}, "allOf": [schema]}),
    )


BOUNDS = st.one_of(st.integers(-50, 50), st.sampled_from([-0.5, 0.25, 1.5, 7.1]))
LEAVES = st.one_of(
    st.sampled_from([{}, True, {"type": "null"}, {"type": "boolean"}, {"const": [1]}]),
    st.lists(
        st.one_of(st.text(max_size=3), st.integers()), min_size=1, max_size=3, unique=True
    ).map(lambda values: {"enum": values}),
    st.tuples(st.sampled_from(["integer", "number"]), BOUNDS, st.sampled_from([1, 2, 0.5, 3])).map(
        lambda t: {"type": t[0], "minimum": t[1], "multipleOf": t[2]}
    ),
    st.tuples(st.sampled_from(["integer", "number"]), BOUNDS).map(
        lambda t: {"type": t[0], "exclusiveMaximum": t[1]}
    ),
    st.tuples(BOUNDS, BOUNDS).map(
        lambda t: {"type": "number", "exclusiveMinimum": min(t), "maximum": max(t) + 1}
    ),
    st.integers(0, 5).map(lambda size: {"type": "string", "minLength": size}),
    st.sampled_from(["date", "uuid", "email"]).map(lambda f: {"type": "string", "format": f}),
    st.from_regex(r"\A(\[a-f\]|\\d|x|\(y\|zz\))([+*?]|\{2,3\})?\Z").map(
        lambda pattern: {"type": "string", "pattern": f"^{pattern}$"}
    ),
)


@given(st.recursive(LEAVES, _nested, max_leaves=8))
def test_instance_follows_its_schema(schema: Any):
    """What is made follows the schema, and for these schemas something is always made."""
    assume(isinstance(schema, dict))

    assert check_arguments(schema, smallest(schema)) is None
