"""The two ways in which something that a model names is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from hookline import Principal, ToolResult
from hookline.outbound import GuardedClient, Limits, Lookup, Targets, system_lookup
from hookline.scope import CallScope
from hookline_web.fetch import WebTools
from hookline_web.settings import Settings

SCOPE = CallScope(run="run_1", agent="helper", principal=Principal(user="alice"), deadline=0.0)
PATIENCE = 20.0

Ask = Callable[..., Awaitable[str]]
"""Asks for a URL, given what is allowed and how names are looked up; gives the text back."""


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine, which must not take for ever."""

    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await work

    return asyncio.run(bounded())


async def by_client(
    url: str, allow_private: Sequence[str] = (), lookup: Lookup = system_lookup
) -> str:
    """By the client that plugins use."""
    async with GuardedClient(Targets(allow_private=allow_private), lookup=lookup) as client:
        fetched = await client.request("GET", url, limits=Limits(redirects=5))
        return fetched.text()


async def by_tool(
    url: str, allow_private: Sequence[str] = (), lookup: Lookup = system_lookup
) -> str:
    """By the tool that agents use."""
    settings = Settings(allow_private=list(allow_private))
    result = await fetched(settings, {"url": url}, lookup)
    return result.text


async def fetched(
    settings: Settings, arguments: Mapping[str, Any], lookup: Lookup = system_lookup
) -> ToolResult:
    """What ``web_fetch`` gives back."""
    async with WebTools(GuardedClient(settings.targets(), lookup=lookup), settings) as tools:
        tool = (await tools.load(["web_fetch"], SCOPE))["web_fetch"]
        result = await tool.call(arguments, SCOPE)
    return ToolResult(result) if isinstance(result, str) else result


WAYS: Mapping[str, Ask] = {"client": by_client, "web_fetch": by_tool}
