"""One ``hookline_openai`` provider before a mock upstream, asked once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import attrs
import msgspec

from hookline import ModelRequest
from hookline.errors import ProviderError
from hookline.providers import ModelDelta
from hookline.wire import UserMessage
from hookline_openai import OpenAIProvider, OpenAISettings
from support.upstream import Answer, Upstream

ResultT = TypeVar("ResultT")
KEY = "sk-very-secret-0123456789"
REQUEST = ModelRequest(model="small", messages=[UserMessage("hi")])
QUICK = {"retry_wait_initial": 0.0, "retry_wait_max": 0.0}


def settings(upstream: Upstream | None = None, **fields: Any) -> OpenAISettings:
    """Settings for an upstream, decoded as from a config; no waiting between retries."""
    base = {} if upstream is None else {"base_url": upstream.url}
    return msgspec.convert({"api_key": KEY, **QUICK, **base, **fields}, OpenAISettings)


def run(work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """The result of a coroutine function, which may take 20 seconds."""

    async def bounded() -> ResultT:
        async with asyncio.timeout(20):
            return await work()

    return asyncio.run(bounded())


@attrs.frozen
class Outcome:
    """What a provider gave, how it failed if it did, and the upstream that it asked."""

    deltas: Sequence[ModelDelta]
    error: ProviderError | None
    upstream: Upstream


async def collect(
    provider: OpenAIProvider, request: ModelRequest = REQUEST
) -> tuple[list[ModelDelta], ProviderError | None]:
    """All deltas of one call, and the error that ended it."""
    deltas: list[ModelDelta] = []
    try:
        async with aclosing(provider.stream(request)) as stream:
            async for delta in stream:
                deltas.append(delta)
    except ProviderError as error:
        return deltas, error
    return deltas, None


def ask(*answers: Answer, request: ModelRequest = REQUEST, **fields: Any) -> Outcome:
    """Ask an upstream that gives these answers, once, with these settings."""

    async def work() -> Outcome:
        async with (
            Upstream(answers) as upstream,
            OpenAIProvider("local", settings(upstream, **fields)) as provider,
        ):
            deltas, error = await collect(provider, request)
            return Outcome(deltas, error, upstream)

    return run(work)
