"""The tool ``file_search``: passages of attached files, by their words."""

from hookline import PluginContext, ToolLoader, hookimpl
from hookline_file_search.loader import FileSearchTools
from hookline_file_search.settings import Settings

__all__ = ["Settings", "tool_loader"]


@hookimpl
def tool_loader(plugin: PluginContext) -> ToolLoader:
    """Offer ``file_search``."""
    return FileSearchTools(plugin)
