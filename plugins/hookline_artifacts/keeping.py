"""Keeping: what tools made becomes files of the caller's, and attachments that lead to them."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import attrs
import structlog

from hookline import Artifact, Attachment, RunScope
from hookline.errors import InvalidRequest, StoreUnavailable
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.media import sniff
from hookline.outbound import OutboundError
from hookline_artifacts.contents import Contents
from hookline_artifacts.failures import Unusable

log = structlog.get_logger("hookline.artifacts")
AT_ONCE = 4
"""Files of one artifact that are fetched and kept at a time."""
ENDINGS: Mapping[str, str] = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/x-icon": ".ico",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
}
"""How names of media end that came without one."""
Work = Callable[[Mapping[str, Any]], Awaitable[Attachment]]


@attrs.frozen
class Keeping:
    """Keeps media and files for the caller of a run.

    Args:
        files: where they are kept.
        contents: reads them.
        limit: how many of one artifact.
    """

    files: Files
    contents: Contents
    limit: int

    async def media(
        self, artifact: Artifact, items: Sequence[Mapping[str, Any]], scope: RunScope
    ) -> Sequence[Attachment]:
        """Images or audio, each a file of its own. ``artifact.kind`` says which."""
        stem = PurePosixPath(artifact.name).stem or artifact.kind

        async def keep(item: Mapping[str, Any]) -> Attachment:
            content = await self.contents.read(item)
            type_ = sniff(content[:4096])
            if not type_.startswith(f"{artifact.kind}/"):
                message = f"it is no {artifact.kind}, but {type_}"
                raise Unusable(message)
            name = f"{stem}_{artifact.kind[:3]}_{secrets.token_hex(4)}{ENDINGS.get(type_, '')}"
            file = await self.files.save(
                content,
                owner=scope.principal.user,
                name=name,
                conversation=scope.conversation,
                metadata=_origin(scope),
            )
            return Attachment(kind=artifact.kind, name=file.name, data=described(file))

        return await self._all(artifact, items, keep)

    async def named(
        self, artifact: Artifact, items: Sequence[Mapping[str, Any]], scope: RunScope
    ) -> Sequence[Attachment]:
        """Files with names; in one conversation the same name is the same file. Seed 10."""

        async def keep(item: Mapping[str, Any]) -> Attachment:
            file = await self.files.replace(
                await self.contents.read(item),
                owner=scope.principal.user,
                name=_name(item) or f"file_{secrets.token_hex(4)}",
                conversation=scope.conversation,
                metadata=_origin(scope),
            )
            kind = "image" if file.media_type.startswith("image/") else "file"
            return Attachment(kind=kind, name=file.name, data=described(file))

        return await self._all(artifact, _last_of_each(items), keep)

    async def _all(
        self, artifact: Artifact, items: Sequence[Mapping[str, Any]], keep: Work
    ) -> Sequence[Attachment]:
        """An attachment for each, in order; one that fails does not keep the others."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one(item: Mapping[str, Any]) -> Attachment:
            try:
                async with free:
                    return await keep(item)
            except (Unusable, InvalidRequest, OutboundError, StoreUnavailable) as error:
                log.warning("artifact.not_kept", kind=artifact.kind, error=str(error))
                name = _name(item) or artifact.name
                return Attachment(kind=artifact.kind, name=name, error=str(error))

        made = list(await asyncio.gather(*(one(item) for item in items[: self.limit])))
        if len(items) > self.limit:
            text = f"{len(items) - self.limit} more were left out; {self.limit} are kept at most"
            made.append(Attachment(kind=artifact.kind, name=artifact.name, error=text))
        return made


def described(file: FileRecord) -> Mapping[str, Any]:
    """A file, for whoever wants to show or fetch it. ``url`` is a path on this server."""
    return {
        "file_id": file.id,
        "url": f"/v1/files/{file.id}/content",
        "filename": file.name,
        "bytes": file.size,
        "media_type": file.media_type,
    }


def _origin(scope: RunScope) -> Mapping[str, str]:
    return {"run": scope.run, "agent": scope.agent}


def _name(item: Mapping[str, Any]) -> str:
    name = item.get("name")
    return name if isinstance(name, str) else ""


def _last_of_each(items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Of files with one name the last, as if they had been written one after the other."""
    last = {_name(item) or f"\0{number}": item for number, item in enumerate(items)}
    return list(last.values())
