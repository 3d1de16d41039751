"""What becomes of artifacts: images and files are stored, citations chosen, results handed on."""

from hookline import ArtifactProcessor, PluginContext, hookimpl
from hookline.outbound import GuardedClient
from hookline_artifacts.contents import Contents
from hookline_artifacts.processor import Processor
from hookline_artifacts.settings import Settings

__all__ = ["Settings", "artifact_processor"]


@hookimpl
def artifact_processor(plugin: PluginContext) -> ArtifactProcessor:
    """Make attachments of images, audio, files, citations, search results and UI resources."""
    settings: Settings = plugin.settings
    contents = Contents(GuardedClient(settings.targets()), settings)
    return Processor(plugin.files, contents, settings)
