"""Sharing: what changes of grants are asked for, and what came of them. Source: seed 6.3, 6.4."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from hookline.administration.actor import Actor, Change, Recorder
from hookline.errors import InvalidRequest, NotFound
from hookline.grants import (
    ACCESS_ROLES,
    OF_AGENTS,
    PUBLIC,
    Applied,
    Bits,
    Grant,
    Grantee,
    Resource,
)
from hookline.store import Store


@attrs.frozen(kw_only=True)
class GrantChange:
    """What shall change on one resource.

    Args:
        updated: for each grantee the id of an access role it shall have, or bits.
        removed: those whose grant shall go; one that is in both lists keeps its new one.
        public: whether everybody shall have a grant; ``None`` leaves that as it is.
        public_role: which access role everybody gets; the viewer's unless given.
        expires_at: when the updated grants end.
    """

    updated: Mapping[Grantee, str | Bits] = attrs.field(factory=dict)
    removed: Sequence[Grantee] = ()
    public: bool | None = None
    public_role: str | None = None
    expires_at: datetime | None = None


@attrs.frozen(kw_only=True)
class GrantOutcome:
    """What a change did. ``errors`` names what could not be done; the rest was."""

    applied: Applied
    grants: Sequence[Grant]
    errors: Sequence[str] = ()


class GrantAdministration:
    """Changes grants.

    Args:
        store: where they are.
        recorder: where changes are written down.
    """

    def __init__(self, store: Store, recorder: Recorder):
        self._store = store
        self._recorder = recorder

    async def grant(
        self,
        actor: Actor,
        resource: Resource,
        grantee: Grantee,
        role: str | Bits,
        *,
        expires_at: datetime | None = None,
    ) -> Grant:
        """Give a grantee a role, or bits, on a resource, in the place of what it had.

        Raises:
            NotFound: there is no such agent, user or group.
            InvalidRequest: the role is unknown or of another kind of resource.
        """
        made = await self._grant(actor, resource, grantee, role, expires_at)
        await self._apply(actor, [made], [])
        return made

    async def revoke(self, actor: Actor, resource: Resource, grantee: Grantee) -> None:
        """Take away what a grantee has on a resource.

        Raises:
            NotFound: it has nothing.
        """
        current = {grant.grantee: grant for grant in await self._store.grants.of_resource(resource)}
        if grantee not in current:
            message = f"{_name(grantee)} has no grant on {resource.kind} {resource.id}"
            raise NotFound(message)
        await self._apply(actor, [], [current[grantee]])

    async def change(self, actor: Actor, resource: Resource, change: GrantChange) -> GrantOutcome:
        """Change several grants on one resource at once; what is wrong is told and left out.

        Raises:
            NotFound: there is no such agent.
        """
        await self._check_resource(resource)
        wanted = dict(change.updated)
        removed = set(change.removed)
        if change.public:
            wanted[PUBLIC] = change.public_role or f"{resource.kind}_viewer"
        elif change.public is not None:
            wanted.pop(PUBLIC, None)
            removed.add(PUBLIC)
        put, errors = list[Grant](), list[str]()
        for grantee, role in wanted.items():
            try:
                put.append(await self._grant(actor, resource, grantee, role, change.expires_at))
            except (InvalidRequest, NotFound) as error:
                errors.append(f"{_name(grantee)}: {error}")
        current = {grant.grantee: grant for grant in await self._store.grants.of_resource(resource)}
        gone = [current[grantee] for grantee in removed - wanted.keys() if grantee in current]
        applied = await self._apply(actor, put, gone)
        grants = await self._store.grants.of_resource(resource)
        return GrantOutcome(applied=applied, grants=grants, errors=errors)

    async def _apply(self, actor: Actor, put: Sequence[Grant], gone: Sequence[Grant]) -> Applied:
        before = {grant.id: await self._store.grants.get(grant.id) for grant in put}
        applied = await self._store.grants.apply(put, [grant.id for grant in gone])
        changes = [
            *(Change("grant", new.id, before[new.id], new, _detail(new)) for new in put),
            *(Change("grant", old.id, old, None, _detail(old)) for old in gone),
        ]
        if changes:
            await self._recorder.record(actor, changes)
        return applied

    async def _grant(
        self,
        actor: Actor,
        resource: Resource,
        grantee: Grantee,
        role: str | Bits,
        expires_at: datetime | None,
    ) -> Grant:
        await self._check_resource(resource)
        await self._check_grantee(grantee)
        return Grant(
            grantee=grantee,
            resource=resource,
            bits=_bits(resource, role),
            role=role if isinstance(role, str) else None,
            granted_by=actor.user,
            granted_at=self._recorder.clock(),
            expires_at=expires_at,
        )

    async def _check_resource(self, resource: Resource) -> None:
        if resource.kind in OF_AGENTS and await self._store.agents.get(resource.id) is None:
            message = f"there is no agent {resource.id}"
            raise NotFound(message)

    async def _check_grantee(self, grantee: Grantee) -> None:
        if (grantee.kind == "public") != (not grantee.id):
            message = "public has no id" if grantee.id else f"a {grantee.kind} needs an id"
            raise InvalidRequest(message, param="id")
        if grantee.kind == "user" and await self._store.users.get(grantee.id) is None:
            message = f"there is no user {grantee.id}"
            raise NotFound(message)
        if grantee.kind == "group" and await self._store.groups.get(grantee.id) is None:
            message = f"there is no group {grantee.id}"
            raise NotFound(message)


def _bits(resource: Resource, role: str | Bits) -> Bits:
    if isinstance(role, Bits):
        if Bits.VIEW <= role <= Bits.ALL:
            return role
        message = f"bits are 1 to 15, and not {int(role)}: view 1, edit 2, delete 4, share 8"
        raise InvalidRequest(message, param="bits")
    known = ACCESS_ROLES.get(role)
    if known is None or known.kind != resource.kind:
        fitting = ", ".join(r.id for r in ACCESS_ROLES.values() if r.kind == resource.kind)
        message = f"{role} is no role on a resource of the kind {resource.kind}; use {fitting}"
        raise InvalidRequest(message, param="role")
    return known.bits


def _name(grantee: Grantee) -> str:
    return f"{grantee.kind} {grantee.id}".strip()


def _detail(grant: Grant) -> str:
    name = f"{grant.resource.kind} {grant.resource.id}"
    return f"{_name(grant.grantee)} on {name}: {grant.role or int(grant.bits)}"
