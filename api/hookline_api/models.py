"""``GET /v1/models``: the agents that the caller may call."""

from typing import Any, cast

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from hookline.errors import AccessDenied, AgentNotFound
from hookline.wire import Model, ModelList
from hookline_api import dialects
from hookline_api.auth import may_use, principal_of
from hookline_api.described import errors
from hookline_api.dialects import Dialect
from hookline_api.errors import failure_of

encode = msgspec.json.Encoder().encode


@get(
    "/models",
    guards=[may_use],
    operation_id="listModels",
    summary="List agents as models",
    tags=["models"],
    responses=errors(),
)
async def list_models(request: Request[Any, Any, Any]) -> ModelList:
    """All agents that the caller may call, ordered by id."""
    runtime = request.app.state.runtime
    agents = await runtime.access.list_agents(principal_of(request))
    dialect = _dialect(request)
    return ModelList(data=[dialect.model(agent) for agent in agents])


@get(
    "/models/{model:path}",
    guards=[may_use],
    operation_id="retrieveModel",
    summary="Get one agent as a model",
    tags=["models"],
    responses=errors(404),
)
async def get_model(request: Request[Any, Any, Any], model: FromPath[str]) -> Response[Model]:
    """One agent, or one version of it, if the caller may call it."""
    wanted = model.lstrip("/")
    try:
        agent = await request.app.state.runtime.access.find_agent(principal_of(request), wanted)
    except (AgentNotFound, AccessDenied) as error:
        return cast("Response[Any]", failure_of(error, what="model").response())
    return Response(msgspec.structs.replace(_dialect(request).model(agent), id=wanted))


def _dialect(request: Request[Any, Any, Any]) -> Dialect:
    name = request.headers.get(dialects.HEADER) or request.app.state.config.api.dialect
    return dialects.named(name)
