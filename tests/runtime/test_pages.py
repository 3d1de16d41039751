"""What a model gets to read of a page."""

import pytest

from hookline.blocks import Block
from hookline.pages import outlined, rendered

URL = "https://example.com/dir/page?q"


def text(page: str) -> str:
    return rendered(page, URL).text


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>one\n  two</p><p>three", "one two\n\nthree"),
        ("<p>a&nbsp;b<br>c", "a b\nc"),
        ("<h1>A</h1><h3>B <em>b</em></h3>x", "# A\n\n### B b\n\nx"),
        ("<ul><li>a<li><p>b</p></ul>", "- a\n- b"),
        ("<ol start=9><li>a<li>b</ol>", "9. a\n10. b"),
        ("<ol start=x><li>a</ol>", "1. a"),
        ("<ul><li>a<ol><li>b</ol><li>c</ul>", "- a\n  1. b\n- c"),
        ("<ul><li><p>a</p><p>b</p></ul>", "- a\n  b"),
        ("<li>a", "- a"),
        ("<table><tr><th>a<th>b<tr><td>1<td><p>2</p></table>", "a | b\n1 | 2"),
        ("<table><tr><td><td></table>x", "x"),
        ("<table><tr><td>a<table><tr><td>b</table>c</table><p>x<p>y", "a\nb\n\nc\n\nx\n\ny"),
        ("<pre>a\n  b &lt;</pre>", "```\na\n  b <\n```"),
        ("<pre><code>```</code></pre>", "~~~~\n```\n~~~~"),
        ("<pre>a", "```\na\n```"),
        ("call <code>f(x)</code>", "call `f(x)`"),
        ("<blockquote>a<p>b</blockquote>c", "> a\n\n> b\n\nc"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<img src=x alt=' A cat '><img src=y>", "![A cat]"),
        ("</ul></blockquote></li></a></tr></h1>x", "x"),
    ],
)
def test_blocks(page: str, expected: str):
    """Paragraphs, headings, lists, tables, code and quotations look as in Markdown."""
    assert expected == text(page)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<a href=x>y</a>", "[y](https://example.com/dir/x)"),
        ("<a href='/x y'>y</a>", "[y](https://example.com/x%20y)"),
        ("a<a href=x> y </a>b", "a [y](https://example.com/dir/x) b"),
        ("<a href='(x)'>y</a>", "[y](https://example.com/dir/%28x%29)"),
        ("<base href=//other.test/><a href=x>y</a>", "[y](https://other.test/x)"),
        ("<a href=mailto:a@b.test>y</a>", "[y](mailto:a@b.test)"),
        ("<a href=#x>y</a>", "y"),
        ("<a href=javascript:alert(1)>y</a>", "y"),
        ("<a href=data:text/html,x>y</a>", "y"),
        ("<a href='http://['>y</a>", "y"),
        ("<a href=x></a>y", "y"),
        ("<a name=x>y</a>", "y"),
        ("<a href=x>y<a href=z>w", "[y](https://example.com/dir/x)[w](https://example.com/dir/z)"),
        ("<a href=x><h2>y</h2><p>z</p></a>", "## [y](https://example.com/dir/x)\n\nz"),
        ("<pre><a href=x>y</a></pre>", "```\ny\n```"),
    ],
)
def test_links(page: str, expected: str):
    """Links that lead somewhere are whole; others are their text."""
    assert expected == text(page)


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>a</script>",
        "<style>a</style>",
        "<template><p>a<template>b</template>c</p></template>",
        "<svg><title>a</title><text>b</text></svg>",
        "<svg/>",
        "<noscript><p>a</noscript>",
        "<!-- a -->",
        "<select><option>a</select>",
        "<nav><a href=/>a</a></nav>",
        "<footer>a</footer>",
        "<script/>a</script>",
    ],
)
def test_what_is_not_read(hidden: str):
    """Scripts, styles, drawings, forms' choices, and what surrounds a page are left out."""
    assert "x\n\ny" == text(f"<p>x</p>{hidden}<p>y</p>")


def test_a_page_that_is_all_navigation():
    """Where nothing else is there, what surrounds a page is read, too."""
    assert "- [a](https://example.com/a)" == text("<nav><ul><li><a href=/a>a</a></ul></nav>")


def test_the_title():
    """The first title that is not in a drawing is the page's, and no part of its text."""
    page = rendered("<svg><title>x</title></svg><title> A\n&amp; B </title><title>C</title>y", URL)

    assert ("A & B", "y") == (page.title, page.text)


def test_deep_pages():
    """However deep a page is, its text does not grow with its depth."""
    page = text("<ul><li>" * 5000 + "x" + "<blockquote>" * 5000 + "y")

    assert ["x", "y"] == [line.strip(" ->") for line in page.split() if line.strip("->")]
    assert len(page) < 200


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<a b='",
        "<![CDATA[",
        "<!-- ",
        "</",
        "<title>",
        "&#9",
        "<p>x<div>",
        "<ul><li>",
        "<tr> <td> ",
    ],
)
def test_hostile_pages(piece: str):
    """Pages that keep other parsers busy for hours are read at once: the test would not end."""
    rendered(piece * (500_000 // len(piece)), URL)


def test_an_outline():
    """For a search there are the words alone, under headings, and what surrounds them."""
    page = outlined(
        "<title>Shop</title><nav><a href=/>Home</a></nav><h2>Fees<br><em>new</em></h2><hr><table>"
        "<tr><td>A<td>1<tr><td>B<td>2</table><img alt=x><pre># <code>x</code></pre><li>f<li>g"
    )

    assert "Shop" == page.title
    assert [
        Block("Home"),
        Block("## Fees\nnew", 2, "Fees new"),
        Block("A 1"),
        Block("B 2", close=True),
        Block("# x"),
        Block("- f"),
        Block("- g", close=True),
    ] == page.blocks
