"""``/admin/v1/agents``: agents as they are."""

import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, post, put
from litestar.params import Body, FromPath, QueryParameter
from msgspec import structs

from hookline.access import check_feature
from hookline.agents import Agent
from hookline.specs import AgentSpec, agent_of, spec_of
from hookline_api.admin import etags
from hookline_api.admin.actors import actor_of, administration_of
from hookline_api.admin.etags import ETAG, NOT_MODIFIED, IfMatch, IfNoneMatch
from hookline_api.admin.ids import (
    DEFAULT_LIMIT,
    After,
    AgentId,
    Limit,
    creating,
    from_path,
    reachable,
)
from hookline_api.admin.pages import Page, page_of
from hookline_api.auth import may_administer, principal_of
from hookline_api.described import errors

VERSIONS = 999_999_999
"""No version is above this; ``id@version`` and ETags have as many digits."""

Wanted = Annotated[
    int | None,
    QueryParameter(
        name="version",
        required=False,
        ge=1,
        le=VERSIONS,
        description="The version, unless it is the current one",
    ),
]


class NewAgent(AgentSpec, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An agent to be. Without an ``id`` it gets one."""

    id: AgentId | None = None


class AgentDocument(AgentSpec, frozen=True, kw_only=True):
    """An agent as it is kept. ``managed_by`` is set if it cannot be changed here."""

    id: str
    object: Literal["agent"] = "agent"
    version: int
    author: str | None
    updated_by: str | None
    managed_by: str | None
    created_at: datetime
    updated_at: datetime


class AgentPage(Page, frozen=True, kw_only=True):
    """Agents."""

    data: list[AgentDocument]


class Agents(Controller):
    """Agents."""

    path = "/agents"
    guards = [may_administer]
    tags = ["admin: agents"]

    @get("/", operation_id="listAgents", summary="List agents", responses=errors())
    async def list_(
        self, request: Request[Any, Any, Any], after: After = "", limit: Limit = DEFAULT_LIMIT
    ) -> AgentPage:
        """All agents, ordered by id."""
        found = await administration_of(request).store.agents.list(after=after, limit=limit + 1)
        return page_of(AgentPage, found, limit, document)

    @post(
        "/",
        operation_id="createAgent",
        summary="Create an agent",
        responses=errors(409, 413),
        response_headers=[ETAG],
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: Annotated[NewAgent, Body(description="The agent")],
    ) -> Response[AgentDocument]:
        """Keep a new agent. Its author gets all permissions on it."""
        check_feature(principal_of(request), "remote_agents.create")
        id_ = reachable(data.id or "agent_" + secrets.token_urlsafe(16)[:21])
        with creating("agent", id_):
            made = await administration_of(request).agents.create(
                actor_of(request), agent_of(id_, data)
            )
        return etags.answer(document(made), made.version, created=f"/admin/v1/agents/{id_}")

    @get(
        "/{agent:path}",
        operation_id="retrieveAgent",
        summary="Get an agent, or a version of it",
        responses=errors(404) | NOT_MODIFIED,
        response_headers=[ETAG],
    )
    async def retrieve(
        self,
        request: Request[Any, Any, Any],
        agent: FromPath[str],
        version: Wanted = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response[AgentDocument]:
        """An agent as it is, or as it was in a version."""
        id_, administration = from_path(agent), administration_of(request)
        found = await administration.agents.find(id_)
        if version is not None and version != found.version:
            found = await administration.agents.find_version(id_, version)
        return etags.answer(document(found), found.version, if_none_match=if_none_match)

    @put(
        "/{agent:path}",
        operation_id="replaceAgent",
        summary="Change an agent",
        responses=errors(404, 409, 413, 428),
        response_headers=[ETAG],
    )
    async def replace(
        self,
        request: Request[Any, Any, Any],
        agent: FromPath[str],
        data: Annotated[AgentSpec, Body(description="The agent, as a whole")],
        if_match: IfMatch = None,
    ) -> Response[AgentDocument]:
        """Make a new version; if nothing changed, the one that is there stays."""
        expected = etags.required(if_match)
        kept = await administration_of(request).agents.replace(
            actor_of(request), agent_of(from_path(agent), data), expected=expected
        )
        return etags.answer(document(kept), kept.version)

    @delete(
        "/{agent:path}",
        operation_id="deleteAgent",
        summary="Delete an agent",
        responses=errors(404, 409),
    )
    async def delete(
        self, request: Request[Any, Any, Any], agent: FromPath[str], if_match: IfMatch = None
    ) -> None:
        """Remove an agent, the grants on it, and the edges of other agents to it."""
        expected = etags.expected(if_match)
        await administration_of(request).agents.delete(
            actor_of(request), from_path(agent), expected=expected
        )


def document(agent: Agent) -> AgentDocument:
    """An agent as it goes over the wire."""
    return AgentDocument(
        **structs.asdict(spec_of(agent)),
        id=agent.id,
        version=agent.version,
        author=agent.author,
        updated_by=agent.updated_by,
        managed_by=agent.managed_by,
        created_at=agent.created_at,
        updated_at=agent.updated_at,
    )
