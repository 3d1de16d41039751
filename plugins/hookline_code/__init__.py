"""Code that agents write, run in a sandbox: off unless an operator turns it on."""

from hookline import PluginContext, ToolLoader, hookimpl
from hookline_code.loader import CodeOff, CodeOn
from hookline_code.settings import Settings

__all__ = ["Settings", "tool_loader"]


@hookimpl
def tool_loader(plugin: PluginContext) -> ToolLoader:
    """Offer ``execute_code``, if it is enabled."""
    settings: Settings = plugin.settings
    return CodeOn(plugin, settings) if settings.enabled else CodeOff()
