"""Ranking: which of some short texts have most of the words of a query, by BM25.

BM25 is that of SQLite's FTS5, in the memory of this process: it is no store, and nothing is
written anywhere. A query is never read as FTS5's own syntax.
"""

import math
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise

TERM_LIMIT = 64
"""Different terms of a query that count; the first ones."""

WORD_LIMIT = 64
"""Characters of a word that count: what is longer is data, not language."""

_FILLER = "\ue000"
"""A term that no text has: a character for private use is no part of a word."""

_ACCENTS = re.compile(
    "["
    "\u0300-\u036f"  # of Latin, Greek and Cyrillic letters
    "\u0591-\u05bd\u05bf-\u05c7"  # Hebrew points
    "\u064b-\u065f\u0670"  # Arabic vowels
    "]+"
)
_WORD = re.compile("[\\w\u0900-\u0963\u0966-\u109f\u1780-\u17d3]+")
"""Vowel signs of Indian and other scripts are part of a word, though no letters by themselves."""

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7af"  # Hangul
    "]+"
)

try:
    with closing(sqlite3.connect(":memory:")) as _probe:
        _probe.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
except sqlite3.OperationalError as error:
    _message = (
        f"SQLite {sqlite3.sqlite_version} of this Python has no FTS5, which ranking needs; "
        "use a Python whose sqlite3 has it, as those of python.org and of distributions have"
    )
    raise ImportError(_message) from error


def terms(text: str) -> list[str]:
    """The terms of a text, in order: words without case and accents.

    ``snake_case`` gives its words, ``camelCase`` its words and the whole. Scripts that put no
    spaces between words give each character and each pair of neighbours.
    """
    if not text.isascii():
        bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", bare)
    found: list[str] = []
    for word in _WORD.findall(text.replace("_", " ")):
        if word.isascii() and word.islower():  # nearly all are, and this is where time goes
            found.append(word[:WORD_LIMIT])
        else:
            found.extend(_of_word(word))
    return found


def _of_word(word: str) -> Iterator[str]:
    if word.isascii():
        word = word[:WORD_LIMIT]
        yield word.lower()
        humps = _HUMPS.split(word)
        if len(humps) > 1:
            yield from (hump.lower() for hump in humps)
        return
    end = 0
    for run in _UNSPACED.finditer(word):
        yield from _spaced(word[end : run.start()])
        characters, end = run[0], run.end()
        yield from characters
        yield from map("".join, pairwise(characters))
    yield from _spaced(word[end:])


def _spaced(word: str) -> Iterator[str]:
    if word:
        yield word[:WORD_LIMIT].casefold()


class Index:
    """Texts made ready to be ranked, again and again, in any thread.

    ``size`` is how many bytes of memory it takes.
    """

    def __init__(self, texts: Sequence[str]):
        self._count = len(texts)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        execute = self._database.execute
        # The words are ours, made of what the tokenizer "ascii" leaves as it is; "porter" makes
        # "invoices" and "invoice" one. No text is kept but the index itself.
        execute("CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='porter ascii')")
        execute("BEGIN")
        lengths = [self._add(row, terms(text)) for row, text in enumerate(texts)]
        # FTS5 takes no account of a term that half of the rows have, and of few texts many terms
        # are in half. As many rows again, as long as the texts, that have none of the terms leave
        # every one its weight; the rarer of two terms still weighs more.
        filler = [_FILLER] * math.ceil(sum(lengths) / max(1, len(lengths)))
        for row in range(self._count, 2 * self._count + 1):
            self._add(row, filler)
        execute("COMMIT")
        (self.size,) = execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()

    def __del__(self) -> None:
        # Nobody can know when the last thread is done with an index but the interpreter.
        if hasattr(self, "_database"):
            self._database.close()

    def _add(self, row: int, words: Sequence[str]) -> int:
        self._database.execute(
            "INSERT INTO texts (rowid, text) VALUES (?, ?)", (row, " ".join(words))
        )
        return len(words)

    def rank(self, query: str, limit: int) -> list[tuple[int, float]]:
        """The best texts for a query, as their place in the sequence and a score, best first.

        The score is the text's BM25 as a share of what a text of average length would have with
        every term of the query in it once, and at most 1: it says how much of the query, rare
        terms weighing more, the text has. Terms that no text has weigh as little as the commonest
        that some text has. Texts without any of the terms are left out, and those with the same
        BM25 keep their order.
        """
        wanted = list(dict.fromkeys(terms(query)))[:TERM_LIMIT]
        with self._lock:
            counts = [self._texts_with(term) for term in wanted]
            known = [term for term, count in zip(wanted, counts, strict=True) if count]
            if not known or limit < 1:
                return []
            weights = [self._weight(count) for count in counts if count]
            reference = sum(weights) + min(weights) * (len(wanted) - len(known))
            found = self._database.execute(
                "SELECT rowid, -rank FROM texts WHERE texts MATCH ? ORDER BY rank, rowid LIMIT ?",
                (" OR ".join(map(_quoted, known)), limit),
            ).fetchall()
        return [(row, min(1.0, score / reference)) for row, score in found]

    def _texts_with(self, term: str) -> int:
        count: int
        (count,) = self._database.execute(
            "SELECT count(*) FROM texts WHERE texts MATCH ?", (_quoted(term),)
        ).fetchone()
        return count

    def _weight(self, count: int) -> float:
        """What a term that so many texts have weighs. Source: FTS5's documentation of bm25()."""
        return math.log((2 * self._count + 1 - count + 0.5) / (count + 0.5))


def rank(query: str, documents: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """The best of some texts for a query, as ``Index.rank`` gives them."""
    return Index(documents).rank(query, limit)


def _quoted(term: str) -> str:
    """A term as a string of FTS5's; it consists of letters and digits, so no quote is in it."""
    return f'"{term}"'
