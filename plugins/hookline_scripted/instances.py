"""The smallest value that a JSON schema allows.

Smallest is what takes the fewest characters as JSON: only required properties, the fewest items,
the shortest text, the number nearest to zero, the shortest of several alternatives, the first of
equals; ``null`` where anything goes. Defaults play no part.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from hookline.schemas import InvalidArguments, InvalidSchema, check_arguments
from hookline_scripted.numbers import nearest
from hookline_scripted.patterns import UnknownPattern, shortest

STEP_LIMIT = 2_000
SIZE_LIMIT = 100_000
DEPTH_LIMIT = 64
Schema = Mapping[str, Any]

FORMATS = {
    "date": "1970-01-01",
    "date-time": "1970-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "idn-email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_HINTS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_STRICTER: Mapping[str, Callable[[Any, Any], Any]] = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "allOf": operator.add,
}


class NoInstance(ValueError):
    """No value could be made; the message says why."""


def smallest(schema: Schema) -> Any:
    """The smallest value that follows the schema.

    Raises:
        NoInstance: there is none, or the schema is beyond this module.
    """
    try:
        follows(schema, None)
        value = _Instances(schema).make(schema, 0)
        check_arguments(schema, value)
    except (InvalidArguments, InvalidSchema) as error:
        message = f"cannot make an instance of the schema: {error}"
        raise NoInstance(message) from error
    return value


def resolve(schema: Schema, root: Schema) -> Schema:
    """The schema that a ``$ref`` within the root stands for, joined with what stands beside it.

    Raises:
        NoInstance: it points elsewhere, or at nothing.
    """
    for _ in range(DEPTH_LIMIT):
        if "$ref" not in schema:
            return schema
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        target = _target(schema["$ref"], root)
        schema = merged(target, rest) if rest else target
    message = f"{schema['$ref']} leads to itself"
    raise NoInstance(message)


def within(schema: Schema, root: Schema) -> Schema:
    """The schema together with the definitions of the root that it may refer to."""
    return {**schema, **{key: root[key] for key in ("$defs", "definitions") if key in root}}


def follows(schema: Schema, value: Any) -> bool:
    """Whether the value follows the schema.

    Raises:
        InvalidSchema: the schema is not one.
    """
    try:
        check_arguments(schema, value)
    except InvalidArguments:
        return False
    return True


def _target(reference: str, root: Schema) -> Schema:
    if reference != "#" and not reference.startswith("#/"):
        message = f"{reference} is not a reference within the schema"
        raise NoInstance(message)
    target: Any = root
    for key in reference.split("/")[1:]:
        name = key.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, Mapping) or name not in target:
            message = f"{reference} points at nothing"
            raise NoInstance(message)
        target = target[name]
    return _as_mapping(target)


def merged(one: Schema, other: Schema) -> Schema:
    """A schema that stands for both, as far as they can be joined."""
    joined = dict(one)
    for key, value in other.items():
        joined[key] = _joined(key, joined[key], value) if key in joined else value
    return joined


def _joined(key: str, one: Any, other: Any) -> Any:
    match key:
        case "properties":
            both = {name: {"allOf": [one[name], other[name]]} for name in one if name in other}
            return {**one, **other, **both}
        case "required":
            return list(dict.fromkeys([*one, *other]))
        case "enum":
            return [value for value in one if value in other]
        case "type":
            return _common(_as_list(one), _as_list(other))
        case _:
            return _STRICTER.get(key, _other)(one, other)


def _other(_: Any, other: Any) -> Any:
    return other


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    common = [type_ for type_ in one if type_ in other]
    if "integer" not in common and "integer" in {*one, *other} and "number" in {*one, *other}:
        common.append("integer")
    return common


class _Instances:
    """Makes values for one schema and those within it."""

    def __init__(self, root: Schema):
        self._root = root
        self._steps = 0
        self._within: list[str] = []

    def make(self, schema: Any, depth: int) -> Any:
        """The smallest value of a schema within the root."""
        self._steps += 1
        if self._steps > STEP_LIMIT or depth > DEPTH_LIMIT:
            message = "the schema is too large to make an instance of"
            raise NoInstance(message)
        schema = _as_mapping(schema)
        if "$ref" not in schema:
            return self._make(schema, depth)
        reference = schema["$ref"]
        if reference in self._within:
            message = f"{reference} needs itself"
            raise NoInstance(message)
        self._within.append(reference)
        try:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self.make(merged(_target(reference, self._root), rest), depth + 1)
        finally:
            self._within.pop()

    def _make(self, schema: Schema, depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._first_of(schema, schema["enum"])
        if "allOf" in schema:
            return self.make(self._all(schema), depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                rest = {name: value for name, value in schema.items() if name != key}
                branches = [merged(rest, _as_mapping(branch)) for branch in schema[key]]
                return self._smallest_of(schema, branches, depth)
        types = _types(schema)
        if len(types) == 1:
            return self._of_type(types[0], schema, depth)
        return self._smallest_of(schema, [{**schema, "type": type_} for type_ in types], depth)

    def _all(self, schema: Schema) -> Schema:
        joined: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            joined = merged(joined, resolve(_as_mapping(part), self._root))
        return joined

    def _smallest_of(self, schema: Schema, branches: Sequence[Schema], depth: int) -> Any:
        made = []
        for branch in branches:
            with suppress(NoInstance):
                made.append(self.make(branch, depth + 1))
        return self._first_of(schema, made)

    def _first_of(self, schema: Schema, values: Iterable[Any]) -> Any:
        for value in sorted(values, key=_size):
            if self._follows(schema, value):
                return value
        message = "none of a schema's alternatives has an instance"
        raise NoInstance(message)

    def _follows(self, schema: Schema, value: Any) -> bool:
        try:
            return follows(within(schema, self._root), value)
        except InvalidSchema:  # a reference to elsewhere in the root; checked with it, at the end
            return True

    def _of_type(self, type_: str, schema: Schema, depth: int) -> Any:
        match type_:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return _string(schema)
            case "boolean":
                return True
            case "null":
                return None
            case "integer" | "number":
                number = nearest(schema, integer=type_ == "integer")
                if number is not None:
                    return number
        message = f"no {type_} lies within the limits of the schema"
        raise NoInstance(message)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        return {
            name: self.make(properties.get(name, others), depth + 1)
            for name in schema.get("required", ())
        }

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        wanted = schema.get("minItems", 0)
        first = schema.get("prefixItems", [])
        items = [self.make(item, depth + 1) for item in first[:wanted]]
        missing = int(wanted) - len(items)
        if missing <= 0:
            return items
        item = self.make(schema.get("items", True), depth + 1)
        if missing * _size(item) > SIZE_LIMIT:
            message = f"minItems of {wanted} makes too large an instance"
            raise NoInstance(message)
        return items + [item] * missing


def _string(schema: Schema) -> str:
    length = int(schema.get("minLength", 0))
    if length > SIZE_LIMIT:
        message = f"minLength of {length} makes too large an instance"
        raise NoInstance(message)
    if "pattern" in schema:
        try:
            return shortest(schema["pattern"], length)
        except UnknownPattern as error:
            raise NoInstance(str(error)) from error
    text = FORMATS.get(schema.get("format", ""), "")
    return text + "a" * (length - len(text))


def _types(schema: Schema) -> list[str]:
    if "type" in schema:
        return _as_list(schema["type"])
    return list(_hinted(schema)) or ["null"]


def _hinted(schema: Schema) -> Iterator[str]:
    return (type_ for type_, keys in _HINTS.items() if any(key in schema for key in keys))


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_mapping(schema: Any) -> Schema:
    if schema is False:
        message = "the schema allows nothing"
        raise NoInstance(message)
    return schema if isinstance(schema, Mapping) else {}
