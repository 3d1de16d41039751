"""``/admin/v1/groups``: users to whom grants can be given together."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

from hookline.groups import Group
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

MEMBERS = 10_000
Members = Annotated[list[Id], Meta(max_length=MEMBERS)]


class GroupSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a group that somebody decides on. ``source`` says who keeps the list of members."""

    name: Annotated[str, Meta(max_length=1_000)] = ""
    description: Annotated[str, Meta(max_length=10_000)] = ""
    source: Annotated[str, Meta(max_length=256)] = "local"
    members: Members = []


class NewGroup(GroupSpec, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group to be."""

    id: Id


class GroupDocument(GroupSpec, frozen=True, kw_only=True):
    """A group as it is kept."""

    id: str
    object: Literal["group"] = "group"
    version: int
    members: list[str]
    created_at: datetime
    updated_at: datetime


class MemberChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who shall be in a group, and who shall not."""

    add: Members = []
    remove: Members = []


class GroupPage(Page, frozen=True, kw_only=True):
    """Groups."""

    data: list[GroupDocument]


class Groups(Controller):
    """Groups."""

    path = "/groups"
    guards = [may_administer]
    tags = ["admin: groups"]

    @get("/", operation_id="listGroups", summary="List groups", responses=errors())
    async def list_(
        self, request: Request[Any, Any, Any], after: After = "", limit: Limit = DEFAULT_LIMIT
    ) -> GroupPage:
        """All groups, ordered by id."""
        found = await administration_of(request).store.groups.list(after=after, limit=limit + 1)
        return page_of(GroupPage, found, limit, document)

    @post(
        "/",
        operation_id="createGroup",
        summary="Create a group",
        responses=errors(409, 413),
        response_headers=[ETAG],
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: Annotated[NewGroup, Body(description="The group")],
    ) -> Response[GroupDocument]:
        """Keep a new group."""
        id_ = reachable(data.id)
        with creating("group", id_):
            made = await administration_of(request).groups.create(
                actor_of(request), group_of(id_, data)
            )
        return etags.answer(document(made), made.version, created=f"/admin/v1/groups/{id_}")

    @get(
        "/{group:path}",
        operation_id="retrieveGroup",
        summary="Get a group",
        responses=errors(404) | NOT_MODIFIED,
        response_headers=[ETAG],
    )
    async def retrieve(
        self,
        request: Request[Any, Any, Any],
        group: FromPath[str],
        if_none_match: IfNoneMatch = None,
    ) -> Response[GroupDocument]:
        """A group, with its members."""
        found = await administration_of(request).groups.find(from_path(group))
        return etags.answer(document(found), found.version, if_none_match=if_none_match)

    @put(
        "/{group:path}",
        operation_id="replaceGroup",
        summary="Change a group",
        responses=errors(404, 409, 413, 428),
        response_headers=[ETAG],
    )
    async def replace(
        self,
        request: Request[Any, Any, Any],
        group: FromPath[str],
        data: Annotated[GroupSpec, Body(description="The group, as a whole")],
        if_match: IfMatch = None,
    ) -> Response[GroupDocument]:
        """Put it in the place of the one that is there."""
        expected = etags.required(if_match)
        kept = await administration_of(request).groups.replace(
            actor_of(request), group_of(from_path(group), data), expected=expected
        )
        return etags.answer(document(kept), kept.version)

    @delete(
        "/{group:path}",
        operation_id="deleteGroup",
        summary="Delete a group",
        responses=errors(404, 409),
    )
    async def delete(
        self, request: Request[Any, Any, Any], group: FromPath[str], if_match: IfMatch = None
    ) -> None:
        """Remove a group, and the grants that it has."""
        expected = etags.expected(if_match)
        await administration_of(request).groups.delete(
            actor_of(request), from_path(group), expected=expected
        )


class GroupMembers(Controller):
    """Members of groups, changed without knowing the others."""

    path = "/group-members"
    guards = [may_administer]
    tags = ["admin: groups"]

    @post(
        "/{group:path}",
        status_code=200,
        operation_id="changeGroupMembers",
        summary="Add members to a group, and remove some",
        responses=errors(404, 409, 413),
        response_headers=[ETAG],
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        group: FromPath[str],
        data: Annotated[MemberChange, Body(description="The changes")],
    ) -> Response[GroupDocument]:
        """Change some members. Nobody's change gets lost, however many there are at once."""
        kept = await administration_of(request).groups.change_members(
            actor_of(request), from_path(group), add=data.add, remove=data.remove
        )
        return etags.answer(document(kept), kept.version)


def group_of(id_: str, spec: GroupSpec) -> Group:
    """The group that a request describes."""
    return Group(
        id=id_,
        name=spec.name,
        description=spec.description,
        source=spec.source,
        members=spec.members,
    )


def document(group: Group) -> GroupDocument:
    """A group as it goes over the wire, its members in order."""
    return GroupDocument(
        id=group.id,
        version=group.version,
        name=group.name,
        description=group.description,
        source=group.source,
        members=sorted(group.members),
        created_at=group.created_at,
        updated_at=group.updated_at,
    )
