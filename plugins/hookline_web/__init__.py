"""Pages of the web, for agents: the tool ``web_fetch``."""

from hookline import PluginContext, ToolLoader, hookimpl
from hookline.outbound import GuardedClient
from hookline_web.fetch import WebTools
from hookline_web.settings import Settings

__all__ = ["Settings", "tool_loader"]


@hookimpl
def tool_loader(plugin: PluginContext) -> ToolLoader:
    """Offer ``web_fetch``."""
    settings: Settings = plugin.settings
    return WebTools(GuardedClient(settings.targets()), settings)
