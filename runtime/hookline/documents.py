"""Documents: what has an id and a version, and is replaced as a whole."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import attrs
import msgspec

from hookline.errors import InvalidRequest, VersionConflict

LIMIT = 16_000_000
"""Bytes of the largest document, MongoDB's limit less some room for what stands beside it.

It holds in every store, so that a document can move from any store to any other."""

_BOOKKEEPING = ("version", "created_at", "updated_at", "updated_by")
"""What a store or a service writes, and nobody means as a change."""
_encode = msgspec.json.Encoder(order="deterministic").encode


class Document(Protocol):
    """What every document has. Implementations are frozen ``attrs`` classes."""

    @property
    def id(self) -> str:
        """What it is found by; ids are told apart by case."""

    @property
    def version(self) -> int:
        """1, 2, 3 …; ``(id, version)`` never changes its meaning."""

    @property
    def created_at(self) -> datetime:
        """When the id came into being, in UTC."""

    @property
    def updated_at(self) -> datetime:
        """When this version did, in UTC."""


DocumentT = TypeVar("DocumentT", bound=Document)


class DocumentStore(Protocol[DocumentT]):
    """Where documents of one kind are kept. Every method may raise ``StoreUnavailable``."""

    async def get(self, id: str, /) -> DocumentT | None:  # noqa: A002  the field's own word
        """The document with this id."""

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[DocumentT]:
        """Documents ordered by id, character by character: those with an id above ``after``."""

    async def put(self, document: DocumentT, /, *, expected: int | None = None) -> DocumentT:
        """Create the document, or replace it; what is kept is what ``revise`` says.

        What a newer Hookline wrote into the document, and this one does not know, stays; that is
        promised of fields of the document, not of fields further down, such as those of an edge.

        Args:
            document: as it shall be.
            expected: the version that it replaces; 0 if there must be none; ``None`` replaces
                whatever is there.

        Raises:
            VersionConflict: another version is there; nothing is changed.
            InvalidRequest: the document is larger than ``LIMIT``.
            ValueError: a time has no zone.
        """

    async def delete(self, id: str, /, *, expected: int | None = None) -> bool:  # noqa: A002
        """Remove a document; false if there was none.

        A document that gets the same id later goes on counting versions where this one ended.

        Raises:
            VersionConflict: another version than ``expected`` is there; nothing is changed.
        """


def same_content(one: DocumentT, other: DocumentT) -> bool:
    """Whether two documents differ in nothing but version, times and who wrote them."""
    return _content(one) == _content(other)


def revise(
    document: DocumentT,
    current: DocumentT | None,
    *,
    last: int,
    at: datetime,
    expected: int | None = None,
) -> DocumentT:
    """What a store keeps when a document is put.

    A new document gets the next version. An existing one keeps ``created_at``; if it differs in
    nothing but version, times and who wrote it, it is left as it is.

    Args:
        document: as it was put.
        current: what the store holds under its id.
        last: the last version that this id ever had; 0 if none.
        at: this moment.
        expected: the version that must be there, 0 for none; ``None`` for any.

    Raises:
        VersionConflict: another version is there.
    """
    check_version(document.id, current, expected)
    if current is None:
        return _evolve(document, version=last + 1)
    if same_content(current, document):
        return current
    return _evolve(document, version=last + 1, created_at=current.created_at, updated_at=at)


def check_version(id_: str, current: Document | None, expected: int | None) -> None:
    """Refuse a change that was made for another version than the current one.

    Raises:
        VersionConflict: another version is there.
    """
    found = 0 if current is None else current.version
    if expected is not None and expected != found:
        raise VersionConflict(id_, found)


def refuse_large(size: int, what: str) -> None:
    """Refuse a document of more than ``LIMIT`` bytes.

    Raises:
        InvalidRequest: it is larger; ``what`` names it.
    """
    if size > LIMIT:
        message = f"{what} is too large: {size:,} bytes, and {LIMIT:,} can be kept"
        raise InvalidRequest(message, reason="document_too_large")


def _content(document: Any) -> bytes:
    # As JSON: Python takes 1, 1.0 and True for the same, and a provider does not.
    fields = attrs.fields(type(document))
    return _encode(
        {f.name: getattr(document, f.name) for f in fields if f.name not in _BOOKKEEPING}
    )


def _evolve(document: DocumentT, **changes: Any) -> DocumentT:
    return cast("DocumentT", attrs.evolve(cast("Any", document), **changes))
