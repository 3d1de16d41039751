"""``/admin/v1/users``: whom keys belong to and grants name."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import Body, FromPath
from msgspec import Meta, Struct

from hookline.users import USER, User
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


class UserSpec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a user that somebody decides on. One who is ``disabled`` is let in nowhere."""

    name: Annotated[str, Meta(max_length=1_000)] = ""
    email: Annotated[str, Meta(max_length=1_000)] = ""
    role: Id = USER
    disabled: bool = False


class NewUser(UserSpec, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A user to be."""

    id: Id


class UserDocument(UserSpec, frozen=True, kw_only=True):
    """A user as it is kept."""

    id: str
    object: Literal["user"] = "user"
    version: int
    created_at: datetime
    updated_at: datetime


class UserPage(Page, frozen=True, kw_only=True):
    """Users."""

    data: list[UserDocument]


class Users(Controller):
    """Users."""

    path = "/users"
    guards = [may_administer]
    tags = ["admin: users"]

    @get("/", operation_id="listUsers", summary="List users", responses=errors())
    async def list_(
        self, request: Request[Any, Any, Any], after: After = "", limit: Limit = DEFAULT_LIMIT
    ) -> UserPage:
        """All users, ordered by id."""
        found = await administration_of(request).store.users.list(after=after, limit=limit + 1)
        return page_of(UserPage, found, limit, document)

    @post(
        "/",
        operation_id="createUser",
        summary="Create a user",
        responses=errors(409, 413),
        response_headers=[ETAG],
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: Annotated[NewUser, Body(description="The user")],
    ) -> Response[UserDocument]:
        """Keep a new user."""
        id_ = reachable(data.id)
        with creating("user", id_):
            made = await administration_of(request).users.create(
                actor_of(request), user_of(id_, data)
            )
        return etags.answer(document(made), made.version, created=f"/admin/v1/users/{id_}")

    @get(
        "/{user:path}",
        operation_id="retrieveUser",
        summary="Get a user",
        responses=errors(404) | NOT_MODIFIED,
        response_headers=[ETAG],
    )
    async def retrieve(
        self,
        request: Request[Any, Any, Any],
        user: FromPath[str],
        if_none_match: IfNoneMatch = None,
    ) -> Response[UserDocument]:
        """A user."""
        found = await administration_of(request).users.find(from_path(user))
        return etags.answer(document(found), found.version, if_none_match=if_none_match)

    @put(
        "/{user:path}",
        operation_id="replaceUser",
        summary="Change a user",
        responses=errors(404, 409, 413, 428),
        response_headers=[ETAG],
    )
    async def replace(
        self,
        request: Request[Any, Any, Any],
        user: FromPath[str],
        data: Annotated[UserSpec, Body(description="The user, as a whole")],
        if_match: IfMatch = None,
    ) -> Response[UserDocument]:
        """Put it in the place of the one that is there."""
        expected = etags.required(if_match)
        kept = await administration_of(request).users.replace(
            actor_of(request), user_of(from_path(user), data), expected=expected
        )
        return etags.answer(document(kept), kept.version)

    @delete(
        "/{user:path}",
        operation_id="deleteUser",
        summary="Delete a user",
        responses=errors(404, 409),
    )
    async def delete(
        self, request: Request[Any, Any, Any], user: FromPath[str], if_match: IfMatch = None
    ) -> None:
        """Remove a user; its keys are revoked, its grants and memberships end."""
        expected = etags.expected(if_match)
        await administration_of(request).users.delete(
            actor_of(request), from_path(user), expected=expected
        )


def user_of(id_: str, spec: UserSpec) -> User:
    """The user that a request describes."""
    return User(id=id_, name=spec.name, email=spec.email, role=spec.role, disabled=spec.disabled)


def document(user: User) -> UserDocument:
    """A user as it goes over the wire."""
    return UserDocument(
        id=user.id,
        version=user.version,
        name=user.name,
        email=user.email,
        role=user.role,
        disabled=user.disabled,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )
