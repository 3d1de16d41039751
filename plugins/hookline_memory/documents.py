"""Documents in dictionaries. What goes in and comes out is shared with nobody who may change it."""

from collections import UserDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from hookline.documents import Document, check_version, refuse_large, revise
from hookline.moments import in_utc

Clock = Callable[[], datetime]
DocumentT = TypeVar("DocumentT", bound=Document)
KeyT = TypeVar("KeyT")
ThingT = TypeVar("ThingT")
_encode = msgspec.json.Encoder(order="deterministic").encode


class Kept(UserDict[KeyT, ThingT]):
    """Things by key. What a newer Hookline wrote into a thing stays as long as the thing does."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown: dict[KeyT, Mapping[str, Any]] = {}

    def __delitem__(self, key: KeyT) -> None:
        """Forget a thing, with all that was written into it."""
        super().__delitem__(key)
        self.unknown.pop(key, None)


class MemoryDocuments(Generic[DocumentT]):
    """Documents of one kind. Their last versions outlive them, so that versions go on.

    Args:
        type_: the class of the documents.
        kind: what one is called.
        clock: this moment, in UTC.
    """

    def __init__(self, type_: type[DocumentT], kind: str, clock: Clock):
        self.type = type_
        self.clock = clock
        self._kind = kind
        self.kept = Kept[str, DocumentT]()
        self.last: dict[str, int] = {}

    async def get(self, id_: str, /) -> DocumentT | None:
        """The document with this id."""
        kept = self.kept.get(id_)
        return None if kept is None else copy(kept)

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[DocumentT]:
        """Documents ordered by id, those with an id above ``after``."""
        return [copy(self.kept[id_]) for id_ in page(self.kept, after, limit)]

    async def put(self, document: DocumentT, /, *, expected: int | None = None) -> DocumentT:
        """Create the document, or replace it."""
        return copy(self.replace(document, expected))

    async def delete(self, id_: str, /, *, expected: int | None = None) -> bool:
        """Remove a document; false if there was none."""
        return self.remove(id_, expected)

    def replace(self, document: DocumentT, expected: int | None) -> DocumentT:
        """Create the document, or replace it; what is kept now."""
        given = in_utc(document)
        refuse_large(len(_encode(given)), f"the {self._kind} {document.id}")
        current, last = self.kept.get(given.id), self.last.get(given.id, 0)
        kept = revise(copy(given), current, last=last, at=self.clock(), expected=expected)
        self.kept[kept.id], self.last[kept.id] = kept, kept.version
        return kept

    def remove(self, id_: str, expected: int | None) -> bool:
        """Remove a document; false if there was none."""
        check_version(id_, self.kept.get(id_), expected)
        return self.kept.pop(id_, None) is not None


def page(ids: Mapping[str, Any], after: str, limit: int) -> Sequence[str]:
    """The next ids, character by character."""
    return sorted(id_ for id_ in ids if id_ > after)[:limit]


def copy(thing: ThingT) -> ThingT:
    """The thing as a database would give it back."""
    return msgspec.json.decode(_encode(thing), type=type(thing))
