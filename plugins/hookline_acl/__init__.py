"""API keys and tokens say who a caller is; users, groups, roles and grants, what they may do."""

import click

from hookline import PermissionBackend, PluginContext, hookimpl
from hookline_acl.backend import AccessControl
from hookline_acl.commands import permissions
from hookline_acl.oidc import OidcVerifier
from hookline_acl.settings import Settings

__all__ = ["AccessControl", "Settings", "cli_commands", "permission_backend"]


@hookimpl
def permission_backend(plugin: PluginContext) -> PermissionBackend:
    """Offer the backend."""
    settings: Settings = plugin.settings
    tokens = None if settings.oidc is None else OidcVerifier(settings.oidc, plugin.logger)
    return AccessControl(
        plugin.store, settings, tokens=tokens, logger=plugin.logger, clock=plugin.clock
    )


@hookimpl
def cli_commands() -> click.Command:
    """Offer ``hookline permissions``."""
    return permissions
