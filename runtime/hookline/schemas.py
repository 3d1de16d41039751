"""JSON schemas of tools: are they sound, and do arguments follow them?"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

EMPTY: Mapping[str, Any] = {"type": "object", "properties": {}}
_PATTERNS = jsonschema_rs.RegexOptions()  # linear time: a caller's pattern cannot hang the server

CACHED_SIZE = 65_536
"""Bytes of a schema that is kept once compiled; larger ones could fill the memory."""


class InvalidSchema(ValueError):
    """The schema itself is wrong; the message says where."""


class InvalidArguments(ValueError):
    """The arguments do not follow the schema; the message says where."""


@lru_cache(maxsize=2048)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        msgspec.json.decode(schema), offline=True, pattern_options=_PATTERNS
    )


def _compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    try:
        encoded = msgspec.json.encode(schema)
        compile_ = _validator if len(encoded) <= CACHED_SIZE else _validator.__wrapped__
        return compile_(encoded)
    except (ValueError, RecursionError) as error:
        raise InvalidSchema(str(error).partition("\n")[0]) from error


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise ``InvalidSchema`` unless this is a JSON schema of an object.

    References to other documents are refused: nothing is fetched.
    """
    _compiled(schema)
    if schema.get("type", "object") != "object":
        message = f"the type of a tool's parameters must be 'object', not {schema['type']!r}"
        raise InvalidSchema(message)


def check_arguments(schema: Mapping[str, Any], arguments: object) -> None:
    """Raise ``InvalidArguments`` unless the arguments follow the schema."""
    error = next(_compiled(schema).iter_errors(arguments), None)
    if error is None:
        return
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.instance_path)
    message = f"arguments{where}: {error.message}"
    raise InvalidArguments(message)


def schema_of(type_: type) -> dict[str, Any]:
    """The JSON schema of a type that msgspec knows, in one piece where it can be."""
    (schema,), components = msgspec.json.schema_components([type_], ref_template="#/$defs/{name}")
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name:
        schema = dict(components[name])
        if f'"#/$defs/{name}"' not in msgspec.json.encode(components).decode():
            del components[name]
    if components:
        schema["$defs"] = components
    return schema
