"""What a message offers for the arguments of a tool."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

import attrs
import msgspec

from hookline_scripted.mentions import READ_LIMIT

OBJECT_LIMIT = 20
"""Opening braces at which a JSON object is looked for."""

ITEM_LIMIT = 200
"""Texts, numbers, names and words each that are taken into account."""

RUN_LIMIT = 500
"""Tokens in a piece of arithmetic."""

_QUOTED = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'(?!\w)|“([^“”\n]*)”|`([^`\n]*)`")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,18}(?:\.\d{1,18})?(?!\w)")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<!\w)[A-Z][\w-]*(?: [A-Z][\w-]*)*")
FORMATS = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"),
    "email": re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"),
    "ipv4": re.compile(r"\d{1,3}(\.\d{1,3}){3}"),
    "uri": re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+"),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}
"""How the formats look that are recognised in a message."""

_WORD = re.compile(r"[^\s,;!?\"'()]+")
_FUNCTIONS = "sqrt|sin|cos|tan|log10|log|ln|exp|abs|round|min|max|floor|ceil|pi"
_ARITHMETIC = re.compile(rf"\s+|\d+(?:\.\d+)?(?!\w)|\*\*|//|[-+*/%(),]|\b(?:{_FUNCTIONS})\b")
_NO_BEGINNING = frozenset({"*", "/", "//", "%", "**", ",", ")"})
_NO_END = frozenset({"+", "-", "*", "/", "//", "%", "**", ",", "("})


@attrs.define
class Evidence:
    """What was found in a message. What an argument has taken is no longer there.

    Args:
        text: the whole message.
        pairs: ``name=value`` and ``name: value`` for the names that were asked for.
        quoted: texts in quotation marks.
        numbers: numbers outside quotation marks and pairs.
        names: runs of capitalised words that do not begin a sentence.
        words: everything between spaces, without punctuation at its end.
    """

    text: str
    pairs: Mapping[str, str]
    quoted: list[str]
    numbers: list[int | float]
    names: list[str]
    words: list[str]


def gather(text: str, names: Iterable[str]) -> Evidence:
    """Read a message for a tool whose parameters have these names."""
    text = text[:READ_LIMIT]
    rest, pairs = _pairs(text, names)
    quoted = ["".join(groups) for groups in _QUOTED.findall(rest)]
    bare = _QUOTED.sub(" ", rest)
    numbers = [msgspec.json.decode(_plain(match[0])) for match in _NUMBER.finditer(bare)]
    words = [word.rstrip(".:") for word in _WORD.findall(bare)]
    return Evidence(
        text=text,
        pairs=pairs,
        quoted=quoted[:ITEM_LIMIT],
        numbers=numbers[:ITEM_LIMIT],
        names=_NAME.findall(bare)[:ITEM_LIMIT],
        words=words[:ITEM_LIMIT],
    )


def objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a message."""
    decoder, at = json.JSONDecoder(), -1
    text = text[:READ_LIMIT]
    for _ in range(OBJECT_LIMIT):
        at = text.find("{", at + 1)
        if at < 0:
            return
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        yield found


def arithmetic(text: str) -> str | None:
    """The longest piece of arithmetic in a message, if it holds an operator or a function."""
    found = [_trimmed(run) for run in _runs(text[:READ_LIMIT])]
    sums = [piece for piece in found if len(piece.split()) > 1 or not piece.isdecimal()]
    return max(filter(None, sums), key=len, default=None)


def _runs(text: str) -> Iterator[list[str]]:
    """The longest rows of tokens that belong to arithmetic."""
    run: list[str] = []
    end = 0
    for match in _ARITHMETIC.finditer(text):
        if run and (match.start() != end or len(run) == RUN_LIMIT):
            yield run
            run = []
        run.append(match[0])
        end = match.end()
    if run:
        yield run


def _trimmed(run: list[str]) -> str:
    """A row of tokens without what cannot begin or end an expression; empty if nothing is left."""
    while run and (run[0].isspace() or run[0] in _NO_BEGINNING):
        run = run[1:]
    while run and (run[-1].isspace() or run[-1] in _NO_END or _depths(run)[-1] < 0):
        run = run[:-1]
    while run and run[0] == "(" and _depths(run)[-1] > 0:
        run = run[1:]
    holds = any(token[0].isdigit() for token in run) and min(_depths(run)) >= 0
    return "".join(run).strip() if holds else ""


def _depths(run: list[str]) -> list[int]:
    """How many parentheses are open after each token."""
    return list(accumulate((token == "(") - (token == ")") for token in run))


def _pairs(text: str, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    pairs: dict[str, str] = {}
    for name in names:
        match = re.search(
            rf"(?<!\w){re.escape(name)}\s?[=:]\s?(?:\"([^\"]*)\"|'([^']*)'|([^\s,;]+))", text
        )
        if match:
            value = match[1] or match[2] or (match[3] or "").rstrip(".!?")
            pairs[name] = value
            text = text[: match.start()] + " " + text[match.end() :]
    return text, pairs


def _plain(number: str) -> str:
    """The number as JSON writes it: without leading zeros."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, dot, rest = digits.partition(".")
    return f"{sign}{whole.lstrip('0') or '0'}{dot}{rest}"
