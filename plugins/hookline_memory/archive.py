"""All that is in the dictionaries, as records."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs
import msgspec

from hookline.archive import ArchiveRecord, content_of, tombstone, unknown_of
from hookline_memory.documents import Kept, MemoryDocuments, copy, page


class Shelf(Protocol):
    """The records of one kind."""

    def keys(self) -> Mapping[str, Any]:
        """Under which key each is kept, by the id of its record."""

    def content(self, key: Any) -> Mapping[str, Any]:
        """What is kept under this key."""

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a record as it is."""


@attrs.frozen
class DocumentShelf:
    """Documents with versions, and what is left of deleted ones."""

    documents: MemoryDocuments[Any]

    def keys(self) -> Mapping[str, Any]:
        """Their own ids, those of deleted ones too."""
        return {id_: id_ for id_ in self.documents.last}

    def content(self, key: Any) -> Mapping[str, Any]:
        """A document, or what is left of one."""
        kept = self.documents.kept
        if key not in kept:
            return tombstone(key, self.documents.last[key])
        return content_of(kept[key], kept.unknown.get(key, {}))

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a document, or what is left of one."""
        documents, content = self.documents, record.content
        documents.last[record.id] = content["version"]
        if content.get("deleted"):
            documents.kept.pop(record.id, None)
            return
        documents.kept[record.id] = msgspec.convert(content, documents.type)
        documents.kept.unknown[record.id] = unknown_of(documents.type, content)


class ThingShelf:
    """Things that are kept as they are.

    Args:
        type_: their class.
        kept: where they are.
        key_of: the key that a thing has there.
        id_of: the id of its record, made of that key.
    """

    def __init__(
        self,
        type_: type,
        kept: Kept[Any, Any],
        key_of: Callable[[Any], Any],
        id_of: Callable[[Any], str] = str,
    ):
        self._type = type_
        self._kept = kept
        self._key_of = key_of
        self._id_of = id_of

    def keys(self) -> Mapping[str, Any]:
        """All of them."""
        return {self._id_of(key): key for key in self._kept}

    def content(self, key: Any) -> Mapping[str, Any]:
        """A thing, and what else was written into it."""
        return content_of(self._kept[key], self._kept.unknown.get(key, {}))

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a thing, in the place of the one with its id."""
        thing: Any = msgspec.convert(record.content, self._type)
        key = self._key_of(thing)
        self._kept[key] = thing
        self._kept.unknown[key] = unknown_of(self._type, record.content)


class MemoryArchive:
    """All shelves, by kind."""

    def __init__(self, shelves: Mapping[str, Shelf]):
        self._shelves = shelves

    async def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        return len(self._shelves[kind].keys())

    async def read(
        self, kind: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[ArchiveRecord]:
        """Records of a kind, ordered by id."""
        shelf = self._shelves[kind]
        keys = shelf.keys()
        ids = page(keys, after, limit)
        return [ArchiveRecord(id_, copy(dict(shelf.content(keys[id_])))) for id_ in ids]

    async def write(self, kind: str, records: Sequence[ArchiveRecord]) -> None:
        """Keep records exactly as they are."""
        for record in records:
            given = ArchiveRecord(record.id, copy(dict(record.content)))
            self._shelves[kind].keep(given)
