"""Tokens: what somebody else, whom the operator trusts, says of a caller."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Claims(Protocol):
    """What a good token says of its user."""

    @property
    def user(self) -> str:
        """The user's id."""

    @property
    def role(self) -> str | None:
        """The role, if the token names one that counts."""

    @property
    def groups(self) -> frozenset[str]:
        """The ids of groups that the user is in, besides those of the store."""


class TokenVerifier(AbstractAsyncContextManager[Any], Protocol):
    """Knows whether a token is good. It is entered before it is asked."""

    async def verify(self, token: str) -> Claims | None:
        """What the token says; ``None`` if it is no token, or not a good one."""
