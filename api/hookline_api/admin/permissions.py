"""``/admin/v1/permissions``: who may do what with one resource. Source: seed 6.4."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from litestar import Controller, Request, get, put
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

from hookline.access import check_feature
from hookline.administration import GrantChange
from hookline.errors import InvalidRequest
from hookline.grants import OF_AGENTS, PUBLIC, Bits, Grant, Grantee, GranteeKind, Resource
from hookline.grants import ResourceKind as Kind
from hookline_api.admin.actors import actor_of, administration_of
from hookline_api.admin.expiry import ExpiresAt, until
from hookline_api.admin.grants import Bitset, GrantDocument, ResourceDocument, document
from hookline_api.admin.ids import from_path
from hookline_api.auth import may_administer, principal_of
from hookline_api.described import errors

AccessRoleId = Annotated[str, Meta(max_length=256, examples=["remoteAgent_viewer"])]
GranteeId = Annotated[str, Meta(max_length=256)]


class NewGrant(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a grantee shall have: an access role, or bits."""

    kind: GranteeKind
    id: GranteeId = ""
    access_role: AccessRoleId | None = None
    bits: Bitset | None = None


class Removal(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who shall have nothing."""

    kind: GranteeKind
    id: GranteeId = ""


class PermissionChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What shall change on a resource; grantees that are not named keep what they have.

    ``public`` gives everybody who is let in an access role, or takes it away; without it, that
    stays as it is. ``expires_at`` is when the grants of this request end.
    """

    updated: Annotated[list[NewGrant], Meta(max_length=10_000)] = []
    removed: Annotated[list[Removal], Meta(max_length=10_000)] = []
    public: bool | None = None
    public_access_role: AccessRoleId | None = None
    expires_at: ExpiresAt | None = None


class Permissions(Struct, frozen=True, kw_only=True):
    """The grants on a resource. ``public``: whether everybody who is let in has one."""

    object: Literal["permissions"] = "permissions"
    resource: ResourceDocument
    public: bool
    grants: list[GrantDocument]


class ChangedPermissions(Permissions, frozen=True, kw_only=True):
    """The grants on a resource after a change. What ``errors`` names was left out of it."""

    granted: int
    updated: int
    revoked: int
    errors: list[str]


class ResourcePermissions(Controller):
    """Grants on one resource."""

    path = "/permissions"
    guards = [may_administer]
    tags = ["admin: grants"]

    @get(
        "/{kind:str}/{resource:path}",
        operation_id="retrievePermissions",
        summary="List the grants on a resource",
        responses=errors(404),
    )
    async def retrieve(
        self, request: Request[Any, Any, Any], kind: FromPath[Kind], resource: FromPath[str]
    ) -> Permissions:
        """All grants on one resource."""
        wanted, administration = Resource(kind, from_path(resource)), administration_of(request)
        if kind in OF_AGENTS:
            await administration.agents.find(wanted.id)
        grants = await administration.store.grants.of_resource(wanted)
        return Permissions(**_state(wanted, grants))

    @put(
        "/{kind:str}/{resource:path}",
        operation_id="changePermissions",
        summary="Change grants on a resource",
        responses=errors(404, 413),
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        kind: FromPath[Kind],
        resource: FromPath[str],
        data: Annotated[PermissionChange, Body(description="The changes")],
    ) -> ChangedPermissions:
        """Change several grants at once; what is wrong is told in ``errors``, the rest is done."""
        principal, wanted = principal_of(request), Resource(kind, from_path(resource))
        check_feature(principal, "remote_agents.share")
        change = change_of(data)
        if change.public or PUBLIC in change.updated:
            check_feature(principal, "remote_agents.share_public")
        done = await administration_of(request).grants.change(actor_of(request), wanted, change)
        return ChangedPermissions(
            **_state(wanted, done.grants),
            granted=done.applied.granted,
            updated=done.applied.updated,
            revoked=done.applied.revoked,
            errors=list(done.errors),
        )


def change_of(body: PermissionChange) -> GrantChange:
    """The change that a request describes.

    Raises:
        InvalidRequest: it contradicts itself.
    """
    if body.public_access_role is not None and not body.public:
        message = "public_access_role is for public: true; send both, or neither"
        raise InvalidRequest(message, param="public_access_role")
    return GrantChange(
        updated=_updated(body.updated),
        removed=[Grantee(removal.kind, removal.id) for removal in body.removed],
        public=body.public,
        public_role=body.public_access_role,
        expires_at=until(body.expires_at),
    )


def _updated(grants: Sequence[NewGrant]) -> Mapping[Grantee, str | Bits]:
    updated: dict[Grantee, str | Bits] = {}
    for number, grant in enumerate(grants):
        param, grantee = f"updated[{number}]", Grantee(grant.kind, grant.id)
        if grantee in updated:
            message = f"{param}: {grant.kind} {grant.id} is there twice; send it once"
            raise InvalidRequest(message, param=param)
        match grant:
            case NewGrant(access_role=str() as role, bits=None):
                updated[grantee] = role
            case NewGrant(access_role=None, bits=int() as bits):
                updated[grantee] = Bits(bits)
            case _:
                message = f"{param}: send either access_role or bits"
                raise InvalidRequest(message, param=param)
    return updated


def _state(resource: Resource, grants: Sequence[Grant]) -> dict[str, Any]:
    return {
        "resource": ResourceDocument(kind=resource.kind, id=resource.id),
        "public": any(grant.grantee == PUBLIC for grant in grants),
        "grants": [document(grant) for grant in grants],
    }
