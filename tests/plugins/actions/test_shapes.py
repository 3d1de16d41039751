"""Schemas of OpenAPI become JSON schemas."""

from typing import Any

import pytest

from hookline_actions.failures import DocumentInvalid
from hookline_actions.references import References
from hookline_actions.shapes import SCHEMAS, Shapes


def shaped(schema: Any, **components: Any) -> tuple[Any, dict[str, Any]]:
    """A converted schema, and the definitions."""
    shapes = Shapes(References({"components": {"schemas": components}}))
    return shapes.convert(schema), shapes.definitions


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "string", "nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        ({"type": ["string", "null"], "nullable": True}, {"type": ["string", "null"]}),
        (
            {"allOf": [{"type": "string"}], "nullable": True},
            {"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
        ({"maximum": 1, "exclusiveMaximum": True}, {"exclusiveMaximum": 1}),
        ({"exclusiveMaximum": 3}, {"exclusiveMaximum": 3}),
        ({"type": "string", "example": "x", "xml": {}, "x-y": 1, "$id": "z"}, {"type": "string"}),
        ({"pattern": "^a+$"}, {"pattern": "^a+$"}),
        ({"pattern": "(?!a)"}, {"description": "Must match (?!a)"}),
        ({"required": True, "type": "string"}, {"type": "string"}),
        (True, True),
        (
            {"properties": {"a": {"readOnly": True}, "b": {}}, "required": ["a", "b"]},
            {"properties": {"b": {}}, "required": ["b"]},
        ),
        (
            {"type": "array", "items": {"type": "integer", "nullable": True}},
            {"type": "array", "items": {"type": ["integer", "null"]}},
        ),
    ],
)
def test_schema(schema: Any, expected: Any):
    """What says something about values is kept, in the words of JSON schema."""
    assert expected == shaped(schema)[0]


def test_schema_that_holds_itself():
    """A reference becomes a definition, which may refer to itself."""
    tree = {"properties": {"children": {"items": {"$ref": "#/components/schemas/Tree"}}}}

    found, definitions = shaped(
        {"$ref": "#/components/schemas/Tree", "description": "D"}, Tree=tree
    )

    assert {"$ref": "#/$defs/Tree", "description": "D"} == found
    assert {
        "Tree": {"properties": {"children": {"items": {"$ref": "#/$defs/Tree"}}}}
    } == definitions


def test_read_only_behind_a_reference():
    """A property whose type is read-only is dropped, too."""
    schema = {"properties": {"a": {"$ref": "#/components/schemas/Stamp"}}}

    assert {"properties": {}} == shaped(schema, Stamp={"readOnly": True})[0]


def test_references_of_one_name():
    """References whose last steps are alike have definitions of their own."""
    shapes = Shapes(References({"a": {"X": {"type": "string"}}, "b": {"X": {"type": "null"}}}))

    shapes.convert({"anyOf": [{"$ref": "#/a/X"}, {"$ref": "#/b/X"}]})

    assert {"X": {"type": "string"}, "X_2": {"type": "null"}} == shapes.definitions


def test_long_chain_of_references():
    """Schemas may be as many as the limit allows, one after the other."""
    chain = {
        f"S{n}": {"properties": {"next": {"$ref": f"#/components/schemas/S{n + 1}"}}}
        for n in range(2_000)
    }

    _, definitions = shaped({"$ref": "#/components/schemas/S0"}, **chain, S2000={})

    assert 2_001 == len(definitions)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Missing"},
        {"$ref": "other.yaml#/Pet"},
        {"$ref": "https://example.com/pet.json"},
        {"items": ["a"]},
        {"anyOf": [{}] * (SCHEMAS + 1)},
    ],
)
def test_schema_that_cannot_be_used(schema: Any):
    """What leads elsewhere or nowhere, is no schema, or has no end, is refused."""
    with pytest.raises(DocumentInvalid):
        shaped(schema)
