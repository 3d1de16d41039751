"""Operations of OpenAPI documents as tools."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from hookline import PluginContext, ToolLoader, hookimpl
from hookline_actions.commands import actions
from hookline_actions.loader import ActionTools
from hookline_actions.logins import Logins
from hookline_actions.settings import Settings

__all__ = ["ActionTools", "Settings", "cli_commands", "http_routes", "tool_loader"]


@hookimpl
def tool_loader(plugin: PluginContext) -> ToolLoader:
    """Offer the operations."""
    return ActionTools(plugin)


@hookimpl
def http_routes(plugin: PluginContext) -> Sequence[Any] | None:
    """Offer the pages where users log in, if there is an address to reach them by."""
    settings: Settings = plugin.settings
    if not settings.public_url:
        return None
    from hookline_actions.routes import routes  # Litestar, which commands need not load

    logins = Logins(
        records=plugin.store.records,
        vault=plugin.vault,
        public_url=settings.public_url,
        expiry=timedelta(seconds=settings.login_expiry),
        clock=plugin.clock,
    )
    return routes(logins, plugin.logger)


@hookimpl
def cli_commands() -> click.Command:
    """Offer ``hookline actions``."""
    return actions
