"""Names of the tools: ``<operation>_action_<domain>``. Source: seed 9.1.

Both halves are readable, and no two domains share one: a host that the alphabet of names can hold
stands for itself, with ``_`` for a dot; of anything else (a port, http, a long name, an address)
a hash of the whole origin follows ``__``, which no host has in it.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from hookline_actions.operations import Operation

DELIMITER = "_action_"
ALL = "sys__all__sys_action_"
"""What an agent writes before the name of a document to have all of it."""

LENGTH = 64
DOMAIN_LENGTH = 28
HASH_LENGTH = 12

_HOST = re.compile(r"https://(?P<host>[a-z0-9-]+(\.[a-z0-9-]+)*)")
_SAFE = re.compile(r"[A-Za-z0-9_-]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")
_HASHED = re.compile(rf"__[a-z2-7]{{{HASH_LENGTH}}}$")


def domain(origin: str) -> str:
    """What stands for an origin (scheme, host and port, in their one spelling) in names."""
    plain = _HOST.fullmatch(origin)
    if plain is not None and "action" not in plain["host"].split("."):
        name = plain["host"].replace(".", "_")
        if len(name) <= DOMAIN_LENGTH:
            return name
    readable = _UNSAFE.sub("_", origin.partition("://")[2]).strip("_").replace("action", "act")
    return _cut(readable, origin, DOMAIN_LENGTH)


def tool_names(operations: Sequence[Operation], prefix: str = "") -> list[str]:
    """The names of a document's operations, one for each.

    An operation is called by its ``operationId``, or by method and path. A hash follows where that
    is too long, has other characters, or is not the only one.
    """
    domains = [domain(operation.origin) for operation in operations]
    plain = [_plain(operation, prefix) for operation in operations]
    often = Counter(zip(plain, domains, strict=True))
    names = []
    for operation, name, place in zip(operations, plain, domains, strict=True):
        room = LENGTH - len(DELIMITER) - len(place)
        fits = len(name) <= room and often[name, place] == 1
        if not fits or _HASHED.search(name):
            name = _cut(name, f"{operation.label}\n{operation.id}\n{prefix}", room)  # noqa: PLW2901
        names.append(f"{name}{DELIMITER}{place}")
    return names


def _plain(operation: Operation, prefix: str) -> str:
    if _SAFE.fullmatch(operation.id):
        return f"{prefix}{operation.id}"
    if operation.id:
        name = _UNSAFE.sub("_", operation.id).strip("_")
        return _cut(f"{prefix}{name}", operation.id, LENGTH)
    path = _UNSAFE.sub("_", operation.path).strip("_")
    return f"{prefix}{operation.method.lower()}_{path}".rstrip("_")


def _cut(readable: str, whole: str, room: int) -> str:
    digest = base64.b32encode(hashlib.sha256(whole.encode()).digest()).decode().lower()
    kept = readable[: room - HASH_LENGTH - 2].strip("_-")
    return f"{kept}__{digest[:HASH_LENGTH]}"
