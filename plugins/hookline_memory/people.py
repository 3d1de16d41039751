"""Groups and API keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from hookline.errors import InvalidRequest
from hookline.groups import Group
from hookline.keys import ApiKey
from hookline.moments import in_utc, utc
from hookline_memory.documents import Clock, Kept, MemoryDocuments


class MemoryGroups(MemoryDocuments[Group]):
    """Groups."""

    def __init__(self, clock: Clock):
        super().__init__(Group, "group", clock)

    async def of_member(self, user: str) -> Sequence[str]:
        """The ids of the groups that a user belongs to, in order."""
        return sorted(group.id for group in self.kept.values() if user in group.members)


class MemoryKeys:
    """API keys in a dictionary."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.kept = Kept[str, ApiKey]()

    async def add(self, key: ApiKey, /, *, limit: int | None = None) -> None:
        """Keep a new key."""
        given = in_utc(key)
        if any(key.id == kept.id or key.digest == kept.digest for kept in self.kept.values()):
            message = "this key exists already; choose another one"
            raise InvalidRequest(message, param="key", reason="duplicate_key")
        at = self._clock()
        has = sum(other.user == key.user and other.valid(at) for other in self.kept.values())
        if limit is not None and has >= limit:
            message = f"{key.user} has {has} valid keys, as many as a user may; revoke one of them"
            raise InvalidRequest(message, param="user", reason="key_limit_reached")
        self.kept[key.id] = given

    async def get(self, key: str, /) -> ApiKey | None:
        """The key with this id, valid or not."""
        return self.kept.get(key)

    async def find(self, digest: str, /) -> ApiKey | None:
        """The key with this SHA-256, valid or not."""
        return next((key for key in self.kept.values() if key.digest == digest), None)

    async def list(
        self, *, user: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[ApiKey]:
        """Keys, all or a user's, newest first; those that come after the one with this id."""
        keys = [key for key in self.kept.values() if user is None or key.user == user]
        keys.sort(key=_age, reverse=True)
        if after:
            last = self.kept.get(after)
            keys = [key for key in keys if last is not None and _age(key) < _age(last)]
        return keys[:limit]

    async def invalid(self, keys: Collection[str], at: datetime) -> frozenset[str]:
        """Those of these ids that are revoked or expired at this moment."""
        known = (self.kept[id_] for id_ in keys if id_ in self.kept)
        return frozenset(key.id for key in known if not key.valid(at))

    async def revoke(self, key: str, at: datetime) -> bool:
        """Make the key with this id invalid; false if there is none."""
        kept, moment = self.kept.get(key), utc(at)
        if kept is None:
            return False
        self.kept[key] = attrs.evolve(kept, revoked_at=kept.revoked_at or moment)
        return True

    async def touch(self, used: Mapping[str, datetime]) -> None:
        """Write down when keys, by id, were last used."""
        moments = {id_: utc(at) for id_, at in used.items()}
        for id_, at in moments.items():
            key = self.kept.get(id_)
            if key is not None and (key.last_used_at is None or key.last_used_at < at):
                self.kept[id_] = attrs.evolve(key, last_used_at=at)


def _age(key: ApiKey) -> tuple[datetime, str]:
    return key.created_at, key.id
