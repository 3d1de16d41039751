"""The ledger: what runs cost, who pays for them, and what they are limited to."""

from hookline import PluginContext, PriceList, UsageRecorder, hookimpl
from hookline_ledger.prices import PriceBook
from hookline_ledger.recorder import Ledger
from hookline_ledger.settings import Settings

__all__ = ["Settings"]


@hookimpl
def usage_recorder(plugin: PluginContext) -> UsageRecorder:
    """Record what runs cost."""
    return Ledger(plugin.store.ledger, plugin.settings, plugin.clock)


@hookimpl
def price_list(plugin: PluginContext) -> PriceList:
    """Say what models and tools cost."""
    return PriceBook(plugin.settings)
