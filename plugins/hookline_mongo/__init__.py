"""The store on MongoDB, for several servers: ``mongodb://host:27017/database``."""

from hookline import PluginContext, StoreKind, hookimpl
from hookline_mongo.stores import MongoStores

__all__ = ["MongoStores", "store"]


@hookimpl
def store(plugin: PluginContext) -> StoreKind:
    """Offer the store."""
    return MongoStores(plugin.clock)
