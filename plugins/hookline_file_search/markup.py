"""Markup: HTML as text with headings, and Markdown in sections under its headings."""

import re
from html.parser import HTMLParser

from hookline_file_search.reading import OutOfTime, Section, Watch

PIECE = 65_536
"""Characters of HTML that are parsed between two looks at the time."""

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_SPACE = re.compile(r"[ \t\r\f]+")
_BREAKS = re.compile(r" ?[\n\v]\s*")
_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg"})
_SPECIAL = _HIDDEN | {"pre"}
_LINES = {
    "address", "aside", "br", "dd", "details", "div", "dt", "figure", "footer", "form", "header",
    "hr", "li", "main", "nav", "summary", "tr",
}  # fmt: skip
_PARAGRAPHS = {"p", "table", "ul", "ol", "dl", "section", "article", "blockquote", "pre"}
_HEADINGS = {"title": "#", **{f"h{level}": "#" * level for level in range(1, 7)}}
_BEGINNINGS = {
    **dict.fromkeys(_LINES, "\v"),
    **dict.fromkeys(_PARAGRAPHS, "\n\n"),
    **dict.fromkeys(("td", "th"), " "),
    **{tag: f"\n\n{sign} " for tag, sign in _HEADINGS.items()},
}
_ENDS = {**dict.fromkeys(_LINES, "\v"), **dict.fromkeys((*_PARAGRAPHS, *_HEADINGS), "\n\n")}


def markdown(text: str) -> list[Section]:
    """The sections of a Markdown text, each under the headings that lead to it."""
    sections: list[Section] = []
    headings: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""

    def close() -> None:
        body = "\n".join(lines).strip("\n")
        path = " > ".join(heading for _, heading in headings)
        if body.strip() or path:
            sections.append(Section(body, heading=path))
        lines.clear()

    for line in text.split("\n"):
        fence = _fence_after(line, fence)
        heading = None if fence else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        close()
        level = len(heading[1])
        headings = [above for above in headings if above[0] < level]
        headings.append((level, heading[2]))
    close()
    return sections


def html(text: str, watch: Watch) -> tuple[list[Section], bool]:
    """The sections of an HTML document, and whether there was time for all of it."""
    parser = _Parser()
    complete = True
    try:
        for start in range(0, len(text), PIECE):
            watch.look()
            parser.feed(text[start : start + PIECE])
        parser.close()
    except OutOfTime:
        complete = False
    return markdown(parser.text()), complete


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after a line; empty if none is."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    return "" if found[1].startswith(fence) else fence


def _one_break(breaks: re.Match[str]) -> str:
    """A blank line between paragraphs; else a new line, however many tags ask for one."""
    return "\n\n" if "\n\n" in breaks[0].replace(" ", "").replace("\v", "") else "\n"


class _Parser(HTMLParser):
    """Gathers what is seen of a page, with headings as Markdown has them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[str] = []

    def text(self) -> str:
        """What was gathered."""
        return _BREAKS.sub(_one_break, _SPACE.sub(" ", "".join(self._pieces))).strip()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Break the line at blocks; begin headings; leave out what is not seen."""
        if tag in _SPECIAL:
            self._open.append(tag)
        self._pieces.append(_BEGINNINGS.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        """Break the line at blocks and after headings."""
        if tag in self._open:
            del self._open[self._open.index(tag) :]
        self._pieces.append(_ENDS.get(tag, ""))

    def handle_data(self, data: str) -> None:
        """Take what is seen; line breaks count where it is set as it was typed."""
        if not _HIDDEN.isdisjoint(self._open):
            return
        self._pieces.append(data if "pre" in self._open else data.replace("\n", " "))
