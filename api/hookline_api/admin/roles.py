"""``/admin/v1/roles``: which features of the server users may use."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

from hookline.roles import Feature, Role
from hookline_api.admin import etags
from hookline_api.admin.actors import actor_of, administration_of
from hookline_api.admin.etags import ETAG, NOT_MODIFIED, IfMatch, IfNoneMatch
from hookline_api.admin.ids import (
    DEFAULT_LIMIT,
    After,
    Id,
    Limit,
    creating,
    from_path,
    reachable,
)
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer
from hookline_api.described import errors


class RoleSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a role that somebody decides on."""

    description: Annotated[str, Meta(max_length=10_000)] = ""
    features: Annotated[list[Feature], Meta(max_length=100)] = []


class NewRole(RoleSpec, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role to be."""

    id: Id


class RoleDocument(RoleSpec, frozen=True, kw_only=True):
    """A role as it is kept. ``managed_by`` is set if it cannot be changed here."""

    id: str
    object: Literal["role"] = "role"
    version: int
    managed_by: str | None
    created_at: datetime
    updated_at: datetime


class RolePage(Page, frozen=True, kw_only=True):
    """Roles."""

    data: list[RoleDocument]


class Roles(Controller):
    """Roles."""

    path = "/roles"
    guards = [may_administer]
    tags = ["admin: roles"]

    @get("/", operation_id="listRoles", summary="List roles", responses=errors())
    async def list_(
        self, request: Request[Any, Any, Any], after: After = "", limit: Limit = DEFAULT_LIMIT
    ) -> RolePage:
        """All roles, ordered by id."""
        found = await administration_of(request).store.roles.list(after=after, limit=limit + 1)
        return page_of(RolePage, found, limit, document)

    @post(
        "/",
        operation_id="createRole",
        summary="Create a role",
        responses=errors(409, 413),
        response_headers=[ETAG],
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: Annotated[NewRole, Body(description="The role")],
    ) -> Response[RoleDocument]:
        """Keep a new role."""
        id_ = reachable(data.id)
        with creating("role", id_):
            made = await administration_of(request).roles.create(
                actor_of(request), role_of(id_, data)
            )
        return etags.answer(document(made), made.version, created=f"/admin/v1/roles/{id_}")

    @get(
        "/{role:path}",
        operation_id="retrieveRole",
        summary="Get a role",
        responses=errors(404) | NOT_MODIFIED,
        response_headers=[ETAG],
    )
    async def retrieve(
        self,
        request: Request[Any, Any, Any],
        role: FromPath[str],
        if_none_match: IfNoneMatch = None,
    ) -> Response[RoleDocument]:
        """A role."""
        found = await administration_of(request).roles.find(from_path(role))
        return etags.answer(document(found), found.version, if_none_match=if_none_match)

    @put(
        "/{role:path}",
        operation_id="replaceRole",
        summary="Change a role",
        responses=errors(404, 409, 413, 428),
        response_headers=[ETAG],
    )
    async def replace(
        self,
        request: Request[Any, Any, Any],
        role: FromPath[str],
        data: Annotated[RoleSpec, Body(description="The role, as a whole")],
        if_match: IfMatch = None,
    ) -> Response[RoleDocument]:
        """Put it in the place of the one that is there."""
        expected = etags.required(if_match)
        kept = await administration_of(request).roles.replace(
            actor_of(request), role_of(from_path(role), data), expected=expected
        )
        return etags.answer(document(kept), kept.version)

    @delete(
        "/{role:path}",
        operation_id="deleteRole",
        summary="Delete a role",
        responses=errors(404, 409),
    )
    async def delete(
        self, request: Request[Any, Any, Any], role: FromPath[str], if_match: IfMatch = None
    ) -> None:
        """Remove a role; what it allowed, its users may not do any more."""
        expected = etags.expected(if_match)
        await administration_of(request).roles.delete(
            actor_of(request), from_path(role), expected=expected
        )


def role_of(id_: str, spec: RoleSpec) -> Role:
    """The role that a request describes."""
    return Role(id=id_, description=spec.description, features=spec.features)


def document(role: Role) -> RoleDocument:
    """A role as it goes over the wire, its features in order."""
    return RoleDocument(
        id=role.id,
        version=role.version,
        description=role.description,
        features=sorted(role.features),
        managed_by=role.managed_by,
        created_at=role.created_at,
        updated_at=role.updated_at,
    )
