"""Sources: where the text of a document comes from."""

import asyncio
from pathlib import Path

from hookline.outbound import GuardedClient, Limits, OutboundError, Targets
from hookline_actions.failures import DocumentInvalid
from hookline_actions.settings import DocumentSettings, Settings

_URL = ("http://", "https://")
_REDIRECTS = 3


class SourceUnavailable(DocumentInvalid):
    """The server that has the document does not give it just now."""


def is_url(document: str) -> bool:
    """Whether it is fetched."""
    return document.startswith(_URL)


async def text_of(settings: DocumentSettings, shared: Settings) -> str:
    """The text of a document: from a URL, from a file, or as it stands in the config.

    Raises:
        SourceUnavailable: the URL does not answer; later it may.
        DocumentInvalid: there is no such file, or the URL is not allowed.
    """
    document = settings.document
    if is_url(document):
        return await _fetched(settings, shared)
    if "\n" in document or document.lstrip().startswith("{"):
        return document
    return await asyncio.to_thread(_file, document, shared.document_limit)


def _file(name: str, limit: int) -> str:
    if not name:
        message = "document is missing: give a path, a URL or the text itself"
        raise DocumentInvalid(message)
    try:
        with Path(name).open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            message = f"{name} has more than {limit:,} bytes"
            raise DocumentInvalid(message)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name} is no text"
        raise DocumentInvalid(message) from error
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror}"
        raise DocumentInvalid(message) from error


async def _fetched(settings: DocumentSettings, shared: Settings) -> str:
    private = [*shared.allow_private, *settings.allow_private]
    limits = Limits(total=shared.timeout, size=shared.document_limit, redirects=_REDIRECTS)
    try:
        async with GuardedClient(Targets((), private)) as client:
            fetched = await client.request("GET", settings.document, limits=limits)
    except ValueError as error:
        raise DocumentInvalid(str(error)) from error
    except OutboundError as error:
        message = f"the document cannot be fetched: {error}"
        raise SourceUnavailable(message) from error
    if fetched.status != 200:
        message = f"the document cannot be fetched: HTTP {fetched.status}"
        raise SourceUnavailable(message)
    return fetched.text()
