"""PDF files, by pypdf: the text of each page, as far as pages, time and characters allow."""

import logging
from io import BytesIO
from typing import TYPE_CHECKING

from hookline_file_search.reading import OutOfTime, Reading, Section, Unreadable, Watch, clean
from hookline_file_search.settings import Settings

if TYPE_CHECKING:
    from pypdf import PdfReader

MAGIC = b"%PDF-"
HEAD = 1024
"""Bytes in which a PDF says that it is one. Source: the note on section 7.5.2 in PDF 1.7."""

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
    reader = _opened(content)
    try:
        count = len(reader.pages)
    except Exception as error:
        raise _broken(error) from error
    sections: list[Section] = []
    failed: list[int] = []
    room = settings.characters
    last = 0
    for number in range(1, min(count, settings.pages) + 1):
        try:
            text = clean(_page(reader, number, watch))[:room]
        except OutOfTime:
            if not last:
                raise
            break
        except Exception:  # noqa: BLE001  a broken page may raise anything
            failed.append(number)
        else:
            sections.append(Section(text, number))
            room -= len(text)
        last = number
        if room <= 0:
            break
    return Reading(sections, _missing(last, count, failed))


def _opened(content: bytes) -> "PdfReader":
    try:
        from pypdf import PdfReader
    except ImportError as error:
        message = "reading PDFs needs pypdf, which comes with hookline[pdf]"
        raise Unreadable(message) from error
    try:
        reader = PdfReader(BytesIO(content))
        locked = reader.is_encrypted and not reader.decrypt("")
    except Exception as error:
        raise _broken(error) from error
    if locked:
        message = "it is encrypted"
        raise Unreadable(message)
    return reader


def _page(reader: "PdfReader", number: int, watch: Watch) -> str:
    watch.look()
    text = reader.pages[number - 1].extract_text(visitor_operand_before=watch.look)
    watch.look()  # pypdf goes on after an error in some places
    return text


def _broken(error: Exception) -> Unreadable:
    return Unreadable(f"it is a broken PDF ({type(error).__name__})")


def _missing(last: int, count: int, failed: list[int]) -> str:
    said = []
    if last < count:
        said.append(f"only pages 1 to {last} of {count} were read")
    if failed:
        said.append(f"pages that cannot be read: {', '.join(map(str, failed[:20]))}")
    return "; ".join(said)
