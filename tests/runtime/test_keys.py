"""API keys: how they are made, shown, looked up and how long they are valid."""

from datetime import UTC, datetime, timedelta

import pytest

from hookline.keys import ApiKey, digest, new_key

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_new_key_is_random_and_long():
    """``hk-`` and 32 bytes as hex; no two are alike."""
    texts = {new_key("alice")[1] for _ in range(100)}

    assert 100 == len(texts)
    assert all(text.startswith("hk-") and len(bytes.fromhex(text[3:])) == 32 for text in texts)


def test_what_is_kept_of_a_key_is_not_the_key():
    """Only the digest and the first characters are kept, and the digest is not in the repr."""
    key, text = new_key("alice", name="laptop", agents=frozenset({"a"}), expires_at=NOON)

    assert (digest(text), text[:11], "laptop") == (key.digest, key.shown, key.name)
    assert ("alice", frozenset({"a"}), NOON) == (key.user, key.agents, key.expires_at)
    assert key.id.startswith("key_")
    assert key.digest not in repr(key)
    assert text not in repr(key)


@pytest.mark.parametrize(
    ("text", "shown"), [("s3cret", "s"), ("abc", ""), ("x" * 44, "x" * 11), ("y" * 400, "y" * 11)]
)
def test_a_short_key_is_not_shown_whole(text, shown):
    """Of a text that an operator chose at most a quarter is kept readable."""
    key, same = new_key("alice", text=text)

    assert (text, shown) == (same, key.shown)


def test_a_digest_is_sha_256():
    """The digest is the published function of the text, so that other programs can make keys."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert expected == digest("abc")


@pytest.mark.parametrize("text", ["", "\udc80", "\N{SNOWMAN}", "\0"])
def test_any_text_has_a_digest(text):
    """However odd a caller's token is, looking it up is no error."""
    assert 64 == len(digest(text))


def key(**fields):
    return ApiKey(id="k", user="alice", digest="d", shown="s", **fields)


@pytest.mark.parametrize(
    ("fields", "valid"),
    [
        ({}, True),
        ({"expires_at": NOON + timedelta(microseconds=1)}, True),
        ({"expires_at": NOON}, False),
        ({"expires_at": NOON - timedelta(days=1)}, False),
        ({"revoked_at": NOON - timedelta(days=1)}, False),
        ({"revoked_at": NOON + timedelta(days=1)}, False),
    ],
)
def test_a_key_is_valid_until_it_expires_or_is_revoked(fields, valid):
    """It ends with the moment of expiry, and a revoked key is invalid whatever its moment says."""
    assert valid is key(**fields).valid(NOON)
