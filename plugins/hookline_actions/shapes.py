"""Shapes: schemas of OpenAPI 3.0 and 3.1 as JSON schemas that models are shown.

What a reference leads to becomes an entry of ``$defs``, so that schemas that hold themselves stay
finite. Only what says something about values is kept.
"""

import re
from collections.abc import Mapping
from typing import Any

from hookline.schemas import InvalidSchema, check_schema
from hookline_actions.failures import DocumentInvalid
from hookline_actions.references import References

SCHEMAS = 5_000
"""Schemas, one within another, that the parameters of one operation may have."""

_PLAIN = frozenset(
    {
        "type", "title", "description", "default", "enum", "const", "format", "multipleOf",
        "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength",
        "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "examples",
        "contentEncoding", "contentMediaType",
    }
)  # fmt: skip
_ONE = frozenset({"not", "items", "additionalProperties", "contains", "propertyNames", "if", "then",
                  "else"})  # fmt: skip
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class Shapes:
    """Makes JSON schemas of the schemas of one document, for one operation.

    Attributes:
        definitions: what references lead to, as entries of ``$defs``.
    """

    def __init__(self, references: References):
        self.definitions: dict[str, Any] = {}
        self._references = references
        self._names: dict[str, str] = {}
        self._open: list[str] = []
        self._count = 0

    def convert(self, schema: Any) -> Any:
        """A schema with ``#/$defs/…`` in the place of references.

        Raises:
            DocumentInvalid: a reference leads nowhere, or there are too many schemas.
        """
        converted = self._convert(schema)
        while self._open:
            reference = self._open.pop()
            meant = self._convert(self._references.at(reference))
            self.definitions[self._names[reference]] = meant
        return converted

    def _convert(self, schema: Any) -> Any:
        self._count += 1
        if self._count > SCHEMAS:
            message = f"its parameters have more than {SCHEMAS:,} schemas"
            raise DocumentInvalid(message)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            message = f"a schema is an object, not {type(schema).__name__}"
            raise DocumentInvalid(message)
        found = {key: schema[key] for key in schema if key in _PLAIN}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = self._define(reference)
            said = {"description": found["description"]} if "description" in found else {}
            return {"$ref": f"#/$defs/{name}", **said}
        found |= self._inner(schema)
        _bounds(found)
        _pattern(found, schema.get("pattern"))
        _required(found, schema)
        return _nullable(found) if schema.get("nullable") is True else found

    def settled(self, schema: Any) -> Mapping[str, Any]:
        """A converted schema, or the definition that it is a reference to."""
        for _ in range(len(self.definitions) + 1):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema if isinstance(schema, dict) else {}

    def _define(self, reference: str) -> str:
        """The name of the definition that a reference leads to."""
        if reference in self._names:
            return self._names[reference]
        base = _UNSAFE.sub("_", reference.rpartition("/")[2])[:60] or "Schema"
        name, number = base, 1
        while name in self.definitions:
            number += 1
            name = f"{base}_{number}"
        self._names[reference] = name
        self.definitions[name] = {}
        self._open.append(reference)  # chains of references may be longer than the stack is deep
        return name

    def _inner(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _ONE:
                found[key] = self._convert(value)
            elif key in _MANY and isinstance(value, list):
                found[key] = [self._convert(one) for one in value]
            elif key in _NAMED and isinstance(value, dict):
                kept = {name: one for name, one in value.items() if not self._read_only(one)}
                found[key] = {name: self._convert(one) for name, one in kept.items()}
        return found

    def _read_only(self, schema: Any) -> bool:
        if not isinstance(schema, dict):
            return False
        return self._references.resolve(schema).get("readOnly") is True


def _bounds(found: dict[str, Any]) -> None:
    """What 3.0 writes as ``minimum: 1, exclusiveMinimum: true``."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = found.get(exclusive)
        if isinstance(flag, bool):
            del found[exclusive]
            if flag and bound in found:
                found[exclusive] = found.pop(bound)


def _pattern(found: dict[str, Any], pattern: Any) -> None:
    """Keep a pattern that can be checked in linear time; tell the model of any other."""
    if not isinstance(pattern, str):
        return
    try:
        check_schema({"properties": {"value": {"pattern": pattern}}})
    except InvalidSchema:
        said = found.get("description", "")
        found["description"] = f"{said} Must match {pattern}".strip()
        return
    found["pattern"] = pattern


def _required(found: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Which properties must be there: none of those that only answers have."""
    required, declared = schema.get("required"), schema.get("properties")
    if not isinstance(required, list):
        return
    kept, declared = found.get("properties", {}), declared if isinstance(declared, dict) else {}
    names = [name for name in required if isinstance(name, str)]
    names = [name for name in names if name in kept or name not in declared]
    if names:
        found["required"] = list(dict.fromkeys(names))


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that allows null, too. Source: OpenAPI 3.0, ``nullable``."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]} if len(schema) else schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "null" not in types:
        schema["type"] = [*types, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema
