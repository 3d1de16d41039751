"""Which tools a message mentions.

A tool is mentioned by name if its name occurs as a word, whatever the case, with a space, ``-`` or
``_`` for each ``-`` or ``_``. Only where no tool is mentioned by name, those count of whose
description a content word occurs as a word: at least 5 letters, and not a word of ``STOP_WORDS``.
"""

import re
from collections.abc import Sequence

from hookline.tools import ToolSpec

_STOPPED = """
about above after again against along already although always among another anything around
because become before being below between cannot could current default either every example
first following found function given gives include instead itself might needs never number
object often optional other output parameter please provide required result results return
returned returns should since string their there these thing those though three through tools
under until using value values where whether which while whose within without would your
yours
"""
STOP_WORDS = frozenset(_STOPPED.split())
"""Words that say nothing about what a tool is for."""

READ_LIMIT = 20_000
"""Characters of a message in which tools and arguments are looked for."""

_WORD = re.compile(r"[^\W\d_]{5,}")
_SEPARATOR = re.compile(r"[-_]")


def mentioned(tools: Sequence[ToolSpec], text: str) -> list[ToolSpec]:
    """The tools that a message mentions, in the order in which it does."""
    text = text[:READ_LIMIT]
    return _ordered(tools, [_named_at(tool, text) for tool in tools]) or _ordered(
        tools, _described_at(tools, text)
    )


def _ordered(tools: Sequence[ToolSpec], places: Sequence[int | None]) -> list[ToolSpec]:
    found = [(place, index) for index, place in enumerate(places) if place is not None]
    return [tools[index] for _, index in sorted(found)]


def _named_at(tool: ToolSpec, text: str) -> int | None:
    name = r"[\s_-]".join(map(re.escape, _SEPARATOR.split(tool.name)))
    match = re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE)
    return match.start() if match else None


def _described_at(tools: Sequence[ToolSpec], text: str) -> list[int | None]:
    places: dict[str, int] = {}
    for match in _WORD.finditer(text):
        places.setdefault(match[0].casefold(), match.start())
    described = []
    for tool in tools:
        words = {match[0].casefold() for match in _WORD.finditer(tool.description)} - STOP_WORDS
        described.append(min((places[word] for word in words if word in places), default=None))
    return described
