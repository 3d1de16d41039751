"""Pages as text that a model can read: headings, lists, links and code look as in Markdown."""

import re
from urllib.parse import quote, urljoin, urlsplit

import attrs

from hookline_web.markup import End, Start, tokens

HIDDEN = frozenset(
    (
        *("script", "style", "template", "noscript", "svg", "math", "iframe", "object", "canvas"),
        *("audio", "video", "noembed", "noframes", "select", "datalist", "dialog", "textarea"),
    )
)
"""Elements that have no text to read."""

AROUND = frozenset({"nav", "footer"})
"""Elements that are the same on every page of a site."""

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
_FOREIGN = frozenset({"svg", "math"})
"""Elements that a slash closes at once."""

_SPACE = re.compile(r"[ \t\n\r\f\v\u00a0\u200b]+")
_BREAK = "\x00"
_SCHEMES = frozenset({"http", "https", "mailto"})
_KEPT = "/?#%:@!$&'*+,;=-._~[]"
_DEPTH = 12
"""Levels of lists and quotations that are shown."""


@attrs.frozen
class Page:
    """The title of a page, and its text."""

    title: str
    text: str


def rendered(page: str, url: str) -> Page:
    """An HTML page as text. Links are made whole by the URL that the page came from."""
    made = _Reader(url, HIDDEN | AROUND).read(page)
    return made if made.text else _Reader(url, HIDDEN).read(page)


class _Reader:
    """Tells tags from text, and what is shown from what is not."""

    def __init__(self, url: str, skipped: frozenset[str]):
        self._writer = _Writer(url)
        self._skipped = skipped
        self._inside = ""
        self._depth = 0
        self._title: list[str] | None = None
        self._in_title = False

    def read(self, page: str) -> Page:
        """The page. Once."""
        for token in tokens(page):
            match token:
                case Start():
                    self._start(token)
                case End():
                    self._end(token)
                case str() if not self._depth:
                    self._text(token)
        title = _SPACE.sub(" ", "".join(self._title or ())).strip()
        return Page(title, self._writer.text())

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
            self._title = [text]


@attrs.frozen
class _Link:
    """A link that is open: where it leads, and where in the line it begins."""

    url: str
    begin: int


class _Writer:
    """Writes blocks: paragraphs, headings, items, rows, and code."""

    def __init__(self, url: str):
        self._url = url
        self._blocks: list[str] = []
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

    def text(self) -> str:
        """Everything that was written."""
        self._flush()
        return "".join(self._blocks).strip("\n")

    def write(self, text: str) -> None:
        """Go on with the block."""
        self._line.append(text.replace(_BREAK, ""))
        self._written = self._written or not text.isspace()

    def start(self, tag: Start) -> None:
        """Begin an element."""
        match tag.name:
            case "a":
                self._end_link()
                self._link = _Link(self._whole(tag.attributes.get("href", "")), len(self._line))
            case "base" if "href" in tag.attributes:
                self._url = self._whole(tag.attributes["href"]) or self._url
            case "br":
                self._line.append("\n" if self._code else _BREAK)
            case "code" if not self._code:
                self._line.append("`")
            case "img" if tag.attributes.get("alt", "").strip():
                self.write(f"![{tag.attributes['alt'].strip()}]")
            case "td" | "th":
                self._line.append(" | " if self._kind == "row" and self._cells else "")
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
            case "hr":
                self._add("---", "rule")
            case "table" | "tbody" | "tfoot" | "thead":
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
                self._line.append("`")
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
        lines = (_SPACE.sub(" ", line).strip() for line in raw.split(_BREAK))
        text = "\n".join(line for line in lines if line)
        if text.strip(" |"):
            self._add(self._marker + text, self._kind)
            self._marker = " " * len(self._marker) if self._kind == "item" else ""

    def _listing(self, raw: str) -> None:
        if raw.strip():
            fence = "```" if "```" not in raw else "~~~~"
            self._add(f"{fence}\n{raw.strip(chr(10)).rstrip()}\n{fence}", "code")

    def _add(self, text: str, kind: str) -> None:
        """A block; items of a list and rows of a table follow one another without a gap."""
        indent = "> " * min(self._quotes, _DEPTH)
        if self._lists:
            indent += "  " * (min(len(self._lists), _DEPTH) - 1)
        hanging = " " * len(self._marker) if kind == "item" else ""
        first, *others = text.split("\n")
        lines = [indent + first, *(f"{indent}{hanging}{line}" for line in others)]
        close = kind in {"item", "row"} and kind == self._last
        self._blocks.append(("\n" if close else "\n\n") + "\n".join(lines))
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
