"""Arguments: the parameters of an operation, wherever they go, under one roof.

A parameter is called what the document calls it, as far as models can write that. Where two would
have one name, each says where it goes: ``path_id``, ``body_id``.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from hookline.schemas import InvalidSchema, check_schema
from hookline_actions.failures import DocumentInvalid

LENGTH = 64
"""Characters that providers allow for the name of a property."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_REFERENCE = "#/$defs/"


@attrs.frozen(kw_only=True)
class Wanted:
    """A value that a request is made of.

    Args:
        place: where it goes, in one word.
        name: in the request.
        schema: converted.
    """

    place: str
    name: str
    schema: Any
    required: bool = False
    description: str = ""


def named(wanted: Sequence[Wanted]) -> list[str]:
    """Names of the arguments, one for each and no two alike."""
    plain = [_safe(one.name) for one in wanted]
    often = Counter(plain)
    taken: set[str] = set()
    names = []
    for one, name in zip(wanted, plain, strict=True):
        base = name if often[name] == 1 else _safe(f"{one.place}_{one.name}")
        found, number = base, 1
        while found in taken or (number > 1 and found in often):
            number += 1
            found = f"{base[: LENGTH - 4]}_{number}"
        taken.add(found)
        names.append(found)
    return names


def schema_of(
    wanted: Sequence[Wanted], names: Sequence[str], definitions: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON schema of all arguments together.

    Raises:
        DocumentInvalid: it is no sound schema.
    """
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _described(one) for name, one in zip(names, wanted, strict=True)},
        "additionalProperties": False,
    }
    required = [name for name, one in zip(names, wanted, strict=True) if one.required]
    if required:
        schema["required"] = required
    reached = _reached(schema, definitions)
    if reached:
        schema["$defs"] = {name: definitions[name] for name in definitions if name in reached}
    try:
        check_schema(schema)
    except InvalidSchema as error:
        message = f"its parameters have no sound schema: {error}"
        raise DocumentInvalid(message) from error
    return schema


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).strip("_")[:LENGTH] or "value"


def _described(one: Wanted) -> Any:
    """A schema with the description of the parameter, which says more than that of the type."""
    if not one.description or not isinstance(one.schema, dict):
        return one.schema if isinstance(one.schema, dict) else {}
    return {**one.schema, "description": one.description}


def _reached(schema: Any, definitions: Mapping[str, Any]) -> set[str]:
    """The definitions that a schema refers to, and those that they refer to."""
    reached: set[str] = set()
    todo = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, list):
            todo += value
        if not isinstance(value, dict):
            continue
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            name = reference.removeprefix(_REFERENCE)
            if name not in reached:
                reached.add(name)
                todo.append(definitions[name])
        todo += [inner for key, inner in value.items() if key not in {"default", "enum", "const"}]
    return reached
