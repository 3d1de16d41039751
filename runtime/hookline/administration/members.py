"""Changing users and groups, with all that hangs on them."""

from collections.abc import Callable, Sequence

import attrs

from hookline.administration.actor import Actor, Change, Recorder
from hookline.administration.documents import DocumentAdministration
from hookline.administration.tries import persist
from hookline.errors import InvalidRequest, VersionConflict
from hookline.grants import RESOURCE_KINDS, Grantee
from hookline.groups import Group
from hookline.store import Store
from hookline.users import User


class UserAdministration(DocumentAdministration[User]):
    """Changes users."""

    def __init__(self, store: Store, recorder: Recorder):
        super().__init__("user", store.users, recorder)
        self._store = store

    async def ensure(self, actor: Actor, user: User) -> User:
        """The user with this id; if there is none, it is created as given."""
        found = await self.store.get(user.id)
        if found is not None:
            return found
        try:
            return await self.create(actor, user)
        except VersionConflict:
            return await self.find(user.id)

    async def delete(self, actor: Actor, id_: str, *, expected: int | None = None) -> None:
        """Remove a user; its keys are revoked, and its grants and memberships end.

        Raises:
            NotFound: there is none.
            VersionConflict: another version than ``expected`` is there.
        """
        await super().delete(actor, id_, expected=expected)
        changes = await _take_grants(self._store, Grantee("user", id_))
        for group in await self._store.groups.of_member(id_):
            changes += await _change_members(self._store, group, lambda old: old - {id_})
        keys = await self._revoke_keys(id_)
        if changes:
            await self._recorder.record(actor, changes)
        if keys:
            await self._recorder.record(actor, keys, "revoke")

    async def _revoke_keys(self, user: str) -> Sequence[Change]:
        revoked, at, after = list[Change](), self._recorder.clock(), ""
        while page := await self._store.keys.list(user=user, after=after):
            after = page[-1].id
            for key in page:
                if key.revoked_at is None:
                    await self._store.keys.revoke(key.id, at)
                    gone = attrs.evolve(key, revoked_at=at)
                    revoked.append(Change("key", key.id, key, gone, f"of {user}, who was deleted"))
        return revoked


class GroupAdministration(DocumentAdministration[Group]):
    """Changes groups."""

    def __init__(self, store: Store, recorder: Recorder):
        super().__init__("group", store.groups, recorder)
        self._store = store

    async def add_members(self, actor: Actor, group: str, users: Sequence[str]) -> Group:
        """Add users that exist.

        Raises:
            NotFound: there is no such group.
            InvalidRequest: there is no such user.
        """
        return await self.change_members(actor, group, add=users)

    async def remove_members(self, actor: Actor, group: str, users: Sequence[str]) -> Group:
        """Take users out of a group; those who are not in it do not matter.

        Raises:
            NotFound: there is no such group.
        """
        return await self.change_members(actor, group, remove=users)

    async def change_members(
        self, actor: Actor, group: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> Group:
        """Add users that exist, and take others out, in one step.

        Raises:
            NotFound: there is no such group.
            InvalidRequest: there is no such user, or one shall be both in it and not.
        """
        current = await self.find(group)
        both = set(add) & set(remove)
        if both:
            message = f"add and remove both name {min(both)}; name a user in one of them"
            raise InvalidRequest(message, param="add")
        await self._check_users(add, current.members, "add")

        def change(members: frozenset[str]) -> frozenset[str]:
            return (members | set(add)) - set(remove)

        changes = await _change_members(self._store, group, change)
        if changes:
            await self._recorder.record(actor, changes)
        return await self.find(group)

    async def create(self, actor: Actor, document: Group) -> Group:
        """Keep a new group.

        Raises:
            VersionConflict: there is one with this id.
            InvalidRequest: it is too large, or a member does not exist.
        """
        await self._check_users(sorted(document.members), frozenset(), "members")
        return await super().create(actor, document)

    async def replace(self, actor: Actor, document: Group, *, expected: int | None = None) -> Group:
        """Put a group in the place of the one with its id.

        Raises:
            NotFound: there is none.
            VersionConflict: another version than ``expected`` is there.
            InvalidRequest: it is too large, or a new member does not exist.
        """
        current = await self.find(document.id)
        await self._check_users(sorted(document.members), current.members, "members")
        return await super().replace(actor, document, expected=expected)

    async def delete(self, actor: Actor, id_: str, *, expected: int | None = None) -> None:
        """Remove a group, and the grants that it has.

        Raises:
            NotFound: there is none.
            VersionConflict: another version than ``expected`` is there.
        """
        await super().delete(actor, id_, expected=expected)
        changes = await _take_grants(self._store, Grantee("group", id_))
        if changes:
            await self._recorder.record(actor, changes)

    async def _check_users(self, users: Sequence[str], known: frozenset[str], param: str) -> None:
        """Refuse users that do not exist, unless they are members already."""
        for user in users:
            if user not in known and await self._store.users.get(user) is None:
                message = f"{param}: there is no user {user}; create it first"
                raise InvalidRequest(message, param=param)


async def _take_grants(store: Store, grantee: Grantee) -> list[Change]:
    grants = await store.grants.of_grantees([grantee], RESOURCE_KINDS)
    await store.grants.apply([], [grant.id for grant in grants])
    name = f"of the {grantee.kind} {grantee.id}, which was deleted"
    return [Change("grant", grant.id, grant, None, name) for grant in grants]


async def _change_members(
    store: Store, group: str, change: Callable[[frozenset[str]], frozenset[str]]
) -> list[Change]:
    """Change the members of a group, again if somebody else changed it meanwhile."""

    async def attempt() -> list[Change]:
        current = await store.groups.get(group)
        if current is None:
            return []
        changed = attrs.evolve(current, members=change(current.members))
        kept = await store.groups.put(changed, expected=current.version)
        if kept.version == current.version:
            return []
        return [Change("group", group, current, kept, f"version {kept.version}")]

    return await persist(attempt)
