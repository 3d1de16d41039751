"""``/admin/v1/grants``: who may do what, all over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, get
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from hookline.grants import PUBLIC, RESOURCE_KINDS, Grant, Grantee, GranteeKind, ResourceKind
from hookline_api.admin.actors import administration_of
from hookline_api.admin.ids import DEFAULT_LIMIT, After, Limit
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer
from hookline_api.described import errors

Bitset = Annotated[int, Meta(ge=1, le=15, description="View 1, edit 2, delete 4, share 8; added")]


class GranteeDocument(Struct, frozen=True, kw_only=True):
    """To whom something is granted; ``public``, everybody who is let in, has no id."""

    kind: GranteeKind
    id: str


class ResourceDocument(Struct, frozen=True, kw_only=True):
    """What something is granted on."""

    kind: ResourceKind
    id: str


class GrantDocument(Struct, frozen=True, kw_only=True):
    """A grant. ``access_role`` is the name of its bits, if it was given by one."""

    id: str
    object: Literal["grant"] = "grant"
    grantee: GranteeDocument
    resource: ResourceDocument
    bits: Annotated[int, Meta(ge=0, le=15)]
    access_role: str | None
    inherited_from: str | None
    granted_by: str
    granted_at: datetime
    expires_at: datetime | None


class GrantPage(Page, frozen=True, kw_only=True):
    """Grants."""

    data: list[GrantDocument]


def _named(kind: str) -> Any:
    about = f"Those of this {kind}"
    return QueryParameter(
        name=kind, required=False, min_length=1, max_length=256, description=about
    )


async def grantees_of(
    *,
    user: Annotated[str | None, _named("user")] = None,
    group: Annotated[str | None, _named("group")] = None,
    role: Annotated[str | None, _named("role")] = None,
    public: Annotated[
        bool, QueryParameter(name="public", required=False, description="Those of everybody")
    ] = False,
) -> Sequence[Grantee]:
    """Whose grants a request asks for."""
    named = [
        Grantee("user", user or ""),
        Grantee("group", group or ""),
        Grantee("role", role or ""),
    ]
    grantees = [grantee for grantee in named if grantee.id]
    return [*grantees, PUBLIC] if public else grantees


class Grants(Controller):
    """Grants on all resources."""

    path = "/grants"
    guards = [may_administer]
    tags = ["admin: grants"]

    @get(
        "/",
        operation_id="listGrants",
        summary="List grants",
        responses=errors(),
        dependencies={"grantees": Provide(grantees_of)},
    )
    async def list_(
        self,
        request: Request[Any, Any, Any],
        grantees: NamedDependency[Sequence[Grantee]],
        after: After = "",
        limit: Limit = DEFAULT_LIMIT,
    ) -> GrantPage:
        """All grants, or those that any of the named has of its own, ordered by id."""
        grants = administration_of(request).store.grants
        if not grantees:
            found = await grants.list(after=after, limit=limit + 1)
            return page_of(GrantPage, found, limit, document)
        theirs = await grants.of_grantees(grantees, RESOURCE_KINDS)
        return page_of(GrantPage, _following(theirs, after, limit), limit, document)


def document(grant: Grant) -> GrantDocument:
    """A grant as it goes over the wire."""
    return GrantDocument(
        id=grant.id,
        grantee=GranteeDocument(kind=grant.grantee.kind, id=grant.grantee.id),
        resource=ResourceDocument(kind=grant.resource.kind, id=grant.resource.id),
        bits=int(grant.bits),
        access_role=grant.role,
        inherited_from=grant.inherited_from,
        granted_by=grant.granted_by,
        granted_at=grant.granted_at,
        expires_at=grant.expires_at,
    )


def _following(grants: Sequence[Grant], after: str, limit: int) -> Sequence[Grant]:
    return [grant for grant in grants if grant.id > after][: limit + 1]
