"""Markup: HTML as text with headings, and Markdown in sections under its headings."""

import re
from collections.abc import Iterator
from html import unescape
from string import ascii_letters

from hookline_file_search.reading import Section

_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[^\s/>"']*+)(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""",
)
_OPENINGS = ("</", "<!", "<?", *(f"<{letter}" for letter in ascii_letters))
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_SPACE = re.compile(r"[ \t\r\f]+")
_BREAKS = re.compile(r" ?[\n\v]\s*")
_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg"})
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


def html(text: str) -> list[Section]:
    """The sections of an HTML document: what is seen of it, under its headings."""
    seen = _SPACE.sub(" ", "".join(_seen(text)))
    return markdown(_BREAKS.sub(_one_break, seen).strip())


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


def _seen(page: str) -> Iterator[str]:
    """What is seen of a page, with signs of headings and breaks, in one pass that never goes back.

    A tag or a comment that does not end swallows the rest, as in browsers.
    """
    position, typed = 0, 0
    while position < len(page):
        begin = page.find("<", position)
        begin = len(page) if begin < 0 else begin
        words = _unescaped(page[position:begin])
        yield words if typed else words.replace("\n", " ")
        if page.startswith("<!--", begin):
            position = _after(page, "-->", begin + 2)
            continue
        if not page.startswith(_OPENINGS, begin):
            yield page[begin : begin + 1]
            position = begin + 1
            continue
        tag = _TAG.match(page, begin)
        if tag is None:
            return
        name, position = tag["name"].lower(), tag.end()
        yield (_ENDS if tag["end"] else _BEGINNINGS).get(name, "")
        if name == "pre":
            typed = max(0, typed - 1) if tag["end"] else typed + 1
        if name in _HIDDEN and not tag["end"]:
            end = re.compile(f"</{name}", re.IGNORECASE).search(page, position)
            position = end.start() if end else len(page)


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # a number of thousands of digits
        return text


def _after(page: str, end: str, position: int) -> int:
    found = page.find(end, position)
    return len(page) if found < 0 else found + len(end)
