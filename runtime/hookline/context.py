"""What a plugin is given when its hooks are called."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
from structlog.typing import FilteringBoundLogger

from hookline.errors import PluginError
from hookline.filing import Files
from hookline.moments import now
from hookline.store import Store
from hookline.vault import Vault


@attrs.frozen(kw_only=True)
class PluginContext:
    """What a plugin gets to make its parts from.

    Args:
        name: of the entry point, and of the table ``[plugins.<name>]``.
        settings: that table, decoded as the plugin's ``Settings``; ``None`` if it declares none.
        logger: a structlog logger bound to the plugin's name.
        clock: this moment, in UTC.
        vault: seals secrets before they are kept.
    """

    name: str
    settings: Any = None
    logger: FilteringBoundLogger = attrs.field(repr=False)
    clock: Callable[[], datetime] = now
    vault: Vault = attrs.field(factory=Vault, repr=False)
    _files: Files | None = attrs.field(default=None, alias="files", repr=False)
    _store: Store | None = attrs.field(default=None, alias="store", repr=False)

    @property
    def store(self) -> Store:
        """The server's store. Not there yet for ``store``, ``event_log`` and ``cli_commands``."""
        if self._store is None:
            message = f"plugin {self.name} asked for the store before it was opened"
            raise PluginError(message)
        return self._store

    @property
    def files(self) -> Files:
        """The files of the server. There as soon as the store is."""
        if self._files is None:
            message = f"plugin {self.name} asked for files before the store was opened"
            raise PluginError(message)
        return self._files
