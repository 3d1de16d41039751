"""Ids as a request gives them, in its path or in its body."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from litestar.params import QueryParameter
from msgspec import Meta

from hookline.errors import InvalidRequest, VersionConflict
from hookline.specs import AGENT_ID
from hookline_api.errors import AlreadyExists
from hookline_api.patterns import NO_CONTROL

Id = Annotated[str, Meta(min_length=1, max_length=256, pattern=NO_CONTROL, examples=["alice"])]
"""The id of a user, a group or a role."""

AgentId = Annotated[str, Meta(min_length=1, max_length=256, pattern=AGENT_ID, examples=["helper"])]
After = Annotated[
    str, QueryParameter(name="after", max_length=1000, description="Begin after this id: `last_id`")
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=1000, description="At most so many")]
DEFAULT_LIMIT = 100
_UNREACHABLE = frozenset({"", ".", ".."})


def reachable(id_: str) -> str:
    """The id, if a URL can end with it.

    Raises:
        InvalidRequest: clients and servers shorten a URL that has it.
    """
    if _UNREACHABLE.isdisjoint(id_.split("/")):
        return id_
    message = (
        f"id: {id_} cannot stand in a URL; write it without a slash at its beginning or end, "
        "and without the parts '.' and '..'"
    )
    raise InvalidRequest(message, param="id")


def from_path(value: str) -> str:
    """The id that a path ends with; it may hold slashes."""
    return value.removeprefix("/")


@contextmanager
def creating(kind: str, id_: str) -> Iterator[None]:
    """Say it plainly if something that is created is there already.

    Raises:
        AlreadyExists: it is.
    """
    try:
        yield
    except VersionConflict as error:
        message = f"the {kind} {id_} exists already; choose another id, or change that one"
        raise AlreadyExists(message) from error
