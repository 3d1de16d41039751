"""The embedded store, one file on this machine: ``sqlite:///./relative.db``."""

from hookline import PluginContext, StoreKind, hookimpl
from hookline_sqlite.store import SqliteStore, SqliteStores

__all__ = ["SqliteStore", "SqliteStores", "store"]


@hookimpl
def store(plugin: PluginContext) -> StoreKind:
    """Offer the store."""
    return SqliteStores(plugin.clock)
