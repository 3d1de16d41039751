"""What a plugin is given when its hooks are called."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
from structlog.typing import FilteringBoundLogger

from hookline.errors import PluginError
from hookline.moments import now
from hookline.store import Store


@attrs.frozen(kw_only=True)
class PluginContext:
    """What a plugin gets to make its parts from.

    Args:
        name: of the entry point, and of the table ``[plugins.<name>]``.
        settings: that table, decoded as the plugin's ``Settings``; ``None`` if it declares none.
        logger: a structlog logger bound to the plugin's name.
        clock: this moment, in UTC.
    """

    name: str
    settings: Any = None
    logger: FilteringBoundLogger = attrs.field(repr=False)
    clock: Callable[[], datetime] = now
    _store: Store | None = attrs.field(default=None, alias="store", repr=False)

    @property
    def store(self) -> Store:
        """The server's store. Not there yet for ``store``, ``event_log`` and ``cli_commands``."""
        if self._store is None:
            message = f"plugin {self.name} asked for the store before it was opened"
            raise PluginError(message)
        return self._store
