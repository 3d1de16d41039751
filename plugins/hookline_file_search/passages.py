"""Passages: sections cut into pieces that are searched, and that a model can read."""

import re
import sys
from collections.abc import Iterator, Sequence

import attrs

from hookline_file_search.reading import Section

_BORDERS = tuple(
    map(
        re.compile,
        (
            r"\n[ \t]*\n\s*",  # paragraphs
            r"\n",
            r"(?<=[.!?…])\s+|(?<=[。！？])",  # noqa: RUF001  sentences, also those of Chinese
            r"\s+",
            r"(?<=[,;})\]])",
        ),
    )
)
"""Where a text may be cut, the better places first."""

_OVERHEAD = 200
"""Bytes that a passage takes besides its text."""


@attrs.frozen
class Passage:
    """A piece of a file's text. ``page`` begins at 1, where the file has pages."""

    text: str
    page: int | None = None

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return sys.getsizeof(self.text) + _OVERHEAD


def cut(sections: Sequence[Section], size: int, overlap: int) -> list[Passage]:
    """The passages of a file, in order; none reaches over the end of a page or a section.

    Args:
        sections: of the file.
        size: characters of a passage at most, besides the heading that it stands under.
        overlap: characters of the passage before that a passage begins with, at most.
    """
    return [passage for section in sections for passage in _of_section(section, size, overlap)]


def _of_section(section: Section, size: int, overlap: int) -> Iterator[Passage]:
    heading = section.heading
    pieces = list(_pieces(section.text, size, overlap)) or ([""] if heading else [])
    for piece in pieces:
        yield Passage(f"{heading}\n{piece}".strip() if heading else piece, section.page)


def _pieces(text: str, size: int, overlap: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            end = _last_border(text, start + size // 2, end) or end
        piece = text[start:end].strip()
        if piece:
            yield piece
        if end >= len(text):
            return
        start = _first_border(text, end - overlap, end) or end - overlap


def _last_border(text: str, start: int, end: int) -> int | None:
    """Where the text is best cut between two places, as far back as may be."""
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(text, start, end)]
        if ends:
            return ends[-1]
    return None


def _first_border(text: str, start: int, end: int) -> int | None:
    """Where the text that is repeated best begins."""
    for border in _BORDERS:
        found = border.search(text, start, end)
        if found:
            return found.end()
    return None
