"""Citations: the passages of files that an answer is drawn from. Source: seed 10, citations."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from hookline import Attachment
from hookline.files import FileRecord
from hookline.filing import Files
from hookline_artifacts.settings import Settings

KIND = "file_search"


async def cite(data: Mapping[str, Any], files: Files, settings: Settings) -> Attachment | None:
    """The most relevant passages; ``None`` if none is left, or none shall be shown.

    The tool's own ``fileCitations: false`` drops all of them, and so does the setting.

    Args:
        data: ``sources``, each with ``fileId`` and ``relevance`` from 0 to 1, and
            ``fileCitations``.
        files: know their names.
        settings: how many are kept.
    """
    if not settings.file_citations or data.get("fileCitations") is False:
        return None
    chosen = choose(_sources(data.get("sources")), settings)
    if not chosen:
        return None
    known = {id_: await files.get(id_) for id_ in {source["fileId"] for source in chosen}}
    sources = [_named(source, known[source["fileId"]]) for source in chosen]
    return Attachment(kind=KIND, name="file_search_results", data={"sources": sources})


def choose(sources: Sequence[Mapping[str, Any]], settings: Settings) -> Sequence[Mapping[str, Any]]:
    """The most relevant sources, the best first; of equals those that came first."""
    chosen: list[Mapping[str, Any]] = []
    per_file = Counter[str]()
    for source in sorted(sources, key=_relevance, reverse=True):
        file = source["fileId"]
        if _relevance(source) < settings.min_relevance or len(chosen) == settings.max_citations:
            break
        if per_file[file] < settings.max_citations_per_file:
            per_file[file] += 1
            chosen.append(source)
    return chosen


def _sources(given: Any) -> Sequence[Mapping[str, Any]]:
    return list(_usable(given)) if isinstance(given, Sequence) else []


def _usable(given: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """Those that name a file and say how relevant they are."""
    for source in given:
        match source:
            case {"fileId": str(), "relevance": int() | float() as relevance} if isfinite(
                relevance
            ):
                yield source
            case _:
                continue


def _relevance(source: Mapping[str, Any]) -> float:
    return float(source["relevance"])


def _named(source: Mapping[str, Any], file: FileRecord | None) -> Mapping[str, Any]:
    """A source with the file's own name, and where it is; a file that is gone is only named."""
    if file is None:
        return source
    return {**source, "fileName": file.name, "url": f"/v1/files/{file.id}/content"}
