"""Markup: HTML and Markdown in sections under their headings."""

import re

from hookline.blocks import joined
from hookline.pages import outlined
from hookline_file_search.reading import Section

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_LENGTH = 300
"""Characters of a heading that stand above each passage below it."""


def markdown(text: str) -> list[Section]:
    """The sections of a Markdown text, each under the headings that lead to it."""
    sections = _Sections()
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        fence = _fence_after(line, fence)
        heading = None if fence else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        sections.add("\n".join(lines))
        sections.begin(len(heading[1]), heading[2])
        lines.clear()
    sections.add("\n".join(lines))
    return sections.made


def html(text: str) -> list[Section]:
    """The sections of an HTML page: what is seen of it, under its title and its headings."""
    page = outlined(text)
    sections = _Sections()
    if page.title:
        sections.begin(1, page.title)
    blocks = []
    for block in page.blocks:
        if not block.level:
            blocks.append(block)
            continue
        sections.add(joined(blocks))
        sections.begin(block.level, block.heading)
        blocks.clear()
    sections.add(joined(blocks))
    return sections.made


class _Sections:
    """Sections, and the headings that lead to the next one."""

    def __init__(self) -> None:
        self.made: list[Section] = []
        self._headings: list[tuple[int, str]] = []

    def begin(self, level: int, heading: str) -> None:
        """Go below a heading."""
        above = [one for one in self._headings if one[0] < level]
        self._headings = [*above, (level, heading[:_LENGTH])]

    def add(self, text: str) -> None:
        """A section with this text, unless there is nothing in it and nothing above it."""
        path = " > ".join(heading for _, heading in self._headings)
        if text.strip() or path:
            self.made.append(Section(text.strip("\n"), heading=path))


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after a line; empty if none is."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    return "" if found[1].startswith(fence) else fence
