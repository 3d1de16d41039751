"""The application: one place that wires the objects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, ScalarRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from hookline.errors import HooklineError
from hookline.runtime import Runtime
from hookline_api import admin
from hookline_api.bodies import StrictRequest
from hookline_api.chat import create_chat_completion
from hookline_api.config import Config
from hookline_api.errors import on_exception, on_hookline_error, on_http_error
from hookline_api.files import (
    create_file,
    delete_file,
    get_content,
    get_file,
    head_content,
    list_files,
)
from hookline_api.health import health, ready
from hookline_api.metrics import metrics
from hookline_api.models import get_model, list_models
from hookline_api.requests import RequestLog
from hookline_api.runs import approve_run, get_run
from hookline_api.usage import get_balance, get_usage

PATHS = ("/v1", "/api/agents/v1")
"""Where the API is mounted: OpenAI's path, and the seed's (0.1)."""


def create_app(runtime: Runtime, config: Config) -> ASGIApp:
    """The ASGI application. Its lifespan starts and stops the runtime."""
    return RequestLog(create_litestar(runtime, config), access_log=config.server.access_log)


def create_litestar(runtime: Runtime, config: Config) -> Litestar:
    """The application without its outermost layer, the log of requests."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with runtime:
            yield

    handlers = [
        create_chat_completion,
        list_models,
        get_model,
        create_file,
        list_files,
        get_file,
        delete_file,
        get_content,
        head_content,
        get_run,
        approve_run,
        get_usage,
        get_balance,
    ]
    routers = [
        Router(path, route_handlers=handlers, include_in_schema=path == PATHS[0]) for path in PATHS
    ]
    origins = config.server.cors_origins
    return Litestar(
        [*routers, admin.router(), health, ready, metrics, *runtime.registry.http_routes],
        state=State({"runtime": runtime, "config": config}),
        lifespan=[lifespan],
        request_class=StrictRequest,
        request_max_body_size=config.server.body_limit,
        exception_handlers={
            HooklineError: on_hookline_error,
            HTTPException: on_http_error,
            Exception: on_exception,
        },
        openapi_config=_openapi(),
        cors_config=CORSConfig(allow_origins=origins) if origins else None,
        logging_config=None,
        debug=False,
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Hookline",
        version=version("hookline"),
        description="Agents as OpenAI-compatible models.",
        path="/docs",
        components=Components(
            security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
        ),
        security=[{"key": []}],
        render_plugins=[ScalarRenderPlugin(path="/"), JsonRenderPlugin(), YamlRenderPlugin()],
    )
