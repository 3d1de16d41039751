"""Which characters the bytes of a page stand for."""

import codecs
import re

from hookline.outbound import Fetched, decoded

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""(?:charset|encoding)\s*+=\s*+["']?+\s*+([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE
)
_HEAD = 4096
"""Bytes at the beginning of a page in which it may say what it is written in."""
_MEANT = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "utf-16": "utf-16-le",
}
"""What servers mean by some names. Source: the Encoding standard, 4.2."""


def text_of(fetched: Fetched, *, declares: bool) -> str:
    """The body as text.

    The first of these counts: a byte order mark, the header, what the page itself says (if it
    ``declares``), UTF-8 if that is what it is, and Windows-1252.
    """
    body = fetched.body
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return decoded(body[len(mark) :], charset)
    named = fetched.charset or (_declared(body) if declares else None)
    if named:
        return decoded(body, _MEANT.get(named, named))
    # The last character may have been cut.
    readable = codecs.getincrementaldecoder("utf-8")(errors="strict")
    try:
        return readable.decode(body, final=not fetched.truncated)
    except UnicodeDecodeError:
        return decoded(body, "cp1252")


def _declared(body: bytes) -> str | None:
    found = _DECLARED.search(body, 0, _HEAD)
    if found is None:
        return None
    name = found[1].decode("ascii").lower()
    # A page whose declaration can be read in ASCII is not in UTF-16.
    return "utf-8" if name.startswith("utf-16") else name
