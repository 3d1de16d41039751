"""The text that bytes are."""

import codecs

import pytest

from hookline.charsets import decode


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        ("Grüße".encode(), "", "Grüße"),
        (codecs.BOM_UTF8 + "Grüße".encode(), "", "Grüße"),
        ("Grüße".encode("utf-16"), "", "Grüße"),
        (codecs.BOM_UTF16_BE + "Grüße".encode("utf-16-be"), "", "Grüße"),
        ("Grüße".encode("utf-32"), "", "Grüße"),
        ("Grüße €".encode("cp1252"), "text/plain", "Grüße €"),
        ("Привет".encode("koi8-r"), "text/plain; charset=KOI8-R", "Привет"),
        ("日本".encode("shift_jis"), 'text/plain; charset="shift_jis"', "日本"),
        (
            b'<meta charset="iso-8859-2"><p>' + "Łódź".encode("iso-8859-2"),
            "text/html",
            '<meta charset="iso-8859-2"><p>Łódź',
        ),
        (b"Gr\xfc\xdfe", "text/plain; charset=none-such", "Grüße"),
        (b"Gr\xfc\xdfe", "text/plain; charset=punycode", "Grüße"),
        (b"Gr\xfc\xdfe", "text/plain; charset=zlib", "Grüße"),
        (b"one\r\ntwo\rthree\n", "", "one\ntwo\nthree\n"),
        (b"", "", ""),
        ("Grüße, dépêche".encode()[:-1], "", "Grüße, dépêch"),
        ("Größe".encode()[:3], "", "Gr"),
        ("Größe".encode("utf-16")[:-1], "", "Größ"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "text/plain", None),
        (b"PK\x03\x04", "", None),
    ],
)
def test_decode(content: bytes, media_type: str, expected: str | None):
    """The charset is found by marks, by UTF-8, by what is declared; what is no text is told."""
    assert expected == decode(content, media_type)
