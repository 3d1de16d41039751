"""Parts of files: which bytes a request asks for (RFC 9110, section 14), and how names are sent."""

import re
from urllib.parse import quote

import attrs

_ONE = re.compile(r"bytes\s*=\s*(?P<first>[0-9]{0,18})\s*-\s*(?P<last>[0-9]{0,18})\s*", re.ASCII)


@attrs.frozen
class Part:
    """The bytes from ``start`` up to ``end`` of a file."""

    start: int
    end: int


@attrs.frozen
class Unsatisfiable:
    """The file has none of the bytes that were asked for."""


def part_of(wanted: str | None, size: int) -> Part | Unsatisfiable | None:
    """The bytes that the header ``Range`` asks for; ``None`` for all of them.

    What is no range of bytes is left alone, as RFC 9110 has it (14.2), and so is a request for
    several: the whole file is an answer to it.
    """
    match = _ONE.fullmatch((wanted or "").strip())
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        last = int(match["last"])
        return Part(max(0, size - last), size) if last and size else Unsatisfiable()
    first = int(match["first"])
    end = min(int(match["last"]) + 1, size) if match["last"] else size
    if match["last"] and int(match["last"]) < first:
        return None
    return Part(first, end) if first < size else Unsatisfiable()


def still_holds(if_range: str | None, etag: str) -> bool:
    """Whether a part may be sent to somebody who has another one already. RFC 9110, 13.1.5.

    A date never holds: files have none that says enough.
    """
    return if_range is None or if_range.strip() == etag


def known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has the file already. RFC 9110, 13.1.2."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag in tags


def attachment(name: str) -> str:
    """``Content-Disposition`` of a file that shall be saved, not shown. RFC 6266, RFC 8187."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
