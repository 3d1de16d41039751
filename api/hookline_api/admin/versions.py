"""``/admin/v1/agent-versions``: what agents were like, and going back to it."""

from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.params import Body, FromPath, QueryParameter
from msgspec import Meta, Struct

from hookline_api.admin import etags
from hookline_api.admin.actors import actor_of, administration_of
from hookline_api.admin.agents import VERSIONS, AgentDocument, document
from hookline_api.admin.etags import ETAG, IfMatch
from hookline_api.admin.ids import DEFAULT_LIMIT, Limit, from_path
from hookline_api.auth import may_administer
from hookline_api.described import errors

Before = Annotated[
    int | None,
    QueryParameter(
        name="before",
        required=False,
        ge=1,
        le=VERSIONS,
        description="Begin below this version: `last_version`",
    ),
]


class VersionPage(Struct, frozen=True, kw_only=True):
    """Part of the versions of an agent. The next part is asked for with ``last_version``."""

    object: Literal["list"] = "list"
    has_more: bool
    last_version: int | None
    data: list[AgentDocument]


class Reversion(Struct, frozen=True, forbid_unknown_fields=True):
    """Which version an agent shall be like again."""

    revert_to: Annotated[int, Meta(ge=1, le=VERSIONS)]


class AgentVersions(Controller):
    """Versions of agents. Their paths begin differently because an agent's id may hold slashes."""

    path = "/agent-versions"
    guards = [may_administer]
    tags = ["admin: agents"]

    @get(
        "/{agent:path}",
        operation_id="listAgentVersions",
        summary="List the versions of an agent",
        responses=errors(404),
    )
    async def list_(
        self,
        request: Request[Any, Any, Any],
        agent: FromPath[str],
        before: Before = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> VersionPage:
        """All versions of an agent, newest first."""
        id_, administration = from_path(agent), administration_of(request)
        await administration.agents.find(id_)
        found = await administration.store.agents.versions(id_, before=before, limit=limit + 1)
        data = [document(agent) for agent in found[:limit]]
        return VersionPage(
            has_more=len(found) > limit, last_version=data[-1].version if data else None, data=data
        )

    @post(
        "/{agent:path}",
        status_code=200,
        operation_id="revertAgent",
        summary="Go back to a version of an agent",
        responses=errors(404, 409, 413),
        response_headers=[ETAG],
    )
    async def revert(
        self,
        request: Request[Any, Any, Any],
        agent: FromPath[str],
        data: Annotated[Reversion, Body(description="The version to go back to")],
        if_match: IfMatch = None,
    ) -> Response[AgentDocument]:
        """Make a new version that is like an earlier one."""
        expected = etags.expected(if_match)
        kept = await administration_of(request).agents.revert(
            actor_of(request), from_path(agent), data.revert_to, expected=expected
        )
        return etags.answer(document(kept), kept.version)
