"""HTML is taken apart as browsers do, whatever it looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.markup import End, Start, tokens


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("a &amp; b", ["a & b"]),
        ("<P Class=x>", [Start("p", {"class": "x"})]),
        ("</P >", [End("p")]),
        ("<br/>", [Start("br", {}, closed=True)]),
        ("<a b='1' b=2 c = \"3>\" d>", [Start("a", {"b": "1", "c": "3>", "d": ""})]),
        ("<a href=a/b/>", [Start("a", {"href": "a/b/"}, closed=True)]),
        ("<a href='&lt;&quot;'>", [Start("a", {"href": '<"'})]),
        ("<a = b>", [Start("a", {"b": ""})]),
        ("<a b= >x", [Start("a", {"b": ""}), "x"]),
        ("<!doctype html><!-- <p> -->x<?xml ?>", ["x"]),
        ("<!-->x", ["x"]),
        ("</ p>x", ["x"]),
        ("1 < 2 <3", ["1 ", "<", " 2 ", "<", "3"]),
        (
            "<script>if (a<b) '</p>'</script>x",
            [Start("script", {}), "if (a<b) '</p>'", End("script"), "x"],
        ),
        ("<title>a<b></TITLE >", [Start("title", {}), "a<b>", End("title")]),
        ("<script>x</scripts>", [Start("script", {}), "x</scripts>"]),
        ("x<a", ["x"]),
        ("x<a b='>", ["x"]),
        ("x<!-- y", ["x"]),
        ("&#" + "9" * 5000 + ";", ["&#" + "9" * 5000 + ";"]),
    ],
)
def test_tokens(page: str, expected: list[Start | End | str]):
    """Tags, attributes, text, and what is neither."""
    assert expected == list(tokens(page))


PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "<",
                ">",
                "</",
                "<a ",
                "<!--",
                "-->",
                "<![CDATA[",
                "<script>",
                "</script>",
                "<title>",
            ),
            *(
                "'",
                '"',
                "=",
                "/",
                " ",
                "b",
                "&#",
                "&amp;",
                "\x00",
                "<li>",
                "<pre>",
                "</pre>",
                "<tr>",
            ),
        ]
    )
).map("".join)


@given(st.one_of(PIECES, st.text()))
def test_any_text_is_a_page(page: str):
    """Nothing fails, and nothing is made up."""
    found = list(tokens(page))

    assert sum(len(one) for one in found if isinstance(one, str)) <= len(page)
