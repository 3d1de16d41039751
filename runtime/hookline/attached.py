"""Attached files: what a model gets to see of the files that a caller names by their ids.

An image is shown to the model. A document is left to ``file_search`` if the agent has it;
otherwise a text is put in its place, and a PDF is handed on. With ``execute_code``, code may open
every one of them. An agent's own context files are texts that follow its instructions.
"""

import html
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import attrs
import msgspec
import structlog
from msgspec import UNSET

from hookline.agents import Agent
from hookline.charsets import decode
from hookline.errors import InvalidRequest, NotFound, ToolUnavailable
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.wire.chat import (
    FileData,
    FilePart,
    ImagePart,
    ImageUrl,
    Message,
    TextPart,
    UserMessage,
    UserPart,
)

log = structlog.get_logger("hookline.files")
CONTEXT = "context"
SEARCH = "file_search"
CODE = "execute_code"
PDF = "application/pdf"
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What models can look at. Source: OpenAI's guide to images."""

TRUNCATED = "\n[truncated: the file has {size:,} bytes]"
HEAD = 1024
"""Bytes that are always read of a text, to see that it is one."""

_Place = tuple[int, int]


@attrs.frozen(kw_only=True)
class AttachedLimits:
    """What the files of one request may come to.

    Args:
        files: how many may be named.
        text: characters of all texts together; what is beyond is cut off, with a mark.
        data: bytes of all images and PDFs together.
    """

    files: int = 100
    text: int = 400_000
    data: int = 32_000_000


LIMITS = AttachedLimits()


@attrs.frozen
class Attached:
    """Messages without ids of files, and the files that tools may read, by the tool's name."""

    messages: Sequence[Message]
    resources: Mapping[str, Sequence[str]]


async def resolve(
    messages: Sequence[Message],
    files: Files,
    allowed: Callable[[FileRecord], bool],
    *,
    tools: Collection[str] = (),
    limits: AttachedLimits = LIMITS,
) -> Attached:
    """Put in the place of each file that a user's message names by its id what the model gets.

    Args:
        messages: of the request.
        files: of the server.
        allowed: whether the caller may read a file.
        tools: the names of the agent's tools.
        limits: of what is put into the messages.

    Raises:
        InvalidRequest: there is no such file that the caller may read, or the model cannot be
            given it; ``param`` names its place.
        StoreUnavailable: files cannot be read now.
    """
    places = dict(_places(messages))
    if not places:
        return Attached(messages, {})
    _refuse_many(places, limits)
    found = {place: await _found(place, part, files, allowed) for place, part in places.items()}
    resolution = _Resolution(files, tools, limits)
    parts = {place: await resolution.part(place, file) for place, file in found.items()}
    return Attached(_with(messages, parts), resolution.resources())


async def context(agent: Agent, files: Files, *, limit: int = LIMITS.text) -> str:
    """The texts of an agent's context files, to follow its instructions; empty if it has none.

    Raises:
        ToolUnavailable: one of them is gone or is no text, and the agent does not say
            ``on_tool_failure = "degrade"``.
        StoreUnavailable: files cannot be read now.
    """
    resource = agent.tool_resources.get(CONTEXT)
    texts: list[str] = []
    for id_ in resource.file_ids if resource else ():
        try:
            text = await _context_text(id_, files, limit)
        except NotFound as error:
            message = f"a context file of agent {agent.id} cannot be used: {error}"
            if agent.on_tool_failure == "fail":
                raise ToolUnavailable(message) from error
            log.warning("agent.context_file_left_out", agent=agent.id, file=id_, error=str(error))
            continue
        limit -= len(text)
        texts.append(text)
    return "\n\n".join(texts)


async def _context_text(id_: str, files: Files, limit: int) -> str:
    file = await files.get(id_)
    if file is None:
        message = f"there is no file {id_}"
        raise NotFound(message)
    text = None if _kind(file) == PDF else await _text(files, file, limit)
    if text is None:
        message = f"{file.name} ({id_}) is {file.media_type}, not text"
        raise NotFound(message)
    return _framed(file, text)


