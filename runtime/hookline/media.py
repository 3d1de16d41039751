"""Media types of bytes: what they are, not what somebody says that they are."""

import codecs
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import msgspec

BINARY = "application/octet-stream"
TEXT = "text/plain"

MAGIC: Sequence[tuple[int, bytes, str]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (6, b"\0\0\0\0", "image/bmp"),
    (0, b"\0\0\x01\0", "image/x-icon"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"wOF2", "font/woff2"),
)
"""Where, which bytes, and what they mean; the first that fits counts."""

BEGINNINGS: Mapping[str, bytes] = {"image/webp": b"RIFF", "audio/wav": b"RIFF", "image/bmp": b"BM"}
"""How bytes must begin, too, of those whose mark stands further back."""

ZIPPED: Mapping[str, str] = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".epub": "application/epub+zip",
    ".jar": "application/java-archive",
}
"""Kinds of zip, which their names tell apart."""

TEXTS: Mapping[str, str] = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".py": "text/x-python",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
"""Kinds of text, which their names tell apart."""

_NOT_TEXT = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")
"""Characters that no text has."""


def sniff(head: bytes, name: str = "") -> str:
    """The media type of bytes.

    What they are is seen from the bytes; the name only tells kinds of text and of zip apart.

    Args:
        head: the first bytes, some thousand if there are so many.
        name: of the file.
    """
    suffix = PurePosixPath(name).suffix.lower()
    for offset, magic, found in MAGIC:
        if head.startswith(magic, offset) and head.startswith(BEGINNINGS.get(found, b"")):
            return ZIPPED.get(suffix, found) if found == "application/zip" else found
    text = _text(head)
    return BINARY if text is None else _kind_of_text(text, suffix)


def _text(head: bytes) -> str | None:
    """The bytes as text, if they are any. The last character may be cut off."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return head.decode(encoding, errors="replace")
    if not _NOT_TEXT.isdisjoint(head):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None


def _kind_of_text(text: str, suffix: str) -> str:
    begin = text.lstrip().lower()
    if begin.startswith(("<!doctype html", "<html")):
        return "text/html"
    if begin.startswith(("<?xml", "<svg", "<!doctype svg", "<!--")) and "<svg" in begin:
        return "image/svg+xml"
    named = TEXTS.get(suffix)
    if named is not None:
        return named
    if begin.startswith("<?xml"):
        return "application/xml"
    return "application/json" if begin.startswith(("{", "[")) and _is_json(text) else TEXT


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
