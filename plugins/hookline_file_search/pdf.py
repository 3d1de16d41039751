"""PDF files, by pypdf: the text of each page, as far as pages, time and characters allow."""

import logging
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from hookline_file_search.reading import OutOfTime, Reading, Section, Unreadable, Watch, clean
from hookline_file_search.settings import Settings

if TYPE_CHECKING:
    from pypdf import PdfReader

MAGIC = b"%PDF-"
HEAD = 1024
"""Bytes in which a PDF says that it is one. Source: the note on section 7.5.2 in PDF 1.7."""

LIMITS: Mapping[str, Any] = {
    "zlib_maximum_output_length": 20_000_000,
    "lzw_maximum_output_length": 20_000_000,
    "run_length_maximum_output_length": 20_000_000,
    "array_based_stream_maximum_output_length": 20_000_000,
    "stream_decoding_work_maximum_length": 60_000_000,
    "stream_parsing_work_maximum_count": 300_000,
    "xform_maximum_invocations_per_extraction": 500,
}
"""What pypdf does without a look at the time, at most: a second or two of work. A page of text has
some thousand tokens; one that has more than this is a drawing."""

# What is wrong with a file is said in the result of the search; a log line for each odd operand
# of it would be of use to nobody.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def is_pdf(content: bytes) -> bool:
    """Whether these are the bytes of a PDF."""
    return MAGIC in content[:HEAD]


def read(content: bytes, settings: Settings, watch: Watch) -> Reading:
    """The text of each page, numbered from 1. A page that cannot be read is left out, and named.

    Raises:
        Unreadable: none of it can be read.
        OutOfTime: not even the first page was read in time.
    """
    try:
        from pypdf import apply_configuration
    except ImportError as error:
        message = "reading PDFs needs pypdf 7, which comes with hookline[pdf]"
        raise Unreadable(message) from error
    with apply_configuration(**LIMITS):
        return _pages(_opened(content), settings, watch)


def _pages(reader: "PdfReader", settings: Settings, watch: Watch) -> Reading:
    sections: list[Section] = []
    failed: list[int] = []
    room = settings.characters
    count, last = len(reader.pages), 0
    while last < min(count, settings.pages) and room > 0:
        try:
            text = clean(_page(reader, last + 1, watch))[:room]
        except OutOfTime:
            if not last:
                raise
            break
        except Exception:  # noqa: BLE001  a broken page may raise anything
            failed.append(last + 1)
        else:
            sections.append(Section(text, last + 1))
            room -= len(text)
        last += 1
    return Reading(sections, _missing(last, count, failed))


def _opened(content: bytes) -> "PdfReader":
    from pypdf import PdfReader

    try:
        reader = PdfReader(BytesIO(content))
        locked = reader.is_encrypted and not reader.decrypt("")
        if not locked:
            len(reader.pages)  # finds them, which a broken file may not survive
    except Exception as error:
        message = "it is a broken PDF"
        raise Unreadable(message) from error
    if locked:
        message = "it is encrypted"
        raise Unreadable(message)
    return reader


def _page(reader: "PdfReader", number: int, watch: Watch) -> str:
    watch.look()
    return reader.pages[number - 1].extract_text(visitor_operand_before=watch.look)


def _missing(last: int, count: int, failed: list[int]) -> str:
    said = []
    if last < count:
        said.append(f"only pages 1 to {last} of {count} were read")
    if failed:
        said.append(f"pages that cannot be read: {', '.join(map(str, failed[:20]))}")
    return "; ".join(said)
