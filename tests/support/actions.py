"""Actions without a server of ours: the loader of a config, and calls of its tools."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import structlog

from hookline import Agent, PluginContext, Principal, ToolResult
from hookline.scope import CallScope
from hookline.store import Store
from hookline.vault import Vault
from hookline_actions import ActionTools, Settings
from hookline_memory.store import MemoryStore

ResultT = TypeVar("ResultT")
SECONDS = 30
KEY = bytes(range(32))
SECRET_KEY = base64.b64encode(KEY).decode()
LOOPBACK = {"allow_private": ["127.0.0.1"]}


def run(work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """The result of a coroutine function, which may take 30 seconds."""

    async def bounded() -> ResultT:
        async with asyncio.timeout(SECONDS):
            return await work()

    return asyncio.run(bounded())


def context(settings: Mapping[str, Any], store: Store, vault: Vault | None = None) -> PluginContext:
    """What the plugin would be given for these settings."""
    return PluginContext(
        name="actions",
        settings=msgspec.convert(settings, Settings),
        logger=structlog.get_logger("hookline.plugins.actions"),
        vault=vault or Vault([KEY]),
        store=store,
    )


@asynccontextmanager
async def opened(
    documents: Mapping[str, Any] | None = None, *, store: Store | None = None, **settings: Any
) -> AsyncIterator[ActionTools]:
    """The loader for these documents. Loopback may be asked unless the settings say otherwise."""
    store = store or MemoryStore()
    given = {**LOOPBACK, "documents": documents or {}, **settings}
    async with ActionTools(context(given, store)) as loader:
        yield loader


def agent(*tools: str, **fields: Any) -> Agent:
    """An agent with these tools."""
    return Agent(id="helper", provider="local", model="m", tools=tools, **fields)


def scope(user: str = "alice", effect: str = "effect_1") -> CallScope:
    """The scope of some call."""
    return CallScope(
        run="run_1",
        agent="helper",
        principal=Principal(user=user),
        deadline=float("inf"),
        call="call_1",
        effect=effect,
    )


async def names(loader: ActionTools, document: str) -> dict[str, str]:
    """The full names of a document's tools by what stands before ``_action_``."""
    specs = await loader.definitions(agent(f"sys__all__sys_action_{document}"), scope().principal)
    return {spec.name.rpartition("_action_")[0]: spec.name for spec in specs}


async def call(
    loader: ActionTools, document: str, operation: str, /, *, user: str = "alice", **arguments: Any
) -> ToolResult:
    """Call an operation of a document."""
    name = (await names(loader, document))[operation]
    tool = (await loader.load([name], scope(user)))[name]
    result = await tool.call(arguments, scope(user))
    assert isinstance(result, ToolResult)
    return result
