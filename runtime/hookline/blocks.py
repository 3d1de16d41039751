"""Blocks: paragraphs, headings, items, rows and code of a page, as they are written down."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urljoin, urlsplit

import attrs

from hookline.markup import Start

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "body", "details", "dd", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "header", "html", "main", "nav", "p"),
        *("section", "summary", "caption", "legend"),
    )
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_STRUCTURE = frozenset(
    (
        *("li", "ul", "ol", "menu", "table", "tbody", "tfoot", "thead", "tr"),
        *("blockquote", "pre", "hr"),
    )
)

_SPACE = re.compile(r"[ \t\n\r\f\v\u00a0\u200b]+")
_BREAK = "\x00"
_SCHEMES = frozenset({"http", "https", "mailto"})
_KEPT = "/?#%:@!$&'*+,;=-._~[]"
_DEPTH = 12
"""Levels of lists and quotations that are shown."""


@attrs.frozen
class Block:
    """A paragraph, a heading, an item, a row, or code.

    Args:
        text: as it is shown.
        level: of a heading, from 1 to 6; 0 if it is none.
        heading: the words of a heading.
        close: whether it follows the block before without a gap.
    """

    text: str
    level: int = 0
    heading: str = ""
    close: bool = False


@attrs.frozen
class Signs:
    """How what is no word is written: code, the border of cells; links, images, rules, fences."""

    code: str
    cell: str
    others: bool


MARKDOWN = Signs(code="`", cell=" | ", others=True)
PLAIN = Signs(code="", cell=" ", others=False)


def joined(blocks: Iterable[Block]) -> str:
    """Blocks as one text."""
    lines = (("\n" if block.close else "\n\n") + block.text for block in blocks)
    return "".join(lines).strip("\n")


def folded(text: str) -> str:
    """Text in one line, as pages show it."""
    return _SPACE.sub(" ", text).strip()


@attrs.frozen
class _Link:
    """A link that is open: where it leads, and where in the line it begins."""

    url: str
    begin: int


class Writer:
    """Writes blocks: paragraphs, headings, items, rows, and code."""

    def __init__(self, signs: Signs, url: str = ""):
        self._signs = signs
        self._url = url
        self._blocks: list[Block] = []
        self._line: list[str] = []
        self._written = False
        self._kind = ""
        self._last = ""
        self._marker = ""
        self._lists: list[int] = []
        self._quotes = 0
        self._cells = 0
        self._code = False
        self._link: _Link | None = None

    def blocks(self) -> Sequence[Block]:
        """Everything that was written."""
        self._flush()
        return self._blocks

    def write(self, text: str) -> None:
        """Go on with the block."""
        self._line.append(text.replace(_BREAK, ""))
        self._written = self._written or not text.isspace()

    def start(self, tag: Start) -> None:
        """Begin an element."""
        match tag.name:
            case "a" if self._signs.others:
                self._end_link()
                self._link = _Link(self._whole(tag.attributes.get("href", "")), len(self._line))
            case "base" if "href" in tag.attributes:
                self._url = self._whole(tag.attributes["href"]) or self._url
            case "br":
                self._line.append("\n" if self._code else _BREAK)
            case "code" if not self._code:
                self._line.append(self._signs.code)
            case "img" if self._signs.others and tag.attributes.get("alt", "").strip():
                self.write(f"![{tag.attributes['alt'].strip()}]")
            case "td" | "th":
                self._line.append(self._signs.cell if self._kind == "row" and self._cells else "")
                self._cells += 1
            case name:
                self._begin(name, tag)

    def _begin(self, name: str, tag: Start) -> None:
        """Begin a block, if that is one."""
        if name in _BLOCKS:
            self._begin_plain()
            return
        if name not in _STRUCTURE and name not in _HEADINGS:
            return
        self._flush()
        match name:
            case "li":
                self._kind, self._marker = "item", self._bullet()
            case "ul" | "menu":
                self._lists.append(-1)
            case "ol":
                self._lists.append(_number(tag.attributes.get("start", "")))
            case "tr":
                self._kind, self._cells = "row", 0
            case "blockquote":
                self._quotes += 1
            case "pre":
                self._code = True
            case "hr" if self._signs.others:
                self._add("---", "rule")
            case "table" | "tbody" | "tfoot" | "thead" | "hr":
                self._kind = ""
            case _:
                self._kind, self._marker = "heading", _HEADINGS[name]

    def _begin_plain(self) -> None:
        """Begin a paragraph. A row of a table stays one line, and an item keeps its bullet."""
        if self._kind == "row":
            self._line.append(" ")
        elif self._kind != "item" or self._written:
            self._flush()

    def end(self, name: str) -> None:
        """End an element."""
        match name:
            case "a":
                self._end_link()
            case "code" if not self._code:
                self._line.append(self._signs.code)
            case "ul" | "ol" | "menu":
                self._flush()
                self._kind, self._marker = "", ""
                del self._lists[-1:]
            case "blockquote":
                self._flush()
                self._quotes = max(0, self._quotes - 1)
            case "li" | "tr" | "pre" | "table" | "tbody" | "tfoot" | "thead":
                self._flush()
                self._kind, self._marker, self._code = "", "", False
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._flush()
                self._kind, self._marker = "", ""
            case _ if name in _BLOCKS and self._kind != "row":
                self._flush()

    def _bullet(self) -> str:
        if not self._lists or self._lists[-1] < 0:
            return "- "
        number = self._lists[-1]
        self._lists[-1] += 1
        return f"{number}. "

    def _end_link(self) -> None:
        """Make a link of what was written since it began. A link around blocks has the first."""
        if self._link is None:
            return
        inner = "".join(self._line[self._link.begin :])
        words = inner.strip()
        if words and self._link.url and not self._code:
            del self._line[self._link.begin :]
            before = inner[: len(inner) - len(inner.lstrip())]
            after = inner[len(inner.rstrip()) :]
            self._line.append(f"{before}[{words}]({self._link.url}){after}")
        self._link = None

    def _flush(self) -> None:
        """End the block."""
        if self._written:
            self._end_link()
        elif self._link is not None:
            self._link = _Link(self._link.url, 0)
        raw = "".join(self._line)
        self._line, self._written = [], False
        if self._code:
            self._listing(raw)
            return
        lines = (folded(line) for line in raw.split(_BREAK))
        text = "\n".join(line for line in lines if line)
        if text.strip(" |"):
            self._add(text, self._kind, self._marker)
            self._marker = " " * len(self._marker) if self._kind == "item" else ""

    def _listing(self, raw: str) -> None:
        lines = raw.strip("\n").rstrip()
        if not lines.strip():
            return
        fence = "```" if "```" not in lines else "~~~~"
        self._add(f"{fence}\n{lines}\n{fence}" if self._signs.others else lines, "code")

    def _add(self, text: str, kind: str, marker: str = "") -> None:
        """A block; items of a list and rows of a table follow one another without a gap."""
        indent = "> " * min(self._quotes, _DEPTH)
        if self._lists:
            indent += "  " * (min(len(self._lists), _DEPTH) - 1)
        hanging = " " * len(marker) if kind == "item" else ""
        first, *others = text.split("\n")
        lines = [indent + marker + first, *(f"{indent}{hanging}{line}" for line in others)]
        level = marker.count("#")
        heading = " ".join((first, *others)) if level else ""
        close = kind in {"item", "row"} and kind == self._last
        self._blocks.append(Block("\n".join(lines), level, heading, close))
        self._last = kind

    def _whole(self, url: str) -> str:
        """A link that leads somewhere else, whole; else nothing."""
        if not url or url.startswith("#"):
            return ""
        try:
            whole = urljoin(self._url, url.strip())
            scheme = urlsplit(whole).scheme
        except ValueError:
            return ""
        return quote(whole, safe=_KEPT, errors="replace") if scheme in _SCHEMES else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
