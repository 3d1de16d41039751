"""Passages of a file, and what is remembered of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_file_search.passages import cut
from hookline_file_search.reading import Section
from hookline_file_search.shelf import Shelf

PARAGRAPHS = "\n\n".join(f"Paragraph {n} has some words. It has two sentences." for n in range(40))


def texts(text: str, size: int, overlap: int) -> list[str]:
    return [passage.text for passage in cut([Section(text)], size, overlap)]


def test_a_short_text_is_one_passage():
    """What fits is not cut, and spaces around it go."""
    assert ["A short text."] == texts("\n A short text. \n", 1000, 150)


def test_passages_end_with_a_paragraph():
    """A text is cut between paragraphs, and what is repeated begins with a whole one, too."""
    found = texts(PARAGRAPHS, 200, 60)

    assert all(text.endswith("It has two sentences.") for text in found)
    assert all(text.startswith("Paragraph") for text in found)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("word " * 100, "word"),
        ("One sentence is this. " * 20, "this."),
        ("一つの文です。" * 60, "。"),
        ('{"a":[1,2,3]},' * 40, (",", "}", "]")),
        ("line\n" * 100, "line"),
    ],
)
def test_the_best_border_there_is(text: str, end: str | tuple[str, ...]):
    """Without paragraphs a text is cut after lines, sentences, words or signs, in this order."""
    assert all(piece.endswith(end) for piece in texts(text, 150, 30))


def test_a_text_without_borders_is_cut_all_the_same():
    """One long word gives passages of the full size."""
    assert {150} == {len(piece) for piece in texts("x" * 1350, 150, 0)}


def test_pages_and_headings_stay():
    """A passage has the page of its section, and begins with its heading, each time."""
    sections = [Section("a " * 200, 1), Section("", 2), Section("b " * 200, 3, "Top > Down")]

    passages = cut(sections, 150, 0)

    assert {1, 3} == {passage.page for passage in passages}
    assert all(p.text.startswith("Top > Down\nb") for p in passages if p.page == 3)
    assert len([p for p in passages if p.page == 3]) > 1


@given(
    st.text(st.sampled_from("ab .\n,。"), max_size=2000),
    st.integers(100, 300),
    st.integers(0, 33),
)
def test_nothing_is_lost(text: str, size: int, overlap: int):
    """The passages are in order, none is too long, and together they have every character."""
    found = texts(text, size, overlap)

    place = 0
    for piece in found:
        assert 0 < len(piece) <= size
        begin = text.find(piece, max(0, place - size))
        assert begin >= 0
        assert not text[place:begin].strip()
        place = max(place, begin + len(piece))
    assert not text[place:].strip()


def test_the_shelf_lets_go_of_what_was_not_used():
    """What was used last stays; what does not fit at all is not kept."""
    shelf = Shelf[str](10)
    shelf.put("a", "A", 4)
    shelf.put("b", "B", 4)
    shelf.get("a")
    shelf.put("c", "C", 4)
    shelf.put("d", "D", 11)

    assert ["A", None, "C", None] == [shelf.get(key) for key in "abcd"]
    assert 8 == shelf.size


def test_the_shelf_replaces():
    """A key has one value; putting another one does not count its size twice."""
    shelf = Shelf[str](10)
    shelf.put("a", "A", 6)
    shelf.put("a", "B", 7)

    assert ("B", 7) == (shelf.get("a"), shelf.size)
