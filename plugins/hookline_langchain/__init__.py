"""Any chat model that LangChain knows: ``kind = "langchain"``."""

import importlib.util
from typing import Any

from hookline import ModelProvider, PluginContext, ProviderKind, hookimpl
from hookline_langchain.settings import LangChainSettings

__all__ = ["LangChainSettings", "model_provider"]

if importlib.util.find_spec("langchain") is None:
    message = "No module named 'langchain'"
    raise ModuleNotFoundError(message, name="langchain")


@hookimpl
def model_provider(plugin: PluginContext) -> ProviderKind:
    """Offer the kind ``langchain``."""
    return ProviderKind("langchain", LangChainSettings, _open)


def _open(name: str, settings: Any) -> ModelProvider:
    from hookline_langchain.provider import LangChainProvider  # seconds, and often never needed

    return LangChainProvider(name, settings)
