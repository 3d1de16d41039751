"""The catalogue: all documents, those of the config and those of the store, as tools."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Self

from hookline import PluginContext
from hookline.background import end
from hookline.errors import ConfigError, HooklineError, StoreUnavailable
from hookline.records import Record
from hookline_actions.assembly import Loaded, assemble
from hookline_actions.kit import Kit
from hookline_actions.settings import DocumentSettings, Settings
from hookline_actions.sources import SourceUnavailable, is_url, text_of
from hookline_actions.stored import all_of, opened
from hookline_actions.tool import ActionTool


class Catalogue:
    """Documents, ready to be used. An async context manager: from entering on it stays up to date.

    A document of the config that is wrong stops the server, as any setting does. One that cannot
    be fetched lacks until it can; one of the store that is wrong lacks until it is changed.
    """

    def __init__(self, plugin: PluginContext):
        self._settings: Settings = plugin.settings
        self._plugin = plugin
        self._logger = plugin.logger
        self._stack = AsyncExitStack()
        self._kit = Kit(
            settings=plugin.settings,
            records=plugin.store.records,
            vault=plugin.vault,
            clock=plugin.clock,
            logger=plugin.logger,
            stack=self._stack,
        )
        self._configured: dict[str, Loaded] = {}
        self._stored: dict[str, tuple[Record, Loaded | None]] = {}
        self._said: dict[str, str] = {}
        self._tools: Mapping[str, ActionTool] = {}

    @property
    def tools(self) -> Mapping[str, ActionTool]:
        """All tools by name."""
        return self._tools

    def document(self, name: str) -> Loaded | None:
        """The document of this name; the config's comes before the store's."""
        if name in self._settings.documents:
            return self._configured.get(name)
        return self._stored.get(name, (None, None))[1]

    async def __aenter__(self) -> Self:
        """Load all documents.

        Raises:
            ConfigError: one of the config is wrong.
        """
        try:
            await self._load_configured()
            self._check_names()
            await self._refresh()
        except BaseException:
            await self._stack.aclose()
            raise
        task = asyncio.create_task(self._keep_up(), name="actions.catalogue")
        self._stack.push_async_callback(end, task)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def _load_configured(self) -> None:
        documents = self._settings.documents
        async with asyncio.TaskGroup() as group:
            tasks = {n: group.create_task(self._try(n, one)) for n, one in documents.items()}
        for name, task in tasks.items():
            match task.result():
                case Loaded() as loaded:
                    self._configured[name] = loaded
                    self._say(name, loaded.problems)
                case SourceUnavailable() as error:
                    self._say(name, [str(error)])
                case error:
                    message = f"plugins.actions.documents.{name}: {error}"
                    raise ConfigError(message)

    async def _try(self, name: str, settings: DocumentSettings) -> Loaded | HooklineError:
        try:
            text = await text_of(settings, self._settings)
            source = settings.document if is_url(settings.document) else ""
            return await assemble(name, text, settings, self._kit, source=source)
        except HooklineError as error:
            return error

    def _check_names(self) -> None:
        """Raise ``ConfigError`` if two documents of the config have a tool of one name."""
        taken: dict[str, str] = {}
        for name, loaded in self._configured.items():
            for tool in loaded.tools:
                if tool in taken:
                    message = (
                        f"plugins.actions.documents: {taken[tool]} and {name} both have {tool}; "
                        "give one of them a prefix"
                    )
                    raise ConfigError(message)
                taken[tool] = name

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh)
            try:
                await self._retry()
                await self._refresh()
            except StoreUnavailable as error:
                self._logger.warning("actions.refresh_failed", error=str(error))
            except Exception:  # the tools that are there stay
                self._logger.exception("actions.refresh_failed")

    async def _retry(self) -> None:
        """Try those of the config again that could not be fetched."""
        for name, settings in self._settings.documents.items():
            if name in self._configured:
                continue
            found = await self._try(name, settings)
            if isinstance(found, Loaded):
                self._configured[name] = found
                self._say(name, found.problems)
            else:
                self._say(name, [str(found)])

    async def _refresh(self) -> None:
        """Load what is new in the store, and forget what is gone."""
        records = {record.id: record for record in await all_of(self._kit.records)}
        for name in self._stored.keys() - records.keys():
            del self._stored[name]
        for name, record in records.items():
            known = self._stored.get(name)
            if known is None or _stamp(known[0]) != _stamp(record):
                self._stored[name] = (record, await self._assembled(record))
        self._tools = dict(self._all())

    async def _assembled(self, record: Record) -> Loaded | None:
        try:
            found = opened(record, self._kit.vault)
            loaded = await assemble(
                record.id, found.text, found.settings, self._kit, source=found.source
            )
        except HooklineError as error:
            self._say(record.id, [str(error)])
            return None
        self._say(record.id, loaded.problems)
        return loaded

    def _all(self) -> Iterator[tuple[str, ActionTool]]:
        """All tools with their names. Of two with one name the first document's is kept."""
        stored = {
            name: loaded
            for name, (_, loaded) in sorted(self._stored.items())
            if loaded is not None and name not in self._settings.documents
        }
        taken: set[str] = set()
        for name, loaded in {**self._configured, **stored}.items():
            twice = sorted(taken & loaded.tools.keys())
            if twice:
                said = f"another document has {', '.join(twice)}, too; give one a prefix"
                self._say(name, [*loaded.problems, said])
            yield from ((tool, one) for tool, one in loaded.tools.items() if tool not in taken)
            taken |= loaded.tools.keys()

    def _say(self, name: str, problems: object) -> None:
        """Log what is wrong with a document, once."""
        text = repr(problems)
        if problems and self._said.get(name) != text:
            self._logger.warning("actions.document_incomplete", document=name, problems=problems)
        self._said[name] = text


def _stamp(record: Record) -> tuple[int, object]:
    """What changes with the record; a version alone begins anew when a record was removed."""
    return record.version, record.updated_at
