"""Telling that a prompt was too long."""

import pytest

from hookline.overflow import READ, too_long

SAID = "prompt is too long: 213462 tokens > 200000 maximum"


@pytest.mark.parametrize(
    "code", ["context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"]
)
def test_a_code_is_enough(code: str) -> None:
    """Where a vendor has a code for it, or a type, its words and its status do not matter."""
    assert too_long("", (None, code), 418)


@pytest.mark.parametrize(("status", "found"), [(None, True), (400, True), (429, False)])
def test_words_count_with_a_status_that_goes_with_them(status: int | None, *, found: bool) -> None:
    """A limit of rates that speaks of lengths is none of lengths."""
    assert found == too_long(SAID, (), status)


def test_other_codes_say_nothing() -> None:
    """Codes may be numbers, or of any type; then the words decide."""
    assert too_long(SAID.upper(), (400, None, ["context_length_exceeded"]), 400)
    assert not too_long("prompt is long", (400, None, {}), 400)


def test_only_the_beginning_is_looked_at() -> None:
    """An upstream's page, however long and however made, is read in one go."""
    assert not too_long("x" * READ + SAID)
    assert not too_long("maximum context length " * 100_000)
    assert not too_long("input token count (" + "1" * 100_000)
