"""Placeholders: ``{{NAME}}`` in a server's definition stands for what each user gives."""

import re
from collections.abc import Callable, Iterable, Mapping

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
"""Names of variables."""

_PLACE = re.compile(r"\{\{\s*(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}")


def names_in(texts: Iterable[str]) -> set[str]:
    """The names of the variables that texts have places for."""
    return {match["name"] for text in texts for match in _PLACE.finditer(text)}


def fill(text: str, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
    """The text with values in their places. What a value holds is not looked through again.

    Args:
        text: with or without places.
        values: by name, for every place there is.
        encode: makes a value fit what stands around it.
    """
    return _PLACE.sub(lambda match: encode(values[match["name"]]), text)
