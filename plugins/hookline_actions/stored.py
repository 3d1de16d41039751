"""Stored documents: those that ``hookline actions add`` keeps, with their credentials sealed."""

from collections.abc import Mapping, Sequence

import msgspec

from hookline.records import Record, RecordStore
from hookline.vault import Vault
from hookline_actions.settings import Credential, DocumentSettings

DOCUMENTS = "actions.documents"
_PAGE = 100


class _Secrets(msgspec.Struct, frozen=True):
    security: Mapping[str, Credential] = {}
    headers: Mapping[str, str] = {}


class StoredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it is kept.

    Args:
        text: of the document, JSON or YAML.
        source: the URL that it came from, or empty.
        settings: without secrets.
        sealed: the secrets; empty if there are none.
    """

    text: str
    source: str = ""
    settings: DocumentSettings = DocumentSettings()
    sealed: bytes = b""


def sealed(
    name: str, text: str, settings: DocumentSettings, vault: Vault, *, source: str = ""
) -> Record:
    """The record that keeps a document.

    Raises:
        ConfigError: there are secrets, and no key to seal them with.
    """
    data = b""
    if settings.security or settings.headers:
        plain = msgspec.json.encode(_Secrets(settings.security, settings.headers))
        data = vault.seal(plain, purpose=f"{DOCUMENTS}/{name}")
    bare = msgspec.structs.replace(settings, document="", security={}, headers={})
    stored = StoredDocument(text=text, source=source, settings=bare, sealed=data)
    return Record(collection=DOCUMENTS, id=name, data=msgspec.json.encode(stored))


def opened(record: Record, vault: Vault) -> StoredDocument:
    """The document that a record keeps, with its secrets among its settings.

    Raises:
        ConfigError: there is no key to open the secrets with.
        SealBroken: the key is another one.
    """
    stored = described(record)
    if not stored.sealed:
        return stored
    plain = vault.open(stored.sealed, purpose=f"{DOCUMENTS}/{record.id}")
    kept = msgspec.json.decode(plain, type=_Secrets)
    settings = msgspec.structs.replace(
        stored.settings, security=kept.security, headers=kept.headers
    )
    return msgspec.structs.replace(stored, settings=settings)


def resealed(record: Record, vault: Vault) -> bytes:
    """The data of the record with its secrets sealed by the present key; raises as ``opened``."""
    stored = described(record)
    if not stored.sealed:
        return record.data
    data = vault.reseal(stored.sealed, purpose=f"{DOCUMENTS}/{record.id}")
    if data == stored.sealed:
        return record.data
    return msgspec.json.encode(msgspec.structs.replace(stored, sealed=data))


def described(record: Record) -> StoredDocument:
    """The document that a record keeps, without its secrets."""
    return msgspec.json.decode(record.data, type=StoredDocument)


async def all_of(records: RecordStore) -> Sequence[Record]:
    """The records of all stored documents, by name."""
    found: list[Record] = []
    while True:
        after = found[-1].id if found else ""
        page = await records.list(DOCUMENTS, after=after, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found
