"""The tool ``file_search``. Source of its texts and its artifact: seed 9.8."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import attrs
import msgspec
from msgspec import Meta, Struct

from hookline import Artifact, Tool, ToolResult, ToolSpec
from hookline.errors import StoreUnavailable
from hookline.schemas import schema_of
from hookline.scope import CallScope
from hookline_file_search.library import Library, Text
from hookline_file_search.passages import Passage
from hookline_file_search.settings import Settings

NAME = "file_search"
NO_FILES = "There are no files to search. The user may attach some."
DESCRIPTION = (
    "Search the attached files for passages that have the words of a query. Ask with the words "
    "that the passage is likely to have, rather than with a whole question."
)
CITING = " Cite a passage by its anchor, right after what you took from it."
SEPARATOR = "\n\n---\n\n"
LIBRECHAT_MARK = "\ue202"
"""What LibreChat's client recognises an anchor by."""


class Arguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What ``file_search`` is called with."""

    query: Annotated[str, Meta(min_length=1, max_length=1_000, description="Words to look for.")]


@attrs.frozen
class Source:
    """A file of a call. ``text`` is missing where ``problem`` says why."""

    id: str
    name: str
    text: Text | None = None
    problem: str = ""


@attrs.frozen
class Hit:
    """A passage that was found, and in which file."""

    source: Source
    passage: Passage
    relevance: float


class FileSearch(Tool):
    """Searches the files that the run may read, by BM25."""

    def __init__(self, library: Library, settings: Settings):
        self._library = library
        self._settings = settings
        schema = schema_of(Arguments)
        for unwanted in ("title", "description"):
            schema.pop(unwanted, None)
        description = DESCRIPTION + CITING if settings.citations else DESCRIPTION
        self.spec = ToolSpec(NAME, description, schema, repeatable=True)

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult | str:
        """The best passages, with the names of the files that could not be searched."""
        query = msgspec.convert(arguments, Arguments).query
        ids = list(dict.fromkeys(scope.resources.get(NAME, ())))
        if not ids:
            return NO_FILES
        sources = self._bounded(await self._sources(ids, scope))
        searched = [source for source in sources if source.text is not None]
        if not searched:
            return ToolResult(_problems(sources), failed=True)
        hits = await self._hits(query, searched)
        notes = _problems(sources)
        if not hits:
            names = ", ".join(source.name for source in searched)
            nothing = f"No passage has any of these words. Searched: {names}."
            return ToolResult("\n".join(filter(None, (nothing, notes))))
        blocks = [self._block(hit, scope.turn, place) for place, hit in enumerate(hits)]
        text = SEPARATOR.join([*blocks, *([notes] if notes else [])])
        return ToolResult(text, [_artifact(hits, self._settings)])

    async def _sources(self, ids: Sequence[str], scope: CallScope) -> list[Source]:
        """The files in the order of their ids, each with its own luck."""
        until = asyncio.get_running_loop().time() + self._settings.timeout
        limit = self._settings.files
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._source(id_, until, scope)) for id_ in ids[:limit]]
        problem = f"only {limit} files are searched at a time"
        return [task.result() for task in tasks] + [
            Source(i, i, None, problem) for i in ids[limit:]
        ]

    async def _source(self, id_: str, until: float, scope: CallScope) -> Source:
        name = id_
        try:
            async with asyncio.timeout_at(until):
                file = await self._library.file(id_)
                if file is None:
                    return Source(id_, name, problem="it is gone")
                name = file.name
                text = await self._library.text(file)
        except TimeoutError:
            return Source(id_, name, problem="it could not be read in time")
        except StoreUnavailable:
            return Source(id_, name, problem="it cannot be read now; try again later")
        scope.progress()
        return Source(id_, name, None if text.problem else text, text.problem)

    def _bounded(self, sources: Sequence[Source]) -> list[Source]:
        """As many files as may be in memory at once; those with the same bytes count once."""
        room = self._settings.cache_bytes // 2
        seen: set[Any] = set()
        bounded: list[Source] = []
        for source in sources:
            text = source.text
            if text is None:
                bounded.append(source)
            elif text.key not in seen:
                seen.add(text.key)
                room -= text.size
                too_much = attrs.evolve(source, text=None, problem="the files are too many")
                bounded.append(source if room >= 0 else too_much)
        return bounded

    async def _hits(self, query: str, sources: Sequence[Source]) -> list[Hit]:
        texts = [source.text for source in sources if source.text is not None]
        index = await self._library.index(texts)
        ranked = await self._library.work(lambda: index.rank(query, self._settings.results))
        owners = [
            (source, passage)
            for source, text in zip(sources, texts, strict=True)
            for passage in text.passages
        ]
        return [Hit(*owners[place], round(score, 4)) for place, score in ranked]

    def _block(self, hit: Hit, turn: int, place: int) -> str:
        """A passage as the model reads it."""
        lines = [f"File: {hit.source.name}"]
        if hit.passage.page is not None:
            lines.append(f"Page: {hit.passage.page}")
        if self._settings.citations:
            anchor = f"turn{turn}file{place}"
            plain = self._settings.anchor == "plain"
            lines.append(f"Anchor: {f'[{anchor}]' if plain else LIBRECHAT_MARK + anchor}")
        lines += [f"Relevance: {hit.relevance:.4f}", f"Content: {hit.passage.text}"]
        return "\n".join(lines)


def _problems(sources: Sequence[Source]) -> str:
    """What was not searched, and why."""
    problems = [f"Not searched: {s.name}: {s.problem}." for s in sources if s.problem]
    parts = [
        f"Searched in part: {source.name}: {source.text.missing}."
        for source in sources
        if source.text is not None and source.text.missing
    ]
    return "\n".join([*problems, *parts])


def _artifact(hits: Sequence[Hit], settings: Settings) -> Artifact:
    sources = [_cited(hit) for hit in hits]
    return Artifact(kind=NAME, data={"sources": sources, "fileCitations": settings.citations})


def _cited(hit: Hit) -> dict[str, Any]:
    page = hit.passage.page
    return {
        "type": "file",
        "fileId": hit.source.id,
        "content": hit.passage.text,
        "fileName": hit.source.name,
        "relevance": hit.relevance,
        "pages": [] if page is None else [page],
        "pageRelevance": {} if page is None else {str(page): hit.relevance},
    }
