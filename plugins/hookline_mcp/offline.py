"""What commands work on: the store, the vault and the settings of a config, without a server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import structlog
from msgspec import Struct, field

from hookline.config import SecretsConfig
from hookline.offline import config_path, opened_store
from hookline.settings import decode_table, load
from hookline.vault import vault_of
from hookline_mcp.loader import Reach
from hookline_mcp.parts import reach_of
from hookline_mcp.settings import Settings

PLUGIN = "mcp"


class Tables(Struct, frozen=True):
    """What of a config the commands read; the rest of it is passed over."""

    secrets: SecretsConfig = SecretsConfig()
    plugins: Mapping[str, dict[str, Any]] = field(default_factory=dict)


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
    found = config_path(path)
    tables, source = load(found, Tables), "defaults" if found is None else str(found)
    where = f"{source}: plugins.{PLUGIN}"
    settings = decode_table(tables.plugins.get(PLUGIN, {}), Settings, where)
    logger = structlog.get_logger(f"hookline.plugins.{PLUGIN}")
    async with opened_store(path) as store:
        reach = reach_of(settings, store, vault_of(tables.secrets.keys), logger)
        async with reach.pool:
            yield Office(settings, reach)
