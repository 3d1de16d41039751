"""Making and revoking API keys."""

import attrs

from hookline.administration.actor import Actor, Change, Recorder
from hookline.errors import NotFound
from hookline.keys import ApiKey
from hookline.store import Store


class KeyAdministration:
    """Changes keys.

    Args:
        store: where they are.
        recorder: where changes are written down.
        limit: how many valid keys a user may have.
    """

    def __init__(self, store: Store, recorder: Recorder, limit: int):
        self._store = store
        self._recorder = recorder
        self._limit = limit

    async def create(self, actor: Actor, key: ApiKey) -> None:
        """Keep a new key of a user that exists.

        Raises:
            NotFound: there is no such user.
            InvalidRequest: there is such a key, or the user has as many as it may.
        """
        if await self._store.users.get(key.user) is None:
            message = f"there is no user {key.user}; create it first"
            raise NotFound(message)
        await self._store.keys.add(key, limit=self._limit)
        await self._recorder.record(actor, [Change("key", key.id, None, key, f"of {key.user}")])

    async def revoke(self, actor: Actor, key: str) -> ApiKey:
        """Make a key invalid for ever; it is kept for the audit.

        Raises:
            NotFound: there is none.
        """
        current = await self._store.keys.get(key)
        if current is None or not await self._store.keys.revoke(key, self._recorder.clock()):
            message = f"there is no key with the id {key}"
            raise NotFound(message)
        revoked = await self._store.keys.get(key) or attrs.evolve(
            current, revoked_at=self._recorder.clock()
        )
        if current.revoked_at is None:
            change = Change("key", key, current, revoked, f"of {current.user}")
            await self._recorder.record(actor, [change], "revoke")
        return revoked
