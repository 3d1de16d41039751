"""Charsets: the text that bytes are, if they are text."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters that no text has."""

_NAMED = re.compile(r"""(?:^|[;\s])charset\s*+=\s*+["']?+([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_DECLARED = re.compile(
    rb"""(?:charset|encoding)\s*+=\s*+["']?+\s*+([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE
)
_HEAD = 4096
"""Bytes in which HTML and XML say their charset."""

_TRUE = re.compile(
    r"utf-(8|16|32)|ascii|iso8859|iso2022|cp\d|koi8|kz1048|ptcp|mac-|gb|big5|hz|euc_|shift_jis|"
    r"johab|tis-620"
)
"""How Python's names of true charsets begin. Of the others some take quadratic time (``idna``,
``punycode``), and some hide what is written (``utf-7``)."""

_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "utf-16": "utf-16-le",
    "utf-32": "utf-32-le",
}
"""What people mean by some names. Source: the Encoding standard, 4.2."""


def decode(content: bytes, media_type: str = "", *, whole: bool = False) -> str | None:
    """The text, with line feeds at the ends of lines; ``None`` if it is not text.

    See ``text_of`` for how the charset is found, and for what the arguments are.
    """
    text = text_of(content, media_type, whole=whole)
    if _NO_TEXT.search(text):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_of(content: bytes, media_type: str, *, whole: bool) -> str:
    """The text that bytes are most likely, as it is; what cannot be read of it is replaced.

    The charset is the first of these: that of a byte order mark, the one that the media type
    names, UTF-8 if the bytes are that, the one that HTML or XML names at its beginning,
    Windows-1252.

    Args:
        content: the bytes.
        media_type: with its parameters.
        whole: whether there is all of it; otherwise the last character may be cut off, and half
            of one is left out.
    """
    named = _marked(content) or _named(media_type)
    if named:
        return _decoded(content, named, "replace", whole=whole)
    try:
        text = _decoded(content, "utf-8", "strict", whole=whole)
    except UnicodeDecodeError:
        return _decoded(content, _declared(content) or "cp1252", "replace", whole=whole)
    # Some charsets of East Asia are written in ASCII alone.
    inside = _declared(content) if content.isascii() else None
    return _decoded(content, inside, "replace", whole=whole) if inside else text


def as_named(content: bytes, media_type: str) -> str:
    """The text in the charset that a mark or the media type names, else UTF-8.

    What cannot be read of it is replaced.
    """
    charset = _marked(content) or _named(media_type) or "utf-8"
    return _decoded(content, charset, "replace", whole=True)


def _marked(content: bytes) -> str | None:
    return next((charset for mark, charset in _MARKS if content.startswith(mark)), None)


def _named(media_type: str) -> str | None:
    named = _NAMED.search(media_type)
    return _true(named[1]) if named else None


def _declared(content: bytes) -> str | None:
    found = _DECLARED.search(content, 0, _HEAD) if b"<" in content[:_HEAD] else None
    charset = _true(found[1].decode()) if found else None
    # What can be read in ASCII so far is not in UTF-16.
    return "utf-8" if charset and charset.startswith(("utf-16", "utf-32")) else charset


def _true(name: str) -> str | None:
    """Python's name of a charset that texts are written in; ``None`` for any other."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return _MEANT.get(known, known) if _TRUE.match(known) else None


def _decoded(content: bytes, charset: str, errors: str, *, whole: bool) -> str:
    text = codecs.getincrementaldecoder(charset)(errors).decode(content, final=whole)
    return text.removeprefix("\ufeff")  # the mark
