"""The loader of ``file_search``."""

from typing import Self

from hookline import PluginContext, StaticTools
from hookline_file_search.library import Library
from hookline_file_search.search import FileSearch


class FileSearchTools(StaticTools):
    """Offers the tool to agents that name it; its threads end with the server."""

    def __init__(self, plugin: PluginContext):
        self._library = Library(lambda: plugin.files, plugin.settings)
        super().__init__(FileSearch(self._library, plugin.settings))

    async def __aenter__(self) -> Self:
        """Nothing to begin: threads begin with their work."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Begin no more work."""
        self._library.close()
