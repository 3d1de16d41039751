"""The vault: secrets open for their purpose and with their key, and for nothing else."""

import base64

import pytest

from hookline.errors import ConfigError
from hookline.vault import SealBroken, Vault, vault_of

OLD, NEW = b"o" * 32, b"n" * 32
PURPOSE = "notes.secrets/alice"


def test_what_is_sealed_opens_for_its_purpose() -> None:
    """And is never sealed the same way twice."""
    vault = Vault([NEW])
    sealed = vault.seal(b"secret", purpose=PURPOSE)

    assert b"secret" == vault.open(sealed, purpose=PURPOSE)
    assert b"secret" not in sealed
    assert sealed != vault.seal(b"secret", purpose=PURPOSE)


@pytest.mark.parametrize(
    ("keys", "purpose", "change"),
    [
        ([OLD], PURPOSE, lambda sealed: sealed),
        ([NEW], "notes.secrets/bob", lambda sealed: sealed),
        ([NEW], PURPOSE, lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ([NEW], PURPOSE, lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:]),
        ([NEW], PURPOSE, lambda sealed: sealed[:-1]),
        ([NEW], PURPOSE, lambda sealed: sealed[:12]),
        ([NEW], PURPOSE, lambda sealed: b""),
    ],
    ids=["key", "purpose", "data", "nonce", "shorter", "nothing sealed", "empty"],
)
def test_what_is_not_as_it_was_does_not_open(keys, purpose, change) -> None:
    """Another key, another purpose, or a bit that was changed."""
    sealed = change(Vault([NEW]).seal(b"secret", purpose=PURPOSE))

    with pytest.raises(SealBroken):
        Vault(keys).open(sealed, purpose=purpose)


def test_a_key_can_be_replaced() -> None:
    """The former one still opens; what is sealed anew does not need it any more."""
    sealed = Vault([OLD]).seal(b"secret", purpose=PURPOSE)
    both = Vault([NEW, OLD])

    anew = both.reseal(sealed, purpose=PURPOSE)

    assert b"secret" == both.open(sealed, purpose=PURPOSE)
    assert b"secret" == Vault([NEW]).open(anew, purpose=PURPOSE)
    assert anew == both.reseal(anew, purpose=PURPOSE)
    with pytest.raises(SealBroken):
        Vault([NEW]).reseal(sealed, purpose=PURPOSE)


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    """The error says how to make one."""
    vault = Vault()
    for work in (vault.seal, vault.open, vault.reseal):
        with pytest.raises(ConfigError, match="openssl rand -base64 32"):
            work(b"secret", purpose=PURPOSE)
    assert not vault.ready


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (["short"], "secrets.key"),
        ([base64.b64encode(b"k" * 31).decode()], "secrets.key"),
        (["k" * 32 + "!"], "secrets.key"),
        ([base64.b64encode(NEW).decode(), "no-key"], r"secrets.former_keys\[0\]"),
    ],
)
def test_bad_keys_are_named_and_not_repeated(keys, named) -> None:
    """They are secrets, even if they are wrong."""
    with pytest.raises(ConfigError, match=f"^{named}: this is no key") as raised:
        vault_of(keys)
    assert keys[-1] not in str(raised.value)
