"""What is read of files of each kind."""

import threading
from typing import Any

import pytest

from hookline.files import FileRecord
from hookline_file_search.documents import read
from hookline_file_search.reading import OutOfTime, Reading, Section, Unreadable, Watch
from hookline_file_search.settings import Settings
from support.pdfs import locked, pdf, pdf_of

LINES = "0 0 m 1 1 l S\n" * 5_000
"""A page that takes a while to read."""

DRAWING = "0 0 m 1 1 l S\n" * 100_000
"""A page that would take many seconds to read."""


def reading(
    content: bytes, name: str, media_type: str = "", watch: Watch | None = None, **settings: Any
) -> Reading:
    file = FileRecord(id="f", owner="o", name=name, media_type=media_type, size=0, digest="")
    return read(content, file, Settings(**settings), watch or Watch(60))


def sections(content: bytes, name: str, media_type: str = "") -> list[tuple[str, str]]:
    return [(s.heading, s.text) for s in reading(content, name, media_type).sections]


def test_text():
    """A text is one section, whatever its charset."""
    assert [("", "Grüße")] == sections("Grüße".encode("cp1252"), "notes", "text/plain")


def test_markdown():
    """Markdown is parted at headings, each with those above it, but not within code."""
    text = "Before\n\n# Top #\nOne\n## Down\nTwo\n```sh\n# no heading\n```\n# Next\n### Deep\nThree"

    assert [
        ("", "Before"),
        ("Top", "One"),
        ("Top > Down", "Two\n```sh\n# no heading\n```"),
        ("Next", ""),
        ("Next > Deep", "Three"),
    ] == sections(text.encode(), "a.md")


def test_html():
    """HTML gives what is seen, under its headings."""
    text = """<!doctype html><html><head><title>Shop</title><style>p { color: red }</style>
    <script>if (a < b) alert("no")</script><body><nav>Home</nav><h2>Fees &amp;
    costs</h2><p>First <b>line</b>
    goes on<br>second</p><table><tr><td>A</td><td>1</td></tr><tr><td>B<td>2</table>
    <pre>x = 1
y = 2</pre>"""

    assert [
        ("Shop", "Home"),
        ("Shop > Fees & costs", "First line goes on\nsecond\n\nA 1\nB 2\n\nx = 1\ny = 2"),
    ] == sections(text.encode(), "page", "text/html; charset=utf-8")


def test_no_heading_but_those_of_the_page():
    """What looks like a heading of Markdown is none in HTML, and a heading has an end."""
    page = f"<pre># x</pre><h1>{'y' * 1000}</h1>z"

    assert [("", "# x"), ("y" * 300, "z")] == sections(page.encode(), "a.html")


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>2 < 3 &lt; 4 <!-- <p>not</p> --> <A TITLE='a > b'>link</A>", "2 < 3 < 4 link"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<p>seen <a title='unseen", "seen"),
        ("<p>seen <!-- unseen", "seen"),
        ("<p>seen<script>unseen", "seen"),
        ("<p>a<SVG><text>unseen</text></svg>b", "ab"),
        ("<p>&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),
    ],
)
def test_odd_html(page: str, expected: str):
    """HTML is read as browsers do, whatever its writer forgot."""
    assert expected == "\n".join(text for _, text in sections(page.encode(), "a.html")).strip()


@pytest.mark.parametrize("piece", ["<a", "<a b='", "<!--", "<p>", "<", "&", "</", "<script>", " "])
def test_html_takes_one_pass(piece: str):
    """Megabytes of what has no end are read at once; the test would not end otherwise."""
    sections_of = reading(b"<p>Word</p>" + piece.encode() * 300_000, "a.html").sections

    assert sections_of[0].text.startswith("Word")


def test_table():
    """The first line of a table stands above all of its rows."""
    assert [("name,age", "Ann,3\nBen,4")] == sections(b"name,age\r\nAnn,3\r\nBen,4", "a.csv")


def test_json():
    """JSON is text as it is."""
    assert [("", '{"a": 1}')] == sections(b'{"a": 1}', "a.json", "application/json")


