"""Patterns of words in requests, and how they are said in a message."""

from collections.abc import Mapping

from hookline.specs import AGENT_ID

NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)"

MEANINGS: Mapping[str, str] = {
    AGENT_ID: "begins with a letter or digit and goes on with these or any of . _ : / -",
    NO_CONTROL: "has no control characters",
}


def meaning_of(message: str) -> str | None:
    """What the pattern asks for that msgspec quotes in a message."""
    for pattern, meaning in MEANINGS.items():
        if repr(pattern)[1:-1] in message:
            return meaning
    return None
