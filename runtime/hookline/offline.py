"""The store of a config without a server, for commands that work on it directly."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct, field

from hookline.config import RuntimeConfig, SecretsConfig, StoreConfig
from hookline.context import PluginContext
from hookline.errors import ConfigError
from hookline.plugins import Plugins
from hookline.registry import store_at
from hookline.settings import decode_table, load
from hookline.store import Store
from hookline.vault import vault_of

DEFAULT = Path("hookline.toml")


class StoreTables(Struct, frozen=True):
    """What of a config says where the store is; the rest of it is passed over."""

    store: StoreConfig = StoreConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    plugins: Mapping[str, dict[str, Any]] = field(default_factory=dict)


class PluginTables(Struct, frozen=True):
    """What of a config a plugin's own commands read; the rest of it is passed over."""

    secrets: SecretsConfig = SecretsConfig()
    plugins: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def config_path(path: Path | None) -> Path | None:
    """The path that was given, or ``./hookline.toml`` if there is such a file."""
    return DEFAULT if path is None and DEFAULT.exists() else path


def store_of(path: Path | None, url: str | None = None) -> Store:
    """The store of the config in this file, in ``./hookline.toml`` or of defaults; not yet open.

    Args:
        path: of the config.
        url: of another store than the config's, which is opened with the config's plugins.

    Raises:
        ConfigError: the config is wrong, or the store would be forgotten with this process.
    """
    found = config_path(path)
    tables, source = load(found, StoreTables), "defaults" if found is None else str(found)
    where = "the store" if url else f"{source}: store.url"
    url = url or tables.store.url
    if url.startswith("memory:"):
        message = f"{where}: {url} is forgotten when a process ends; use another"
        raise ConfigError(message)
    plugins = Plugins(tables.plugins, source)
    plugins.discover(disabled=tables.runtime.disabled_plugins)
    return store_at(url, plugins, where)


@asynccontextmanager
async def opened_store(path: Path | None) -> AsyncIterator[Store]:
    """The store of a config, open.

    Raises:
        ConfigError: the config is wrong, or the store would be forgotten with this process.
        StoreUnavailable: it does not answer.
    """
    async with store_of(path) as store:
        yield store


@asynccontextmanager
async def opened_plugin(
    path: Path | None, name: str, settings: type[Struct]
) -> AsyncIterator[PluginContext]:
    """What a plugin gets on a server with this config, except files; its log goes to stderr.

    Args:
        path: of the config.
        name: of the plugin's entry point.
        settings: the plugin's ``Settings``.

    Raises:
        ConfigError: the config is wrong, or the store would be forgotten with this process.
        StoreUnavailable: it does not answer.
    """
    found = config_path(path)
    tables, source = load(found, PluginTables), "defaults" if found is None else str(found)
    where = f"{source}: plugins.{name}"
    decoded = decode_table(tables.plugins.get(name, {}), settings, where)
    vault = vault_of(tables.secrets.keys)
    logger = structlog.wrap_logger(structlog.PrintLogger(sys.stderr)).bind(plugin=name)
    async with opened_store(path) as store:
        yield PluginContext(name=name, settings=decoded, logger=logger, vault=vault, store=store)
