"""All that is in the dictionaries, as records."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

import attrs
import msgspec

from hookline.agents import Agent
from hookline.archive import (
    ArchiveRecord,
    content_of,
    conversation_id,
    tombstone,
    unknown_of,
    version_id,
)
from hookline.keys import ApiKey
from hookline_memory.agents import MemoryAgents
from hookline_memory.documents import MemoryDocuments
from hookline_memory.people import MemoryKeys


class Shelf(Protocol):
    """The records of one kind."""

    def records(self) -> Iterator[ArchiveRecord]:
        """All of them, in any order."""

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a record as it is."""


@attrs.frozen
class DocumentShelf:
    """Documents with versions, and what is left of deleted ones."""

    documents: MemoryDocuments[Any]

    def records(self) -> Iterator[ArchiveRecord]:
        """All of them."""
        documents = self.documents
        for id_, version in documents.last.items():
            kept = documents.kept.get(id_)
            if kept is None:
                yield ArchiveRecord(id_, tombstone(id_, version))
            else:
                yield ArchiveRecord(id_, content_of(kept, documents.unknown.get(id_, {})))

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a document, or what is left of one."""
        documents, id_, content = self.documents, record.id, record.content
        documents.last[id_] = content["version"]
        if content.get("deleted"):
            documents.kept.pop(id_, None)
            documents.unknown.pop(id_, None)
            return
        documents.kept[id_] = msgspec.convert(content, documents.type)
        documents.unknown[id_] = unknown_of(documents.type, content)


@attrs.frozen
class VersionShelf:
    """Versions of agents that were replaced."""

    agents: MemoryAgents

    def records(self) -> Iterator[ArchiveRecord]:
        """All of them."""
        for (id_, version), agent in self.agents.replaced.items():
            unknown = self.agents.replaced_unknown.get((id_, version), {})
            yield ArchiveRecord(version_id(id_, version), content_of(agent, unknown))

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a version."""
        agent = msgspec.convert(record.content, Agent)
        self.agents.replaced[agent.id, agent.version] = agent
        unknown = unknown_of(Agent, record.content)
        self.agents.replaced_unknown[agent.id, agent.version] = unknown


@attrs.frozen
class KeyShelf:
    """API keys."""

    keys: MemoryKeys

    def records(self) -> Iterator[ArchiveRecord]:
        """All of them."""
        for key in self.keys.kept.values():
            yield ArchiveRecord(key.id, content_of(key, self.keys.unknown.get(key.id, {})))

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a key."""
        self.keys.keep(msgspec.convert(record.content, ApiKey))
        self.keys.unknown[record.id] = unknown_of(ApiKey, record.content)


class Things:
    """Things of one class in a dictionary.

    Args:
        type_: the class.
        kept: the dictionary.
        key_of: the key of a thing in it.
    """

    def __init__(self, type_: type, kept: MutableMapping[Any, Any], key_of: Any):
        self._type = type_
        self._kept = kept
        self._key_of = key_of
        self._unknown: dict[str, Mapping[str, Any]] = {}

    def records(self) -> Iterator[ArchiveRecord]:
        """All of them."""
        for key, thing in self._kept.items():
            id_ = conversation_id(*key) if isinstance(key, tuple) else key
            yield ArchiveRecord(id_, content_of(thing, self._unknown.get(id_, {})))

    def keep(self, record: ArchiveRecord) -> None:
        """Keep a thing, in the place of the one with its id."""
        thing: Any = msgspec.convert(record.content, self._type)
        self._kept[self._key_of(thing)] = thing
        self._unknown[record.id] = unknown_of(self._type, record.content)


class MemoryArchive:
    """All shelves, by kind."""

    def __init__(self, shelves: Mapping[str, Shelf]):
        self._shelves = shelves

    async def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        return sum(1 for _ in self._shelves[kind].records())

    async def read(
        self, kind: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[ArchiveRecord]:
        """Records of a kind, ordered by id."""
        found = (record for record in self._shelves[kind].records() if record.id > after)
        return sorted(found, key=lambda record: record.id)[:limit]

    async def write(self, kind: str, records: Sequence[ArchiveRecord]) -> None:
        """Keep records exactly as they are."""
        for record in records:
            self._shelves[kind].keep(record)
