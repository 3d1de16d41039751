"""A model that follows a script: no network, no chance, the same answer every time."""

from hookline import ProviderKind, hookimpl
from hookline_scripted.provider import ScriptedModel
from hookline_scripted.settings import ProviderSettings

__all__ = ["ScriptedModel", "model_provider"]


@hookimpl
def model_provider() -> ProviderKind:
    """Offer ``kind = "scripted"``."""
    return ProviderKind("scripted", ProviderSettings, lambda name, settings: ScriptedModel())