def test_pdf_pages_begin_at_one():
    """Each page of a PDF is a section with its number, and the first one has 1."""
    found = reading(pdf("The first page", "The (second) page"), "a.pdf")

    assert [Section("The first page", 1), Section("The (second) page", 2)] == found.sections
    assert "" == found.missing


def test_a_pdf_is_known_by_its_bytes():
    """A PDF is read as one whatever it is called."""
    assert [Section("Hello", 1)] == reading(pdf("Hello"), "a.txt", "text/plain").sections


def test_an_empty_password_opens_a_pdf():
    """What everybody may open is read, though it is encrypted."""
    assert [Section("Hello", 1)] == reading(locked(pdf("Hello"), ""), "a.pdf").sections


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (locked(pdf("Hello"), "secret"), "it is encrypted"),
        (b"%PDF-1.7\nnothing else", "it is a broken PDF"),
        (b"%PDF-1.7\n" + b"\x00\xff" * 500, "it is a broken PDF"),
        (pdf("Hello")[:150], "it is a broken PDF|it has no text"),
        (pdf_of(["0 0 m 1 1 l S"]), "it has no text"),
        (b"\x89PNG\r\n\x1a\n\x00", "neither text nor PDF but image/png"),
        (b"", "it has no text"),
        (b" \n\n ", "it has no text"),
    ],
)
def test_files_without_text(content: bytes, why: str):
    """What has no text says why."""
    with pytest.raises(Unreadable, match=why):
        reading(content, "file", "image/png")


def test_a_broken_page_is_named():
    """A page that cannot be read is left out; the others keep their numbers."""
    content = pdf("One", "Two", "Three").replace(b"/Contents 7 0 R", b"/Contents /Oops")

    found = reading(content, "a.pdf")

    assert [1, 3] == [s.page for s in found.sections if s.text]


def test_limits_of_pages_and_characters():
    """What is beyond the limits is not read, and the result says so."""
    content = pdf("One one", "Two two", "Three")

    by_pages = reading(content, "a.pdf", pages=2)
    by_characters = reading(content, "a.pdf", characters=10)
    text = reading(b"x" * 11, "a.txt", characters=10)

    assert (2, "only pages 1 to 2 of 3 were read") == (len(by_pages.sections), by_pages.missing)
    assert ["One one", "Two"] == [section.text.strip() for section in by_characters.sections]
    assert "only pages 1 to 2 of 3 were read" == by_characters.missing
    assert ("x" * 10, "only 10 of 11 characters were read") == (
        text.sections[0].text,
        text.missing,
    )


def test_a_drawing_is_not_read():
    """A page with more to parse than text could need is left out, before it takes its time."""
    found = reading(pdf_of([DRAWING, "BT /F1 12 Tf (Short) Tj ET"]), "a.pdf")

    assert ([Section("Short", 2)], "pages that cannot be read: 1") == (
        found.sections,
        found.missing,
    )


def test_time_ends_in_the_middle_of_a_page():
    """A page that takes too long is given up; what was read before it is kept."""
    content = pdf_of(["BT /F1 12 Tf (Short) Tj ET", LINES])
    watch = Watch(60)
    looks = iter(range(100))

    class Impatient(Watch):
        def look(self, *_: object) -> None:
            if next(looks) > 10:
                watch.stop()
            watch.look()

    found = reading(content, "a.pdf", watch=Impatient(60))

    assert [Section("Short", 1)] == found.sections
    assert "only pages 1 to 1 of 2 were read" == found.missing


def test_no_time_at_all():
    """If not even the first page is read in time, that is an error of its own."""
    with pytest.raises(OutOfTime):
        reading(pdf_of([LINES] * 50), "a.pdf", watch=Watch(0.0))


def test_a_watch_is_stopped_from_another_thread():
    """Reading ends once nobody waits for it any more."""
    watch = Watch(60)
    thread = threading.Thread(target=watch.stop)
    thread.start()
    thread.join()

    with pytest.raises(OutOfTime):
        reading(pdf("Hello"), "a.pdf", watch=watch)


def test_half_characters_do_no_harm():
    """What could not be sent as UTF-8 is replaced."""
    found = reading(pdf_of(["BT /F1 12 Tf (a\\000b) Tj ET"]), "a.pdf").sections[0].text

    assert "\x00" not in found
