"""Redaction: what a server, or an error, says may repeat a secret that it was sent."""

from collections.abc import Iterable

HIDDEN = "[hidden]"
SHORTEST = 4
"""Characters of a secret that is looked for: cutting out shorter ones would leave no text."""


class Redaction:
    """Cuts secrets out of texts.

    Args:
        secrets: the values; parts of headers, such as the token behind ``Bearer``, count too.
        shortest: characters of a secret that is looked for.
        shown: what stands in its place.
    """

    def __init__(self, secrets: Iterable[str], *, shortest: int = SHORTEST, shown: str = HIDDEN):
        words = {word for secret in secrets for word in (secret, *secret.split())}
        self._secrets = sorted((w for w in words if len(w) >= shortest), key=len, reverse=True)
        self._shown = shown

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, self._shown)
        return text
