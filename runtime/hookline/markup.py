"""HTML, taken apart in one pass.

``html.parser`` of the standard library looks ahead and starts again: 24 kB of ``<a`` keep it busy
for five seconds. Like a browser, this never goes back.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape

import attrs

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)")
_BETWEEN = re.compile(r"[\s/]*+")
_ATTRIBUTE = re.compile(
    r"([^\s/>=][^\s/>=]*+)"
    r"(?:\s*+(=)\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+)|))?+"
)
_RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title"})
"""Elements in which no tag begins."""


@attrs.frozen
class Start:
    """A tag that begins an element. Names are in lower case; of two attributes the first counts."""

    name: str
    attributes: Mapping[str, str]
    closed: bool = False


@attrs.frozen
class End:
    """A tag that ends one."""

    name: str


def tokens(page: str) -> Iterator[Start | End | str]:
    """The tags and the texts of a page, in order. Comments and declarations are left out."""
    position = 0
    while position < len(page):
        opening = page.find("<", position)
        if opening < 0:
            opening = len(page)
        if opening > position:
            yield _text(page[position:opening])
        tag = _TAG.match(page, opening)
        if tag is None:
            position = _after_other(page, opening)
            if position == opening < len(page):
                yield "<"
                position += 1
            continue
        made, position = _tag(page, tag)
        if made is None:
            return
        yield made
        if isinstance(made, Start) and made.name in _RAW:
            end = _end_of_raw(page, made.name, position)
            yield _text(page[position:end])
            position = end


def _tag(page: str, begin: re.Match[str]) -> tuple[Start | End | None, int]:
    """A tag and where it ends. One that does not end swallows the rest, as in browsers."""
    attributes: dict[str, str] = {}
    position = _past(page, begin.end())
    while position < len(page) and page[position] != ">":
        match = _ATTRIBUTE.match(page, position)
        if match is None:  # a lonely =
            position = _past(page, position + 1)
            continue
        if match[2] and page.startswith(("'", '"'), match.end()) and match.lastindex == 2:
            return None, len(page)
        value = match[3] or match[4] or match[5] or ""
        attributes.setdefault(match[1].lower(), _text(value))
        position = _past(page, match.end())
    if position >= len(page):
        return None, position
    name = begin[2].lower()
    if begin[1]:
        return End(name), position + 1
    return Start(name, attributes, page[position - 1] == "/"), position + 1


def _past(page: str, position: int) -> int:
    """Past white space and slashes."""
    match = _BETWEEN.match(page, position)
    return match.end() if match else position


def _after_other(page: str, opening: int) -> int:
    """Where a comment or a declaration ends; ``opening`` itself if it is neither."""
    if page.startswith("<!--", opening):
        return _after(page, "-->", opening + 2)
    if page.startswith(("<!", "<?", "</"), opening):
        return _after(page, ">", opening)
    return opening


def _after(page: str, end: str, position: int) -> int:
    found = page.find(end, position)
    return len(page) if found < 0 else found + len(end)


def _end_of_raw(page: str, name: str, position: int) -> int:
    found = re.compile(rf"</{name}(?![^\s/>])", re.IGNORECASE).search(page, position)
    return len(page) if found is None else found.start()


def _text(text: str) -> str:
    """Text with its character references replaced."""
    try:
        return unescape(text)
    except ValueError:  # a number of thousands of digits
        return text
