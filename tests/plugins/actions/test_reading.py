"""Documents are read with the types of JSON, and with limits."""

import pytest

from hookline_actions.failures import DocumentInvalid
from hookline_actions.reading import DEPTH, read

LIMIT = 1_000_000


def test_yaml_has_the_types_of_json():
    """Dates, answers and countries stay text, and keys become text."""
    text = "a: 2024-01-01\nb: [yes, no, on, NO, true, null, ~]\nc: {200: 1, 1.5: 0x1F, true: 012}\n"

    assert {
        "a": "2024-01-01",
        "b": ["yes", "no", "on", "NO", True, None, None],
        "c": {"200": 1, "1.5": "0x1F", "true": "012"},
    } == read(text, limit=LIMIT)


def test_json_and_yaml_are_one():
    """What begins with a brace is JSON; anything else is YAML, which may have aliases."""
    assert {"a": [1, 2.5]} == read('{"a": [1, 2.5]}', limit=LIMIT)
    assert {"a": {"x": 1}, "b": {"x": 1, "y": 2}} == read(
        "a: &a {x: 1}\nb: {<<: *a, y: 2}\n", limit=LIMIT
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "neither JSON nor YAML"),
        ("a: [", "neither JSON nor YAML"),
        ("!!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        ("a: !!timestamp 2024-01-01x", "neither JSON nor YAML"),
        ("- 1", "an object is expected"),
        ("", "an object is expected"),
        ("x" * (LIMIT + 1), "bytes"),
        ("a: " + "[" * 200 + "]" * 200, "nested deeper"),
        ("a: " + "{a: " * 5_000 + "}" * 5_000, "nested deeper"),
        ("a: &a [*a]", "nested deeper"),
        ('{"a":' + "[" * 200 + "]" * 200 + "}", "nested deeper"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "nested deeper"),
    ],
)
def test_what_is_no_document(text: str, why: str):
    """What is neither, too large, or too deep is refused, with the reason."""
    with pytest.raises(DocumentInvalid, match=why):
        read(text, limit=LIMIT)


def test_bomb_of_aliases():
    """Aliases that stand for billions of values are counted as such."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 12):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]")

    with pytest.raises(DocumentInvalid, match="more than 1,000,000 values"):
        read("\n".join(lines), limit=LIMIT)


def test_deepest_document():
    """A document may be as deep as the limit says."""
    text = '{"a":' + "[" * (DEPTH - 1) + "]" * (DEPTH - 1) + "}"

    assert ["a"] == list(read(text, limit=LIMIT))