class _Resolution:
    """What becomes of the files of one request, one after the other."""

    def __init__(self, files: Files, tools: Collection[str], limits: AttachedLimits):
        self._files = files
        self._tools = tools
        self._text = limits.text
        self._data = limits.data
        self._searched: dict[str, None] = {}
        self._opened: dict[str, None] = {}

    def resources(self) -> Mapping[str, Sequence[str]]:
        """The ids for the tools, each one once."""
        by_tool = {SEARCH: tuple(self._searched), CODE: tuple(self._opened)}
        return {tool: ids for tool, ids in by_tool.items() if ids}

    async def part(self, place: _Place, file: FileRecord) -> UserPart:
        """What the model gets of a file."""
        kind = _kind(file)
        if CODE in self._tools:
            self._opened[file.id] = None
        if kind in IMAGES:
            return ImagePart(ImageUrl(await self._data_url(place, file, kind)))
        if SEARCH in self._tools:
            self._searched[file.id] = None
            return self._note(file)
        if kind == PDF:
            return FilePart(FileData(file.name, await self._data_url(place, file, kind)))
        try:
            text = await _text(self._files, file, self._text)
        except NotFound as error:
            raise _missing(place, file.id) from error
        if text is not None:
            self._text -= len(text)
            return TextPart(_framed(file, text))
        if CODE in self._tools:
            return self._note(file)
        message = (
            f"{file.name} is {kind or 'of no known type'}, which the model cannot be given; "
            "send a text, a PDF, or an image as PNG, JPEG, GIF or WebP"
        )
        raise InvalidRequest(message, param=_param(place), reason="unsupported_file")

    def _note(self, file: FileRecord) -> TextPart:
        uses = {SEARCH: f"search it with {SEARCH}", CODE: f"{CODE} can open it"}
        offered = "; ".join(use for tool, use in uses.items() if tool in self._tools)
        return TextPart(f"[Attached file: {file.name} ({file.id}); {offered}]")

    async def _data_url(self, place: _Place, file: FileRecord, kind: str) -> str:
        self._data -= file.size
        if self._data < 0:
            message = (
                f"{file.name} has {file.size:,} bytes, which is too much for the model, together "
                "with the other files of this request; leave some out, or ask an agent that has "
                f"{SEARCH}"
            )
            raise InvalidRequest(message, param=_param(place), reason="file_too_large")
        try:
            content = await self._files.read(file)
        except NotFound as error:
            raise _missing(place, file.id) from error
        return f"data:{kind};base64,{b64encode(content).decode()}"


def _places(messages: Sequence[Message]) -> Iterator[tuple[_Place, FileData]]:
    for i, message in enumerate(messages):
        if not isinstance(message, UserMessage) or not isinstance(message.content, list):
            continue
        for j, part in enumerate(message.content):
            if isinstance(part, FilePart) and part.file.file_id is not UNSET:
                yield (i, j), part.file


def _refuse_many(places: Mapping[_Place, FileData], limits: AttachedLimits) -> None:
    if len(places) > limits.files:
        message = f"the messages name {len(places)} files; at most {limits.files} may be"
        raise InvalidRequest(message, param="messages", reason="too_many_files")
    for place, part in places.items():
        if part.file_data is not UNSET:
            message = "a file is given by its id or by its data, not by both"
            raise InvalidRequest(message, param=_param(place))


async def _found(
    place: _Place, part: FileData, files: Files, allowed: Callable[[FileRecord], bool]
) -> FileRecord:
    file = await files.get(part.file_id) if part.file_id is not UNSET else None
    if file is None or not allowed(file):
        raise _missing(place, part.file_id)
    return file


def _missing(place: _Place, id_: object) -> InvalidRequest:
    """The same answer for what is not there and for what the caller may not read."""
    message = f"there is no file {id_} that you may read; upload it to /v1/files first"
    return InvalidRequest(message, param=_param(place), reason="file_not_found")


def _param(place: _Place) -> str:
    return f"messages[{place[0]}].content[{place[1]}].file.file_id"


def _with(messages: Sequence[Message], parts: Mapping[_Place, UserPart]) -> Sequence[Message]:
    replaced = list(messages)
    for i in {i for i, _ in parts}:
        message = messages[i]
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            content = [parts.get((i, j), part) for j, part in enumerate(message.content)]
            replaced[i] = msgspec.structs.replace(message, content=content)
    return replaced


def _kind(file: FileRecord) -> str:
    return file.media_type.partition(";")[0].strip().lower()


async def _text(files: Files, file: FileRecord, limit: int) -> str | None:
    """The text of a file, as far as the limit allows; ``None`` if it is not text.

    Raises:
        NotFound: its bytes are gone.
    """
    limit = max(0, limit)
    content = await files.read(file, 0, min(file.size, 4 * limit + HEAD))
    whole = len(content) == file.size
    text = decode(content, file.media_type, whole=whole)
    if text is None or (len(text) <= limit and whole):
        return text
    return text[:limit] + TRUNCATED.format(size=file.size)


def _framed(file: FileRecord, text: str) -> str:
    return f'<file name="{html.escape(file.name)}">\n{text}\n</file>'
