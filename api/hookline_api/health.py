"""``GET /health`` and ``GET /ready``: is the process alive, and can it serve?"""

import asyncio
from typing import Any

from litestar import Request, Response, get

from hookline.errors import StoreUnavailable
from hookline.plugins import describe
from hookline_api.described import documented

PING_SECONDS = 5.0


@get("/health", operation_id="health", summary="Whether the process is alive", tags=["health"])
async def health() -> dict[str, str]:
    """Say that the process is alive; asks nothing of store or plugins."""
    return {"status": "ok"}


@get(
    "/ready",
    operation_id="ready",
    summary="Whether requests can be served",
    tags=["health"],
    responses={503: documented(dict[str, Any], "They cannot; `problems` says why")},
)
async def ready(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """200 if requests can be served, else 503; says which plugins were set aside, and why."""
    runtime = request.app.state.runtime
    problems = []
    if runtime.closing:
        problems.append("the server is shutting down")
    try:
        async with asyncio.timeout(PING_SECONDS):
            await runtime.registry.store.ping()
    except (StoreUnavailable, TimeoutError) as error:
        problems.append(f"the store does not answer: {error}")
    plugins = [describe(plugin) for plugin in runtime.registry.plugins]
    body = {
        "status": "unavailable" if problems else "ready",
        "problems": problems,
        "quarantined": [plugin for plugin in plugins if plugin["state"] == "quarantined"],
        "plugins": [plugin["name"] for plugin in plugins if plugin["state"] == "loaded"],
    }
    return Response(body, status_code=503 if problems else 200)
