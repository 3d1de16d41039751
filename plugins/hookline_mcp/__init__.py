"""Tools of MCP servers: child processes, and servers on the network, for all or for each user."""

import importlib.util

import click

from hookline import PluginContext, ToolLoader, hookimpl
from hookline_mcp.commands import mcp
from hookline_mcp.loader import McpTools
from hookline_mcp.parts import reach_of
from hookline_mcp.settings import Settings

__all__ = ["Settings", "cli_commands", "tool_loader"]

if importlib.util.find_spec("mcp") is None:
    message = "No module named 'mcp'"
    raise ModuleNotFoundError(message, name="mcp")


@hookimpl
def tool_loader(plugin: PluginContext) -> ToolLoader:
    """Offer the tools of the servers."""
    reach = reach_of(plugin.settings, plugin.store, plugin.vault, plugin.logger)
    return McpTools(reach, plugin.logger)


@hookimpl
def cli_commands() -> click.Command:
    """Offer ``hookline mcp``."""
    return mcp
