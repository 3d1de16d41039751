"""Results: what a call of an MCP tool gives back, for the model and for the caller. Seed 9.6."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from hookline import Artifact, ToolResult
from hookline.tools import ContentPart
from hookline.wire.chat import ImagePart, ImageUrl, TextPart

NO_RESPONSE = "(No response)"
BLANK = "\n\n"
UI = "ui://"
ID_LENGTH = 10
_UI_NOTE = (
    "The user does not see a UI resource unless your answer has its marker, as it stands here, "
    "on a line of its own."
)
_canonical = msgspec.json.Encoder(order="deterministic").encode
KNOWN = frozenset({"text", "image", "audio", "resource", "resource_link"})
"""Kinds of content that the SDK lets through."""


def result_of(
    content: Iterable[Mapping[str, Any]], structured: Any = None, *, failed: bool = False
) -> ToolResult:
    """The result of a call.

    Args:
        content: items as JSON has them, with the names of the protocol.
        structured: the structured content, which counts where there is no text.
        failed: whether the server says ``isError``.
    """
    reading = _Reading()
    for item in content:
        reading.take(item)
    if structured is not None and not reading.has_text:
        reading.say(_canonical(structured).decode())
    return ToolResult(reading.content(), reading.artifacts(), failed=failed)


def with_known_items(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """A result in which items of unknown kinds have become text that has them as JSON."""
    content = result.get("content")
    if not isinstance(content, list) or all(map(_is_known, content)):
        return result
    items = [item if _is_known(item) else _as_text(item) for item in content]
    return {**result, "content": items}


def _is_known(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("type") in KNOWN


def _as_text(item: Any) -> Mapping[str, Any]:
    return {"type": "text", "text": msgspec.json.encode(item).decode()}


@attrs.define
class _Reading:
    """A result, item by item."""

    parts: list[ContentPart] = attrs.field(factory=list)
    made: list[Artifact] = attrs.field(factory=list)
    resources: list[Mapping[str, Any]] = attrs.field(factory=list)

    @property
    def has_text(self) -> bool:
        return any(isinstance(part, TextPart) for part in self.parts)

    def take(self, item: Mapping[str, Any]) -> None:
        match item:
            case {"type": "text", "text": str(text)}:
                self.say(text)
            case {"type": "image", "data": str(data), "mimeType": str(media_type)}:
                self.made.append(_media("image", data, media_type))
                self.parts.append(ImagePart(ImageUrl(f"data:{media_type};base64,{data}")))
            case {"type": "audio", "data": str(data), "mimeType": str(media_type)}:
                self.made.append(_media("audio", data, media_type))
                self.say(f"Audio ({media_type}) was given to the user.")
            case {"type": "resource", "resource": {"uri": str(uri)} as resource}:
                self.embedded(uri, resource)
            case {"type": "resource_link", "uri": str()}:
                self.say(_described("Link to a resource", item))
            case _:
                self.say(_canonical(item).decode())

    def say(self, text: str) -> None:
        """Add text, behind a blank line if there is text before it."""
        last = self.parts[-1] if self.parts else None
        if isinstance(last, TextPart):
            self.parts[-1] = TextPart(f"{last.text}{BLANK}{text}")
        else:
            self.parts.append(TextPart(text))

    def embedded(self, uri: str, resource: Mapping[str, Any]) -> None:
        if not uri.startswith(UI):
            self.say(_described("Resource", resource))
            return
        id_ = hashlib.sha256(_canonical(resource)).hexdigest()[:ID_LENGTH]
        self.resources.append({**resource, "resourceId": id_})
        self.say(f"UI resource: {uri}\nId: {id_}\nMarker: \\ui{{{id_}}}\n{_UI_NOTE}")

    def content(self) -> str | Sequence[ContentPart]:
        if not self.parts:
            return NO_RESPONSE
        if len(self.parts) == 1 and isinstance(self.parts[0], TextPart):
            return self.parts[0].text or NO_RESPONSE
        return self.parts

    def artifacts(self) -> Sequence[Artifact]:
        if not self.resources:
            return self.made
        return [*self.made, Artifact(kind="ui_resources", data=self.resources)]


def _media(kind: str, data: str, media_type: str) -> Artifact:
    return Artifact(kind=kind, data={"data": data, "media_type": media_type})


def _described(what: str, resource: Mapping[str, Any]) -> str:
    """A resource in words, with its text if it has any."""
    lines = [f"{what}: {resource['uri']}"]
    for label, key in (("Name", "name"), ("Description", "description"), ("Type", "mimeType")):
        if resource.get(key):
            lines.append(f"{label}: {resource[key]}")
    if "blob" in resource:
        lines.append(f"Size: {len(resource['blob']) * 3 // 4} bytes, not shown")
    if "text" in resource:
        lines += ["Text:", resource["text"]]
    return "\n".join(lines)
