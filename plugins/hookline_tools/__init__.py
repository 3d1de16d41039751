"""Tools that every server can offer: a calculator, and the time."""

from hookline import PluginContext, StaticTools, ToolLoader, hookimpl
from hookline_tools.calculator import calculator
from hookline_tools.clock import current_time

__all__ = ["tool_loader"]


@hookimpl
def tool_loader(plugin: PluginContext) -> ToolLoader:
    """Offer ``calculator`` and ``current_time``."""
    return StaticTools(calculator, current_time(plugin.clock))
