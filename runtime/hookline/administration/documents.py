"""Changing users, groups and roles: documents that are replaced as a whole."""

from typing import Any, Generic, TypeVar

import attrs

from hookline.administration.actor import Actor, Change, Recorder
from hookline.administration.tries import persist
from hookline.documents import Document, DocumentStore, check_version
from hookline.errors import InvalidRequest, NotFound

DocumentT = TypeVar("DocumentT", bound=Document)


class DocumentAdministration(Generic[DocumentT]):
    """Changes documents of one kind.

    Args:
        kind: what one is called, such as ``user``.
        store: where they are.
        recorder: where changes are written down.
    """

    def __init__(self, kind: str, store: DocumentStore[DocumentT], recorder: Recorder):
        self.kind = kind
        self.store = store
        self._recorder = recorder

    async def find(self, id_: str) -> DocumentT:
        """The document with this id.

        Raises:
            NotFound: there is none.
        """
        found = await self.store.get(id_)
        if found is None:
            message = f"there is no {self.kind} {id_}"
            raise NotFound(message)
        return found

    async def create(self, actor: Actor, document: DocumentT) -> DocumentT:
        """Keep a new document.

        Raises:
            VersionConflict: there is one with this id.
            InvalidRequest: it is too large.
        """
        at = self._recorder.clock()
        made: Any = attrs.evolve(document, created_at=at, updated_at=at)  # type: ignore[misc]
        kept: DocumentT = await self.store.put(made, expected=0)
        await self._recorder.record(actor, [Change(self.kind, kept.id, None, kept)])
        return kept

    async def replace(
        self, actor: Actor, document: DocumentT, *, expected: int | None = None
    ) -> DocumentT:
        """Put a document in the place of the one with its id.

        Raises:
            NotFound: there is none.
            VersionConflict: another version than ``expected`` is there.
            InvalidRequest: the config manages it, or it is too large.
        """

        async def attempt() -> DocumentT:
            current = await self.find(document.id)
            self._refuse_managed(current)
            check_version(document.id, current, expected)
            kept = await self.store.put(document, expected=current.version)
            if kept.version != current.version:
                detail = f"version {kept.version}"
                change = Change(self.kind, kept.id, current, kept, detail)
                await self._recorder.record(actor, [change])
            return kept

        return await attempt() if expected is not None else await persist(attempt)

    async def delete(self, actor: Actor, id_: str, *, expected: int | None = None) -> None:
        """Remove a document.

        Raises:
            NotFound: there is none.
            VersionConflict: another version than ``expected`` is there.
            InvalidRequest: the config manages it.
        """
        current = await self.find(id_)
        self._refuse_managed(current)
        if not await self.store.delete(id_, expected=expected):
            message = f"there is no {self.kind} {id_}"
            raise NotFound(message)
        await self._recorder.record(actor, [Change(self.kind, id_, current, None)])

    def _refuse_managed(self, document: DocumentT) -> None:
        managed_by = getattr(document, "managed_by", None)
        if managed_by is not None:
            name = f"the {self.kind} {document.id}"
            message = f"{name} is managed by the {managed_by}; change it there"
            raise InvalidRequest(message, reason="managed_by_config")
