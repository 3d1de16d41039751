"""``/admin/v1/keys``: API keys, which are made and revoked, and never changed."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import Body, FromPath, QueryParameter
from msgspec import Meta, Struct

from hookline.errors import NotFound
from hookline.keys import ApiKey, new_key
from hookline_api.admin.actors import actor_of, administration_of
from hookline_api.admin.etags import LOCATION
from hookline_api.admin.expiry import ExpiresAt, until
from hookline_api.admin.ids import DEFAULT_LIMIT, After, AgentId, Id, Limit
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer
from hookline_api.described import errors

Of = Annotated[
    str | None,
    QueryParameter(name="user", required=False, max_length=256, description="Only this user's"),
]


class NewKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key to be.

    Without ``agents`` it may call all that its user may. One that is ``read_only`` calls nothing
    and changes nothing.
    """

    user: Id
    name: Annotated[str, Meta(max_length=100)] = ""
    agents: Annotated[list[AgentId], Meta(max_length=10_000)] | None = None
    read_only: bool = False
    expires_at: ExpiresAt | None = None


class KeyDocument(Struct, frozen=True, kw_only=True):
    """What is known of a key. ``shown`` is how it begins."""

    id: str
    object: Literal["key"] = "key"
    user: str
    name: str
    shown: str
    agents: list[str] | None
    read_only: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(KeyDocument, frozen=True, kw_only=True):
    """A key with its text, which nobody gets to see again."""

    key: str


class KeyPage(Page, frozen=True, kw_only=True):
    """Keys."""

    data: list[KeyDocument]


class Keys(Controller):
    """API keys."""

    path = "/keys"
    guards = [may_administer]
    tags = ["admin: keys"]

    @get("/", operation_id="listKeys", summary="List keys", responses=errors())
    async def list_(
        self,
        request: Request[Any, Any, Any],
        user: Of = None,
        after: After = "",
        limit: Limit = DEFAULT_LIMIT,
    ) -> KeyPage:
        """Keys, newest first; those that are revoked or have expired, too."""
        keys = administration_of(request).store.keys
        found = await keys.list(user=user, after=after, limit=limit + 1)
        return page_of(KeyPage, found, limit, document)

    @post(
        "/",
        operation_id="createKey",
        summary="Make a key",
        responses=errors(404, 413),
        response_headers=[LOCATION],
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: Annotated[NewKey, Body(description="The key")],
    ) -> Response[CreatedKey]:
        """Make a key for a user. Its text is in this answer, and nowhere else ever."""
        key, text = new_key(
            data.user,
            name=data.name,
            agents=None if data.agents is None else frozenset(data.agents),
            read_only=data.read_only,
            expires_at=until(data.expires_at),
        )
        await administration_of(request).keys.create(actor_of(request), key)
        headers = {"location": f"/admin/v1/keys/{key.id}", "cache-control": "no-store"}
        return Response(CreatedKey(**_fields(key), key=text), status_code=201, headers=headers)

    @get("/{key:str}", operation_id="retrieveKey", summary="Get a key", responses=errors(404))
    async def retrieve(self, request: Request[Any, Any, Any], key: FromPath[str]) -> KeyDocument:
        """What is known of a key."""
        found = await administration_of(request).store.keys.get(key)
        if found is None:
            message = f"there is no key with the id {key}"
            raise NotFound(message)
        return document(found)

    @delete(
        "/{key:str}",
        status_code=200,
        operation_id="revokeKey",
        summary="Revoke a key",
        responses=errors(404),
    )
    async def revoke(self, request: Request[Any, Any, Any], key: FromPath[str]) -> KeyDocument:
        """Make a key invalid for ever. It stays in the list, for the audit."""
        return document(await administration_of(request).keys.revoke(actor_of(request), key))


def document(key: ApiKey) -> KeyDocument:
    """What goes over the wire of a key: not its digest."""
    return KeyDocument(**_fields(key))


def _fields(key: ApiKey) -> dict[str, Any]:
    names = set(KeyDocument.__struct_fields__) - {"object", "agents"}
    agents = None if key.agents is None else sorted(key.agents)
    return {**{name: getattr(key, name) for name in names}, "agents": agents}
