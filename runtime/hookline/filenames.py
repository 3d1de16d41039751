"""Names of files, as they may be shown, kept and sent in a header."""

import unicodedata

LONGEST = 255
"""Characters of a name, and bytes in UTF-8, at most; what file systems take."""
NAMELESS = "file"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Kinds of characters that are not seen, or that change how others are."""


def clean_name(name: str) -> str:
    """A name without path and unseen characters, not too long; ``file`` if nothing is left.

    The ending stays when a name is cut, as it tells what the file is.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    composed = unicodedata.normalize("NFC", last)
    seen = "".join(c for c in composed if unicodedata.category(c) not in _UNSEEN)
    plain = seen.strip().strip(".").strip() if set(seen) <= set(". ") else seen.strip().rstrip(". ")
    if not plain:
        return NAMELESS
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending.encode()) > LONGEST // 4:
        return _cut(plain, LONGEST)
    return _cut(stem, LONGEST - len(ending.encode()) - 1) + dot + ending


def _cut(text: str, size: int) -> str:
    """As many whole characters of a text as have this many bytes in UTF-8."""
    return text.encode()[:size].decode(errors="ignore")
