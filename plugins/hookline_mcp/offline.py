"""What commands work on: the store, the vault and the settings of a config, without a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from hookline.offline import opened_plugin
from hookline_mcp.loader import Reach
from hookline_mcp.parts import reach_of
from hookline_mcp.settings import Settings


@attrs.frozen
class Office:
    """What a command works with."""

    settings: Settings
    reach: Reach


@asynccontextmanager
async def opened_office(path: Path | None) -> AsyncIterator[Office]:
    """The store of a config, open, and what this plugin keeps in it.

    Raises:
        ConfigError: the config is wrong, or the store would be forgotten with this process.
        StoreUnavailable: it does not answer.
    """
    async with opened_plugin(path, "mcp", Settings) as plugin:
        reach = reach_of(plugin.settings, plugin.store, plugin.vault, plugin.logger)
        async with reach.pool:
            yield Office(plugin.settings, reach)
