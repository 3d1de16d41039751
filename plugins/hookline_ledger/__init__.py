"""The ledger: what runs cost, who pays for them, and what they are limited to."""

from hookline import PluginContext, UsageRecorder, hookimpl
from hookline_ledger.recorder import Ledger
from hookline_ledger.settings import AccountSettings


class Settings(AccountSettings, frozen=True, forbid_unknown_fields=True):
    """``[plugins.ledger]``."""


@hookimpl
def usage_recorder(plugin: PluginContext) -> UsageRecorder:
    """Record what runs cost."""
    return Ledger(plugin.store.ledger, plugin.settings, plugin.clock)
