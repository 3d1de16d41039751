"""The arguments with which a mentioned tool is called.

A JSON object in the message that follows the tool's schema is taken as it is. Otherwise each
parameter takes the first of these that its own schema allows, required parameters first:

1. ``name=value`` or ``name: value`` in the message;
2. a value of its ``enum`` that occurs as a word;
3. for ``expression``, the longest piece of arithmetic;
4. for numbers, the next number; for a list of numbers, all of them;
5. for a text with a ``pattern`` or a ``format``, the first word that has it;
6. for a text, the next text in quotation marks; for a list of texts, all of them;

and, if it is required, further:

7. its ``default``;
8. for a text without a ``format``, the next run of capitalised words that does not begin a
   sentence, and then, once, the whole message;
9. the first value of its ``enum``, its ``const``, the smallest instance of its schema.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from hookline_scripted.evidence import FORMATS, Evidence, arithmetic, gather, objects
from hookline_scripted.instances import (
    NoInstance,
    Schema,
    follows,
    resolve,
    smallest,
    within,
)

NUMBERS = frozenset({"integer", "number"})
NESTING_LIMIT = 3
"""Alternatives within alternatives that are looked into."""


def arguments(schema: Schema, text: str) -> Mapping[str, Any]:
    """Arguments for a call of a tool with this schema, from a message.

    Raises:
        NoInstance: the schema is beyond what can be filled.
        InvalidSchema: it is not a schema.
    """
    follows(schema, {})
    for found in objects(text):
        if follows(schema, found):
            return found
    properties = schema.get("properties") or {}
    required = [name for name in schema.get("required", ()) if name in properties]
    evidence = gather(text, properties)
    filled: dict[str, Any] = {}
    for name in [*required, *(name for name in properties if name not in required)]:
        parameter = _Parameter(name, properties[name], schema, required=name in required)
        for value in parameter.candidates(evidence):
            filled[name] = value
            break
    if follows(schema, filled):
        return filled
    return _as_object(smallest(schema))


class _Parameter:
    """One parameter of a tool."""

    def __init__(self, name: str, schema: Any, root: Schema, *, required: bool):
        self.name = name
        self.required = required
        self.schema = within(schema if isinstance(schema, Mapping) else {}, root)
        self.variants = list(_variants(self.schema, root, 0))
        self.formats = [variant["format"] for variant in self.variants if "format" in variant]
        self.types = {type_ for variant in self.variants for type_ in _types(variant)}

    def candidates(self, evidence: Evidence) -> Iterator[Any]:
        """The values that it may take, the best first."""
        yield from filter(self._fits, self._from_message(evidence))
        if self.required:
            yield from filter(self._fits, self._from_schema("default"))
            yield from self._from_rest(evidence)
            yield from filter(self._fits, self._from_schema("enum"))
            yield from filter(self._fits, self._from_schema("const"))
            yield smallest(self.schema)

    def _fits(self, value: Any) -> bool:
        return follows(self.schema, value)

    def _from_message(self, evidence: Evidence) -> Iterator[Any]:
        if self.name in evidence.pairs:
            yield from _readings(evidence.pairs[self.name])
        yield from self._chosen(evidence)
        if self.name == "expression":
            found = arithmetic(evidence.text)
            if found:
                yield found
        if self.types & NUMBERS:
            yield from self._next(evidence.numbers)
        if any("pattern" in variant for variant in self.variants):
            yield from evidence.words
        elif self.formats:
            looks = [FORMATS[name] for name in self.formats if name in FORMATS]
            yield from (w for w in evidence.words if any(look.fullmatch(w) for look in looks))
        elif "string" in self.types:
            yield from self._next(evidence.quoted)
        if "array" in self.types:
            yield from (found for found in (evidence.numbers, evidence.quoted) if found)

    def _chosen(self, evidence: Evidence) -> Iterator[Any]:
        options = {
            str(value).casefold(): value
            for variant in self.variants
            for value in variant.get("enum", ())
        }
        for word in evidence.words:
            if word.casefold() in options:
                yield options[word.casefold()]

    def _next(self, found: list[Any]) -> Iterator[Any]:
        for value in list(found):
            if self._fits(value):
                found.remove(value)
                yield value

    def _from_rest(self, evidence: Evidence) -> Iterator[Any]:
        if "string" not in self.types or self.formats:
            return
        yield from self._next(evidence.names)
        if evidence.text and self._fits(evidence.text):
            text, evidence.text = evidence.text, ""
            yield text

    def _from_schema(self, key: str) -> Iterator[Any]:
        for variant in (self.schema, *self.variants):
            if key in variant:
                yield from variant[key] if key == "enum" else [variant[key]]


def _variants(schema: Schema, root: Schema, depth: int) -> Iterator[Schema]:
    """The schema, or the alternatives that it offers, without references."""
    try:
        schema = resolve(schema, root)
    except NoInstance:
        return
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not branches or depth > NESTING_LIMIT:
        yield schema
    for branch in branches:
        if isinstance(branch, Mapping):
            yield from _variants(branch, root, depth + 1)


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return types if isinstance(types, list) else [types]


def _readings(text: str) -> Iterator[Any]:
    """A written value as JSON, if it is that, and as the text it is."""
    with suppress(msgspec.DecodeError, RecursionError):
        yield msgspec.json.decode(text)
    yield text


def _as_object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    message = "the schema of a tool's parameters must be that of an object"
    raise NoInstance(message)
