"""Documents: what a file is, and who reads it."""

from pathlib import PurePosixPath
from typing import Literal

from hookline.charsets import decode
from hookline.files import FileRecord
from hookline_file_search import markup, pdf
from hookline_file_search.reading import Reading, Section, Unreadable, Watch, clean
from hookline_file_search.settings import Settings

Kind = Literal["text", "markdown", "html", "table"]
MEDIA_TYPES: dict[str, Kind] = {
    "text/markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/csv": "table",
    "text/tab-separated-values": "table",
}
SUFFIXES: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "table",
    ".tsv": "table",
}
HEADER_LENGTH = 300
"""Characters of a table's first line that stand above each of its passages."""


def kind_of(file: FileRecord) -> Kind:
    """As what a file's text is read, if it is text at all: its media type says so, or its name."""
    media_type = file.media_type.partition(";")[0].strip().lower()
    named = SUFFIXES.get(PurePosixPath(file.name).suffix.lower(), "text")
    return MEDIA_TYPES.get(media_type, named)


def read(content: bytes, file: FileRecord, settings: Settings, watch: Watch) -> Reading:
    """The text of a file in sections.

    Raises:
        Unreadable: it has no text.
    """
    watch.start()
    if pdf.is_pdf(content):
        reading = pdf.read(content, settings, watch)
    else:
        reading = _text(content, file, settings)
    if any(section.text.strip() for section in reading.sections):
        return reading
    message = f"it has no text{reading.missing and f': {reading.missing}'}"
    raise Unreadable(message)


def _text(content: bytes, file: FileRecord, settings: Settings) -> Reading:
    text = decode(content, file.media_type, whole=True)
    if text is None:
        message = f"it is neither text nor PDF but {file.media_type}"
        raise Unreadable(message)
    text = clean(text)
    missing = ""
    if len(text) > settings.characters:
        missing = f"only {settings.characters:,} of {len(text):,} characters were read"
        text = text[: settings.characters]
    match kind_of(file):
        case "markdown":
            return Reading(markup.markdown(text), missing)
        case "html":
            return Reading(markup.html(text), missing)
        case "table":
            header, _, rows = text.partition("\n")
            return Reading([Section(rows or header, heading=header[:HEADER_LENGTH])], missing)
        case "text":
            return Reading([Section(text)], missing)
