"""Keys in the store of a config, without a server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hookline.errors import ConfigError
from hookline.keys import ApiKey
from hookline.moments import now
from hookline.registry import open_store
from hookline.store import Store
from hookline_api import logs
from hookline_api.cli.failures import Failure
from hookline_api.cli.output import moment
from hookline_api.cli.setup import Setup, load_setup

COLUMNS = ("ID", "USER", "NAME", "KEY", "STATE", "AGENTS", "CREATED", "EXPIRES", "LAST USED")


def add(path: Path | None, key: ApiKey) -> Sequence[str]:
    """Keep a new key; those of its agents that nobody knows yet.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """

    async def work() -> Sequence[str]:
        setup = _setup(path)
        async with _opened(setup) as store:
            await store.keys.add(key)
            wanted = sorted((key.agents or frozenset()) - setup.config.agents.keys())
            return [agent for agent in wanted if await store.agents.get(agent) is None]

    return asyncio.run(work())


def found(path: Path | None, user: str | None) -> Sequence[ApiKey]:
    """All keys, or those of a user; newest first.

    Raises:
        HooklineError: the config is wrong or the store does not answer.
    """

    async def work() -> Sequence[ApiKey]:
        async with _opened(_setup(path)) as store:
            return await store.keys.list(user=user)

    return asyncio.run(work())


def end(path: Path | None, key: str) -> None:
    """Make a key invalid.

    Raises:
        Failure: there is no such key.
        HooklineError: the config is wrong or the store does not answer.
    """

    async def work() -> bool:
        async with _opened(_setup(path)) as store:
            return await store.keys.revoke(key, now())

    if not asyncio.run(work()):
        message = f"there is no key with the id {key}; hookline keys list shows the ids"
        raise Failure(message)


def state(key: ApiKey) -> str:
    """Whether the key is ``valid``, ``expired`` or ``revoked``."""
    if key.revoked_at is not None:
        return "revoked"
    return "valid" if key.valid(now()) else "expired"


def summary(key: ApiKey) -> dict[str, Any]:
    """A key as JSON, without its hash."""
    return {
        "id": key.id,
        "user": key.user,
        "name": key.name,
        "shown": key.shown,
        "state": state(key),
        "agents": None if key.agents is None else sorted(key.agents),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def row(key: ApiKey) -> Sequence[str]:
    """A key in a table with ``COLUMNS``."""
    agents = "all" if key.agents is None else ", ".join(sorted(key.agents))
    times = map(moment, (key.created_at, key.expires_at, key.last_used_at))
    return (key.id, key.user, key.name, f"{key.shown}…", state(key), agents, *times)


def _setup(path: Path | None) -> Setup:
    logs.quiet()
    return load_setup(path)


@asynccontextmanager
async def _opened(setup: Setup) -> AsyncIterator[Store]:
    url = setup.config.store.url
    if url.startswith("memory:"):
        message = f"{setup.source}: store.url: {url} is forgotten when a process ends; use another"
        raise ConfigError(message)
    async with open_store(setup.config, setup.plugins, setup.source) as store:
        yield store
