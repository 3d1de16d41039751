"""Pages: HTML as text that can be read, in one pass.

For a model that reads a page, headings, lists, links and code look as in Markdown; for a search
there are the words alone, in blocks, of which some are headings.
"""

from collections.abc import Sequence

import attrs

from hookline.blocks import MARKDOWN, PLAIN, Block, Writer, folded, joined
from hookline.markup import End, Start, tokens

HIDDEN = frozenset(
    (
        *("script", "style", "template", "noscript", "svg", "math", "iframe", "object", "canvas"),
        *("audio", "video", "noembed", "noframes", "select", "datalist", "dialog", "textarea"),
    )
)
"""Elements that have no text to read."""

AROUND = frozenset({"nav", "footer"})
"""Elements that are the same on every page of a site."""

_FOREIGN = frozenset({"svg", "math"})
"""Elements that a slash closes at once."""


@attrs.frozen
class Page:
    """The title of a page, and its text."""

    title: str
    text: str


@attrs.frozen
class Outline:
    """The title of a page, and its words in blocks."""

    title: str
    blocks: Sequence[Block]


def rendered(page: str, url: str) -> Page:
    """An HTML page as Markdown. Links are made whole by the URL that the page came from."""
    made = _Reader(Writer(MARKDOWN, url), HIDDEN | AROUND).read(page)
    if not made.blocks:
        made = _Reader(Writer(MARKDOWN, url), HIDDEN).read(page)
    return Page(made.title, joined(made.blocks))


def outlined(page: str) -> Outline:
    """The words of an HTML page in blocks, navigation included, links as their text alone."""
    return _Reader(Writer(PLAIN), HIDDEN).read(page)


class _Reader:
    """Tells tags from text, and what is shown from what is not."""

    def __init__(self, writer: Writer, skipped: frozenset[str]):
        self._writer = writer
        self._skipped = skipped
        self._inside = ""
        self._depth = 0
        self._title: str | None = None
        self._in_title = False

    def read(self, page: str) -> Outline:
        """The page. Once."""
        for token in tokens(page):
            match token:
                case Start():
                    self._start(token)
                case End():
                    self._end(token)
                case str() if not self._depth:
                    self._text(token)
        return Outline(folded(self._title or ""), self._writer.blocks())

    def _start(self, tag: Start) -> None:
        if tag.closed and tag.name in _FOREIGN:
            return
        if self._depth:
            self._depth += tag.name == self._inside
        elif tag.name in self._skipped:
            self._inside, self._depth = tag.name, 1
        elif tag.name == "title":
            self._in_title = True
        else:
            self._writer.start(tag)

    def _end(self, tag: End) -> None:
        if self._depth:
            self._depth -= tag.name == self._inside
        elif tag.name == "title":
            self._in_title = False
        else:
            self._writer.end(tag.name)

    def _text(self, text: str) -> None:
        if not self._in_title:
            self._writer.write(text)
        elif self._title is None:
            self._title = text
