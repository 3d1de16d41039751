"""Secrets are cut out of texts."""

from hookline.redaction import Redaction


def test_redaction():
    """Whole secrets and the words in them are cut out, the longest first."""
    redact = Redaction(["Bearer abcd-efgh", "abcd", "x"])

    assert "[hidden] and [hidden] and [hidden], x" == redact(
        "Bearer abcd-efgh and abcd-efgh and abcd, x"
    )


def test_how_it_is_shown():
    """How long a secret has to be, and what stands in its place, may be said."""
    redact = Redaction(["abcdef", "ghijk"], shortest=6, shown="***")

    assert "*** and ghijk" == redact("abcdef and ghijk")
