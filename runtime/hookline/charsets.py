"""Charsets: the text that bytes are, if they are text."""

import codecs
import re
from collections.abc import Iterator

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has, in any charset that extends ASCII."""

_DECLARED = re.compile(
    rb"""(?:charset|encoding)\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)
_PARAMETER = re.compile(r"""(?i:charset)\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""")
_HEAD = 1024
"""Bytes in which HTML and XML say their charset."""


def decode(content: bytes, media_type: str = "") -> str | None:
    """The text, with line feeds at the ends of lines; ``None`` if it is not text.

    The last character may be cut off. The charset is the first of these that fits: that of a byte
    order mark, UTF-8, the one that the media type names, the one that HTML or XML names at its
    beginning, Windows-1252.
    """
    for mark, charset in _MARKS:
        if content.startswith(mark):
            return _lines(codecs.getincrementaldecoder(charset)("replace").decode(content))
    if _BINARY.search(content):
        return None
    for charset in ("utf-8", *_declared(content[:_HEAD], media_type)):
        text = _decoded(content, charset)
        if text is not None:
            return _lines(text)
    return _lines(content.decode("cp1252", "replace"))


_KNOWN = (
    "utf-", "ascii", "iso8859", "cp", "koi8", "mac", "gb", "hz", "big5", "euc", "shift_jis",
    "iso2022", "johab", "tis-620", "ptcp", "kz1048",
)  # fmt: skip
"""How Python's names of true charsets begin; ``idna`` and ``punycode`` take quadratic time."""


def _declared(head: bytes, media_type: str) -> Iterator[str]:
    by_type = _PARAMETER.search(media_type)
    if by_type:
        yield by_type[1]
    inside = _DECLARED.search(head) if b"<" in head else None
    if inside:
        yield inside[1].decode()


def _decoded(content: bytes, charset: str) -> str | None:
    try:
        known = codecs.lookup(charset).name.startswith(_KNOWN)
        return codecs.getincrementaldecoder(charset)().decode(content) if known else None
    except (UnicodeDecodeError, LookupError):
        return None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
