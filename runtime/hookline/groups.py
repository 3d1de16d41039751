"""Groups of users, to whom grants can be given together."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from hookline.documents import DocumentStore
from hookline.moments import now


def _users(users: Iterable[str]) -> frozenset[str]:
    return frozenset(users)


@attrs.frozen(kw_only=True)
class Group:
    """Some users. ``source`` says who keeps the list: ``local``, or a directory's name."""

    id: str
    version: int = 1
    name: str = ""
    description: str = ""
    source: str = "local"
    members: frozenset[str] = attrs.field(default=frozenset(), converter=_users)
    created_at: datetime = attrs.field(factory=now)
    updated_at: datetime = attrs.field(factory=now)


class GroupStore(DocumentStore[Group], Protocol):
    """Where groups are kept."""

    async def of_member(self, user: str) -> Sequence[str]:
        """The ids of the groups that a user belongs to, in order."""
