"""Ranking of short texts."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.ranking import TERM_LIMIT, Index, rank, terms

POLICY = [
    "The refund is paid within 14 days after the goods have come back.",
    "The the the the the shipping of the goods is free.",
    "Invoices are sent by e-mail at the end of the month.",
]
ODD = [
    '"', "'", "*", "refund*", "NEAR(refund days)", "text : refund", "AND", "NOT OR", '" OR "', "^a",
    "-refund", "{text}: x", "refund + days", "; DROP TABLE texts; --", "\x00", "\ue000", "\ud800",
    ")", "(", '""', "NULL",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("file_search", ["file", "search"]),
        ("getUserName", ["getusername", "get", "user", "name"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        ("Überraschung für Zoë", ["uberraschung", "fur", "zoe"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("Ёлка и зелёный ДЫМ", ["елка", "и", "зеленыи", "дым"]),
        ("ﬁnance №", ["finance", "no"]),
        ("東京タ", ["東", "京", "タ", "東京", "京タ"]),
        ("PDFの頁", ["pdf", "の", "頁", "の頁"]),
        ("हिन्दी।", ["हिन्दी"]),
        ("עִבְרִית", ["עברית"]),
        ("2026-07-01", ["2026", "07", "01"]),
        ("", []),
        ("-- … --", []),
        ("\ue000", []),
    ],
)
def test_terms(text: str, expected: list[str]):
    """Case and accents make no difference; names of code and scripts without spaces are parted."""
    assert expected == terms(text)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("refund", [0]),
        ("REFUNDS", [0]),
        ("invoice", [2]),
        ("the refund", [0, 1, 2]),
        ("free goods", [1, 0]),
        ("hamster", []),
        ("", []),
    ],
)
def test_order(query: str, expected: list[int]):
    """What has the rarer words comes first, also among very few texts."""
    assert expected == [place for place, _ in rank(query, POLICY, 10)]


def test_a_rare_word_outweighs_many_common_ones():
    """Among two texts, the word that one of them has counts more than the one that both have."""
    texts = ["the the the the the the", "the refund is paid"]

    assert 1 == rank("the refund", texts, 1)[0][0]


def test_score_is_the_share_of_the_query():
    """A text of average length has 1 for all words once, and a half for one of two like words."""
    texts = ["alpha beta", "alpha gamma", "delta beta", "epsilon zeta"]

    assert [(0, 1.0), (1, 0.5), (2, 0.5)] == [
        (place, round(score, 9)) for place, score in rank("alpha beta", texts, 10)
    ]


def test_unknown_words_weigh_as_the_commonest_known_one():
    """Words that no text has make a match on a common one small, and on rare ones hardly less."""
    texts = [*(f"of thing{n}" for n in range(20)), "of price list"]

    common = rank("of hamsters quantum", texts, 1)[0][1]
    rare = rank("price of hamsters", texts, 1)[0][1]

    assert (True, True) == (common < 0.45, rare > 0.45)


@pytest.mark.parametrize("query", ODD)
def test_a_query_is_no_syntax(query: str):
    """What would be an operator or an error of the full-text engine is words, or nothing."""
    assert rank(" ".join(terms(query)), POLICY, 10) == rank(query, POLICY, 10)


def test_ties_keep_their_order():
    """Texts that fit as well stay in the order in which they were given."""
    assert [0, 1, 2] == [place for place, _ in rank("same", ["same words"] * 5, 3)]


def test_the_filler_finds_nothing():
    """The rows that the index adds for itself are never found."""
    texts = ["\ue000 \ue000", "a"]

    assert [1] == [place for place, _ in rank("a \ue000", texts, 10)]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_no_result(limit: int):
    """Nothing is found if nothing is asked for."""
    assert [] == rank("refund", POLICY, limit)


def test_nothing_to_rank():
    """Without texts, or with empty ones, nothing is found."""
    assert ([], []) == (rank("refund", [], 3), rank("refund", ["", ""], 3))


def test_long_queries_are_cut():
    """Only the first terms of a query count, so that no query is too long for the engine."""
    words = " ".join(f"w{n}" for n in range(TERM_LIMIT))

    assert [0] == [place for place, _ in rank(f"{words} late", [words, "late"], 5)]


def test_an_index_can_be_used_from_many_threads():
    """An index that is shared by threads gives each one what it would give one alone."""
    index = Index([f"text number {n} of {'many' if n % 2 else 'few'}" for n in range(200)])
    expected = [index.rank(str(n), 3) for n in range(50)]

    async def ask() -> list[list[tuple[int, float]]]:
        return await asyncio.gather(*(asyncio.to_thread(index.rank, str(n), 3) for n in range(50)))

    assert expected == asyncio.run(ask())


def test_size():
    """An index tells how much memory it takes, which is in proportion to its texts."""
    small, large = (Index(["some words of a text"] * count) for count in (1, 10_000))

    assert True is (0 < small.size < large.size < 10_000_000)


@given(st.text(), st.lists(st.text(), max_size=5), st.integers(1, 5))
def test_any_query_on_any_texts(query: str, texts: list[str], limit: int):
    """Scores fall, lie between 0 and 1, and belong to texts that share a term with the query."""
    found = rank(query, texts, limit)

    scores = [score for _, score in found]
    assert sorted(scores, reverse=True) == scores
    assert all(0 < score <= 1 and math.isfinite(score) for score in scores)
    assert len(found) <= limit
    assert len({place for place, _ in found}) == len(found)


@given(st.text())
def test_a_text_finds_itself(text: str):
    """Whatever has a term is found by itself."""
    assert bool(terms(text)) == bool(rank(text, [text], 1))
