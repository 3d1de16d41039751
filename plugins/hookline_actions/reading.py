"""Documents as they are read: JSON or YAML into plain data, with limits.

YAML is that of JSON: true and false are the only booleans, dates stay text, and keys become text.
Aliases may stand for much more than they take up, so what is counted is what they stand for.
"""

import re
from typing import Any

import msgspec
import yaml  # type: ignore[import-untyped]

from hookline_actions.failures import DocumentInvalid

NODES = 1_000_000
"""Values that a document may have, aliases resolved."""

DEPTH = 100
"""How deep values may be nested."""


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Reads YAML with the types of JSON."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  PyYAML's signature
        """A mapping whose keys are text: status codes are written as numbers."""
        pairs = super().construct_mapping(node, deep=deep)
        return {key if isinstance(key, str) else _key(key): value for key, value in pairs.items()}


_ODD = (ValueError, LookupError, TypeError, AttributeError)
"""What PyYAML lets through when a value is not what its tag says."""

_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def read(text: str, *, limit: int) -> dict[str, Any]:
    """The document that a text is.

    Args:
        text: JSON or YAML.
        limit: bytes that it may have.

    Raises:
        DocumentInvalid: it is neither, too large, or nested too deep.
    """
    data = text.encode()
    if len(data) > limit:
        message = f"the document has {len(data):,} bytes, and may have {limit:,}"
        raise DocumentInvalid(message)
    try:
        found = msgspec.json.decode(data) if text.lstrip()[:1] == "{" else _yaml(text)
    except (msgspec.DecodeError, yaml.YAMLError, *_ODD) as error:
        where = str(error).replace("\n", " ")
        message = f"the document is neither JSON nor YAML: {where}"
        raise DocumentInvalid(message) from error
    except RecursionError as error:
        raise _too_deep() from error
    if not isinstance(found, dict):
        message = "the document is no OpenAPI document: an object is expected"
        raise DocumentInvalid(message)
    if _size(found, {}, 0) > NODES:
        message = f"the document has more than {NODES:,} values"
        raise DocumentInvalid(message)
    return found


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader


def _size(value: Any, known: dict[int, int], depth: int) -> int:
    """How many values there are. ``known`` holds those of lists and mappings by identity.

    Values nested in themselves are too deep.
    """
    if depth > DEPTH:
        raise _too_deep()
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(one, known, depth + 1) for one in inner)
    return known[id(value)]


def _too_deep() -> DocumentInvalid:
    return DocumentInvalid(f"the document is nested deeper than {DEPTH} levels, or in itself")
