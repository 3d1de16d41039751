"""Models behind any OpenAI-compatible API: ``kind = "openai"``."""

from functools import partial

from hookline import PluginContext, ProviderKind, hookimpl
from hookline_openai.provider import OpenAIProvider
from hookline_openai.settings import OpenAISettings

__all__ = ["OpenAIProvider", "OpenAISettings", "model_provider"]


@hookimpl
def model_provider(plugin: PluginContext) -> ProviderKind:
    """Offer the kind ``openai``."""
    return ProviderKind("openai", OpenAISettings, partial(OpenAIProvider, logger=plugin.logger))
