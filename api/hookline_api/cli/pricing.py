"""Pricing without a server, for the commands that need the plugins' price lists."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from pathlib import Path

from hookline.errors import ConfigError
from hookline.registry import Registry
from hookline.repricing import Repriced, reprice
from hookline_api import logs
from hookline_api.cli.setup import load_setup


def repriced(
    path: Path | None, since: datetime, *, keep: bool, told: Callable[[Repriced], None]
) -> Repriced:
    """Price again what was used since a moment.

    Raises:
        HooklineError: the config is wrong, or the store does not answer.
    """
    logs.quiet()
    setup = load_setup(path)
    registry = Registry(setup.config, setup.plugins, setup.source)
    if not registry.price_lists:
        message = f"{setup.source}: no plugin says what anything costs; is the ledger disabled?"
        raise ConfigError(message)

    async def work() -> Repriced:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(registry.store)
            for part in registry.price_lists:
                if isinstance(part.part, AbstractAsyncContextManager):
                    await stack.enter_async_context(part.part)
            price = registry.delivery.price
            return await reprice(store.ledger, price, since, keep=keep, told=told)

    return asyncio.run(work())
