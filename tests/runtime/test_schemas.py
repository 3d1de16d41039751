"""JSON schemas: sound or not, followed or not, and made from types."""

import dataclasses
from typing import Any

import pytest

from hookline.schemas import (
    CACHED_SIZE,
    InvalidArguments,
    InvalidSchema,
    check_arguments,
    check_schema,
    schema_of,
)

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclasses.dataclass
class Tree:
    """A node with children of its own kind."""

    value: int
    children: "list[Tree]" = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Point:
    x: int


@dataclasses.dataclass
class Line:
    start: Point


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"type": "array"},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"$ref": "https://example.com/schema.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/Missing"}}},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"pattern": "(?=a)"}}},
    ],
)
def test_unsound_schema_is_refused(schema: dict[str, Any]):
    """A schema that is wrong, points elsewhere or is not an object's is refused."""
    with pytest.raises(InvalidSchema):
        check_schema(schema)


def test_sound_schema_is_accepted():
    """A schema of an object is accepted, with or without its type written out."""
    assert check_schema(CITY) is None
    assert check_schema({}) is None


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({}, "arguments: "),
        ({"city": 1}, "arguments.city: "),
        ([], "arguments: "),
    ],
)
def test_error_says_where(arguments: object, where: str):
    """Arguments that do not follow the schema are refused with the place."""
    with pytest.raises(InvalidArguments) as caught:
        check_arguments(CITY, arguments)

    assert str(caught.value).startswith(where)


def test_index_of_an_item_is_named():
    """A place within a list is written with its index."""
    schema = {"properties": {"list": {"items": {"type": "integer"}}}}

    with pytest.raises(InvalidArguments, match=r"^arguments\.list\[1\]: "):
        check_arguments(schema, {"list": [1, "2"]})


def test_caller_pattern_cannot_hang_the_server():
    """A pattern that takes exponential time elsewhere is answered at once."""
    with pytest.raises(InvalidArguments):
        check_arguments({"pattern": "^(a+)+$"}, "a" * 50_000 + "b")


def test_large_schema_is_checked_too():
    """A schema too large to be kept works like any other."""
    schema = {**CITY, "description": "x" * CACHED_SIZE}

    with pytest.raises(InvalidArguments):
        check_arguments(schema, {})


def test_type_that_holds_itself_has_a_schema():
    """The schema of a recursive type keeps the definition that it refers to."""
    schema = schema_of(Tree)

    check_schema(schema)
    with pytest.raises(InvalidArguments):
        check_arguments(schema, {"value": 1, "children": [{"value": "two"}]})


def test_schema_is_in_one_piece():
    """Types within a type are definitions of the same schema."""
    schema = schema_of(Line)

    assert {"$ref": "#/$defs/Point"} == schema["properties"]["start"]
    assert ["Point"] == list(schema["$defs"])
