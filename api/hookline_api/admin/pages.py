"""Lists: a page at a time, ordered by id unless they say otherwise."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from msgspec import Struct

PageT = TypeVar("PageT", bound="Page")


class Page(Struct, frozen=True, kw_only=True):
    """Part of a list. The next part is asked for with what ``last_id`` says."""

    object: Literal["list"] = "list"
    has_more: bool
    last_id: str | None


def page_of(
    page: type[PageT], found: Sequence[Any], limit: int, wire: Callable[[Any], Any]
) -> PageT:
    """A page of at most ``limit``; ``found`` has one more if there are more."""
    data = [wire(item) for item in found[:limit]]
    last: Any = found[len(data) - 1] if data else None
    fields = {"data": data, "has_more": len(found) > limit, "last_id": last and last.id}
    return page(**fields)
