"""A store and event logs that live and die with the process: ``memory://``."""

from hookline import EventLogs, PluginContext, StoreKind, hookimpl
from hookline.log import MemoryLogs
from hookline_memory.store import MemoryStore, MemoryStores

__all__ = ["MemoryStore", "MemoryStores", "event_log", "store"]


@hookimpl
def store(plugin: PluginContext) -> StoreKind:
    """Offer the store."""
    return MemoryStores(plugin.clock)


@hookimpl
def event_log() -> EventLogs:
    """Offer the event logs."""
    return MemoryLogs()
