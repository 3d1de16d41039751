"""The vault: secrets that are kept in the store are sealed with a key from the environment."""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookline.errors import ConfigError, HooklineError

KEY_BYTES = 32
NONCE_BYTES = 12
REMEDY = (
    "set [secrets] key to 32 random bytes in base64, such as the output of: openssl rand -base64 32"
)


class SealBroken(HooklineError):
    """What was sealed cannot be opened: another key or purpose, or it was changed."""

    code = "seal_broken"


class Vault:
    """Seals bytes with AES-256-GCM. What was sealed for one purpose opens for no other.

    Args:
        keys: of 32 bytes each; the first one seals, all of them open, so that a key can be
            replaced. Without any, nothing can be sealed.
    """

    def __init__(self, keys: Sequence[bytes] = ()):
        self._keys = [AESGCM(key) for key in keys]

    @property
    def ready(self) -> bool:
        """Whether there is a key."""
        return bool(self._keys)

    def seal(self, plain: bytes, *, purpose: str) -> bytes:
        """Encrypt. ``purpose`` names what it is and whose, such as ``mcp.credentials/u1/github``.

        Raises:
            ConfigError: there is no key.
        """
        if not self._keys:
            message = f"secrets cannot be kept: there is no key; {REMEDY}"
            raise ConfigError(message)
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt what was sealed for this purpose.

        Raises:
            ConfigError: there is no key.
            SealBroken: none of the keys opens it.
        """
        if not self._keys:
            message = f"secrets cannot be read: there is no key; {REMEDY}"
            raise ConfigError(message)
        for key in self._keys:
            plain = _opened(key, sealed, purpose)
            if plain is not None:
                return plain
        message = "a secret cannot be opened: it was sealed with another key, or was changed"
        raise SealBroken(message)

    def reseal(self, sealed: bytes, *, purpose: str) -> bytes:
        """The same, sealed with the first key; as it is, if it was.

        Raises:
            ConfigError: there is no key.
            SealBroken: none of the keys opens it.
        """
        if self._keys and _opened(self._keys[0], sealed, purpose) is not None:
            return sealed
        return self.seal(self.open(sealed, purpose=purpose), purpose=purpose)


def _opened(key: AESGCM, sealed: bytes, purpose: str) -> bytes | None:
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError):
        return None


def vault_of(keys: Sequence[str]) -> Vault:
    """The vault with these keys, each 32 bytes in base64.

    Raises:
        ConfigError: one of them is something else. The message does not repeat it.
    """
    decoded = []
    for number, text in enumerate(keys):
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            where = "secrets.key" if number == 0 else f"secrets.former_keys[{number - 1}]"
            message = f"{where}: this is no key; {REMEDY}"
            raise ConfigError(message)
        decoded.append(key)
    return Vault(decoded)
