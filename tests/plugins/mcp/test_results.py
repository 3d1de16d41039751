"""Results: whatever a server sends, the model gets text, and nothing is lost without a word."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.tools import ToolResult
from hookline_mcp.results import result_of, with_known_items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["text", "image", "audio", "resource", "resource_link", "smell"])
ITEMS = st.lists(
    st.builds(lambda kind, rest: {**rest, "type": kind}, KINDS, st.dictionaries(st.text(), JSON)),
    max_size=5,
)


@given(ITEMS, JSON)
def test_any_content_is_read(items: list[dict[str, Any]], structured: Any):
    """There is a result for whatever JSON a server sends."""
    result = result_of(with_known_items({"content": items})["content"], structured)

    assert isinstance(result, ToolResult)
    assert result.content


@pytest.mark.parametrize(
    ("items", "structured", "content"),
    [
        ([], None, "(No response)"),
        ([{"type": "text", "text": ""}], None, "(No response)"),
        ([], [1], "[1]"),
        ([{"type": "text", "text": "x"}], {"result": 1}, "x"),
        ([{"type": "image", "data": 1}], None, '{"data":1,"type":"image"}'),
    ],
)
def test_odd_results(items: list[dict[str, Any]], structured: Any, content: str):
    """Nothing, structured content alone, and items that lack what they need."""
    assert content == result_of(items, structured).content


def test_structured_content_beside_an_image():
    """Structured content counts where there is no text, though there is an image."""
    image = {"type": "image", "data": "AAAA", "mimeType": "image/png"}

    assert '[image]\n\n{"a":1}' == result_of([image], {"a": 1}).text


def test_results_without_unknown_items_stay():
    """What the SDK knows is not touched, and neither are other answers."""
    known = {"content": [{"type": "text", "text": "x"}]}

    assert known is with_known_items(known)
    assert {"tools": []} == with_known_items({"tools": []})
    assert [1] == [
        msgspec.json.decode(item["text"]) for item in with_known_items({"content": [1]})["content"]
    ]
