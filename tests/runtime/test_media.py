"""What bytes are, and how files may be called."""

import gzip
import io
import zipfile

import pytest

from hookline.filenames import LONGEST, clean_name
from hookline.media import sniff

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", "b")
    return made.getvalue()


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (PNG, "a.txt", "image/png"),
        (PNG, "page.html", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "", "image/jpeg"),
        (b"GIF89a\1\0", "", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "", "image/webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "", "audio/wav"),
        (b"XXXX\x24\0\0\0WEBPVP8 ", "", "application/octet-stream"),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0", "", "image/bmp"),
        (b"%PDF-1.7\n%\xe2\xe3", "a.exe", "application/pdf"),
        (gzip.compress(b"x", mtime=0), "a.csv", "application/gzip"),
        (_zip(), "", "application/zip"),
        (
            _zip(),
            "a.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (b"\0\0\0\x1cftypavif", "", "image/avif"),
        (b"\0\0\0\x1cftypisom", "", "video/mp4"),
        (b"hello", "", "text/plain"),
        (b"hello", "a.png", "text/plain"),
        (b"# Hello", "a.md", "text/markdown"),
        (b"a,b\n1,2", "A.CSV", "text/csv"),
        (b'{"a": 1}', "", "application/json"),
        (b"[1, 2", "", "text/plain"),
        (b"[note] hello", "", "text/plain"),
        (b'{"a": 1}\n{"a": 2}', "a.jsonl", "application/jsonl"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>", "a.txt", "text/html"),
        (b"<html>", "", "text/html"),
        (b"p", "a.html", "text/html"),
        (b'<?xml version="1.0"?><a/>', "", "application/xml"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "a.xml", "image/svg+xml"),
        (b"<svg/>", "a.txt", "image/svg+xml"),
        (b"no svg", "a.svg", "text/plain"),
        ("gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n".encode(), "", "text/plain"),
        ("\N{SNOWMAN}".encode()[:2], "", "text/plain"),
        ("x".encode("utf-16"), "", "text/plain"),
        (b"a\0b", "a.txt", "application/octet-stream"),
        (b"\xff\x00\xff", "a.html", "application/octet-stream"),
        (b"\x80abc", "", "application/octet-stream"),
        (b"", "", "text/plain"),
        (b"", "a.png", "text/plain"),
    ],
)
def test_what_bytes_are(head: bytes, name: str, expected: str) -> None:
    """Their own marks count; a name only tells kinds of text and of zip apart."""
    assert expected == sniff(head, name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.txt", "b.txt"),
        ("a/", "a"),
        ("", "file"),
        ("...", "file"),
        ("..", "file"),
        (" . ", "file"),
        (".bashrc", ".bashrc"),
        ("a\0b\r\nc\x7f.txt", "abc.txt"),
        ("exe\u202etxt.png", "exetxt.png"),
        ("a\u200b\ufeffb", "ab"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("\ud800.txt", ".txt"),
        ("  spaced name .txt ", "spaced name .txt"),
        ("ends with dots...", "ends with dots"),
    ],
)
def test_names_are_cleaned(name: str, expected: str) -> None:
    """No path, nothing that is not seen, nothing that hides what a file is."""
    assert expected == clean_name(name)


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "\N{SNOWMAN}" * 100 + ".png", "x" * 300])
def test_long_names_are_cut(name: str) -> None:
    """At a whole character, before the ending."""
    cleaned = clean_name(name)

    assert len(cleaned.encode()) <= LONGEST
    assert len(cleaned.encode()) > LONGEST - 4
    assert name.endswith(".png") == cleaned.endswith(".png")
