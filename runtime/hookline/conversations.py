"""Conversations: which runs belong together, by the id that a caller gave them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Conversation:
    """A conversation of its owner. Two users who choose the same id have two conversations.

    ``agent`` is the one that answered last.
    """

    id: str
    owner: str
    agent: str
    created_at: datetime
    updated_at: datetime


class ConversationStore(Protocol):
    """Where conversations are kept. Every method may raise ``StoreUnavailable``."""

    async def keep(self, conversations: Sequence[Conversation]) -> None:
        """Keep new ones; of those that are there, ``agent`` and ``updated_at`` move on.

        ``created_at`` stays, and nothing goes back to an earlier ``updated_at``.
        """

    async def get(self, owner: str, conversation: str) -> Conversation | None:
        """The conversation that its owner calls by this id."""

    async def list(
        self, owner: str, *, after: str = "", limit: int = 1000
    ) -> Sequence[Conversation]:
        """The owner's conversations ordered by id: those with an id above ``after``."""

    async def delete(self, owner: str, conversation: str) -> bool:
        """Forget a conversation; false if there was none."""
