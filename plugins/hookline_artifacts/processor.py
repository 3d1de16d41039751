"""The processor: each kind of artifact has its way. Source: seed 10."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import attrs

from hookline import Artifact, ArtifactProcessor, Attachment, RunScope
from hookline.filing import Files
from hookline_artifacts.citations import cite
from hookline_artifacts.contents import Contents
from hookline_artifacts.failures import Unusable
from hookline_artifacts.inline import hand_on
from hookline_artifacts.keeping import Keeping
from hookline_artifacts.settings import Settings

KINDS = frozenset(
    {"image", "audio", "content", "files", "file_search", "web_search", "ui_resources"}
)
"""The kinds of artifacts that become attachments; others are left to other processors."""


class Processor(ArtifactProcessor):
    """Makes attachments. An async context manager: it holds connections to other servers.

    Args:
        files: where images and files are kept.
        contents: reads what is kept.
        settings: how much of it.
    """

    def __init__(self, files: Files, contents: Contents, settings: Settings):
        self._files = files
        self._contents = contents
        self._keeping = Keeping(files, contents, settings.max_files)
        self._settings = settings

    async def __aenter__(self) -> Self:
        """Begin to take what has to be fetched."""
        await self._contents.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the connections."""
        await self._contents.__aexit__(*exc)

    def accepts(self, artifact: Artifact) -> bool:
        """Whether there is a way for its kind, and anything in it."""
        return artifact.kind in KINDS and artifact.data is not None

    async def process(self, artifact: Artifact, scope: RunScope) -> Sequence[Attachment]:
        """What there is in the artifact; what is wrong with it is an attachment, too."""
        try:
            return await self._process(artifact, scope)
        except Unusable as error:
            return [Attachment(kind=artifact.kind, name=artifact.name, error=str(error))]

    async def _process(self, artifact: Artifact, scope: RunScope) -> Sequence[Attachment]:
        data = artifact.data
        match artifact.kind:
            case "web_search" | "ui_resources":
                return [hand_on(artifact.kind, data, self._settings.inline_limit)]
            case "file_search":
                cited = await cite(_mapping(data), self._files, self._settings)
                return [] if cited is None else [cited]
            case "files":
                return await self._keeping.named(artifact, _items(data, "files"), scope)
            case "content":
                image = attrs.evolve(artifact, kind="image")
                return await self._keeping.media(image, _media(data, "image"), scope)
            case kind:
                return await self._keeping.media(artifact, _media(data, kind), scope)


def _media(data: Any, kind: str) -> Sequence[Mapping[str, Any]]:
    """The images of an artifact: bytes or a URL alone, a mapping of them, or parts of content."""
    if isinstance(data, bytes | bytearray | str):
        url = isinstance(data, str) and data.lower().startswith(("data:", "http:", "https:"))
        return [{"url" if url else "content": data}]
    parts = data.get("content") if isinstance(data, Mapping) else data
    if isinstance(parts, Sequence) and not isinstance(parts, bytes | bytearray | str):
        return list(_parts(parts, kind))
    return [_mapping(data)]


def _parts(parts: Sequence[Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """Images among parts of content, as OpenAI writes them; other parts are no artifacts."""
    for part in parts:
        match part:
            case {"type": "image_url", "image_url": {"url": str(url)}} if kind == "image":
                yield {"url": url}
            case {"type": "image_url", "image_url": str(url)} if kind == "image":
                yield {"url": url}
            case {"type": _}:
                continue
            case {"data": _} | {"content": _} | {"url": _}:
                yield part
            case _:
                continue


def _items(data: Any, name: str) -> Sequence[Mapping[str, Any]]:
    """The list that an artifact's data has under a name, or is itself."""
    found = data.get(name) if isinstance(data, Mapping) else data
    if not isinstance(found, Sequence) or isinstance(found, bytes | bytearray | str):
        message = f"its data has no list of {name}"
        raise Unusable(message)
    return [_mapping(item) for item in found]


def _mapping(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        message = "its data is no object"
        raise Unusable(message)
    return data
