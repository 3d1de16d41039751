"""Parts: how the pieces of this plugin are put together."""

from structlog.typing import FilteringBoundLogger

from hookline import Store
from hookline.vault import Vault
from hookline_mcp.credentials import Credentials
from hookline_mcp.directory import Directory
from hookline_mcp.loader import Reach
from hookline_mcp.pool import Line, Pool
from hookline_mcp.servers import Server
from hookline_mcp.settings import Settings


def reach_of(settings: Settings, store: Store, vault: Vault, logger: FilteringBoundLogger) -> Reach:
    """All that is needed to reach servers."""
    targets = settings.targets()

    def connect(server: Server) -> Line:
        from hookline_mcp.connection import Connection, Terms  # half a second, and often not needed

        terms = Terms(logger, targets, settings.message_limit, settings.max_tools)
        return Connection(server, terms)

    return Reach(
        Directory(settings, store.records), Credentials(store.records, vault), Pool(connect)
    )
