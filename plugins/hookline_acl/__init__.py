"""API keys decide who a caller is, and which agents it may use."""

from typing import Annotated

import msgspec

from hookline import PermissionBackend, PluginContext, hookimpl
from hookline_acl.backend import KeyPermissions
from hookline_acl.cache import KeyCache
from hookline_acl.usage import LastUse

__all__ = ["KeyPermissions", "Settings", "permission_backend"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.acl]``. Times in seconds.

    Args:
        cache_seconds: how long a key's look-up is remembered; 0 asks the store every time. Another
            process's revocation takes effect after at most this time.
        cache_entries: how many keys are remembered at most.
        touch_interval: how often the last use of keys is written down.
    """

    cache_seconds: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    cache_entries: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    touch_interval: Annotated[float, msgspec.Meta(gt=0)] = 30.0


@hookimpl
def permission_backend(plugin: PluginContext) -> PermissionBackend:
    """Offer the backend."""
    settings: Settings = plugin.settings
    return KeyPermissions(
        plugin.store.keys,
        cache=KeyCache(settings.cache_seconds, settings.cache_entries),
        last_use=LastUse(plugin.store.keys, settings.touch_interval, plugin.logger),
        clock=plugin.clock,
    )
