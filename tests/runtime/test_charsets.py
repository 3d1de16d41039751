"""The text that bytes are."""

import codecs

import pytest

from hookline.charsets import as_named, decode, text_of


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


def test_whether_the_last_character_is_cut_off():
    """Half a character at the end of a whole text is no UTF-8."""
    content = "Café".encode("cp1252")

    assert "Caf" == decode(content)
    assert "Café" == decode(content, whole=True)


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"a\xffb", "text/html; charset=utf-8", "a\ufffdb"),
        (b"+ADw-b", "text/html; charset=utf-7", "+ADw-b"),
        (b"\x93x\x94", "text/html;charset=latin1", "\u201cx\u201d"),
        ("Grün".encode("utf-16-le"), "text/plain; charset=utf-16", "Grün"),
        (b"Gr\xfcn", "text/plain; xcharset=koi8-r", "Grün"),
        (
            b"<meta charset=iso-2022-jp>" + "日本".encode("iso-2022-jp"),
            "",
            "<meta charset=iso-2022-jp>日本",
        ),
        ("<?php 'charset=koi8-r' ?>é".encode(), "", "<?php 'charset=koi8-r' ?>é"),
        (b"one\r\n\x00", "", "one\r\n\x00"),
    ],
)
def test_text_of(content: bytes, media_type: str, expected: str):
    """What is named counts, then UTF-8, then what the text says of itself; nothing is refused."""
    assert expected == text_of(content, media_type, whole=True)


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"\xe9", "text/plain; charset=latin-1", "é"),
        (b"\xe9", "text/plain", "\ufffd"),
        (codecs.BOM_UTF8 + b"a", "text/plain", "a"),
        (codecs.BOM_UTF16_LE + "é".encode("utf-16-le"), "text/plain; charset=utf-16", "é"),
        (b"<meta charset=koi8-r>", "text/html", "<meta charset=koi8-r>"),
    ],
)
def test_as_named(content: bytes, media_type: str, expected: str):
    """Nothing is guessed: what is not UTF-8 is replaced, unless another charset is named."""
    assert expected == as_named(content, media_type)
