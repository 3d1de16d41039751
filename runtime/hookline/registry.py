"""All parts of a server, made by the plugins from one config."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Self, TypeVar

import structlog

from hookline.agents import Agent
from hookline.artifacts import ArtifactProcessor
from hookline.blobs import Blobs
from hookline.config import Config
from hookline.delivery import UsageDelivery
from hookline.errors import ConfigError, HooklineError, PluginError, ProviderBroken
from hookline.filing import Files
from hookline.log import EventLogs
from hookline.parts import Part
from hookline.permissions import PermissionBackend
from hookline.plugins import MUST_NOT_FAIL, Plugins
from hookline.providers import ModelProvider, ProviderKind
from hookline.settings import decode_table
from hookline.sinks import EventSink
from hookline.store import Store, StoreKind
from hookline.sweeping import Sweep
from hookline.tools import ToolLoader
from hookline.usage import PriceList
from hookline.variables import check_zone
from hookline.vault import vault_of

log = structlog.get_logger("hookline.plugins")
PartT = TypeVar("PartT")


class Registry:
    """The parts, in the order of their plugins; an async context manager that runs them.

    Usage is delivered by a runtime alone: whoever only looks at the parts tells recorders nothing.

    Args:
        config: which store, log, providers and settings.
        plugins: those that were discovered.
        source: the config file, for messages.

    Raises:
        ConfigError: the config names what is not there, or settings are wrong.
        PluginError: a part that must not be missing could not be made.
    """

    def __init__(self, config: Config, plugins: Plugins, source: str):
        self.config = config
        self.plugins = plugins
        self.source = source
        self._stack = AsyncExitStack()
        plugins.check(config.runtime.required_plugins)
        check_zone(config.runs.time_zone)
        self.store: Store = open_store(config, plugins, source)
        plugins.vault = vault_of(config.secrets.keys)
        self.blobs = Blobs(config.files.url, config.files.options)
        plugins.files = self.files = Files(
            self.store.files,
            self.blobs,
            limit=config.files.limit,
            quota=config.files.quota,
            days=config.files.days,
            clock=plugins.clock,
        )
        self.sweep = Sweep(
            self.files,
            self.store.files,
            self.blobs,
            others=(self.store.records, self.store.continuations),
            clock=plugins.clock,
        )
        self.event_logs: EventLogs = self._event_logs()
        self.permission_backends: Sequence[Part[PermissionBackend]] = self._parts(
            "permission_backend"
        )
        if not self.permission_backends:
            message = "no plugin offers a permission backend, so nobody could be let in"
            raise PluginError(message)
        self.tool_loaders: Sequence[Part[ToolLoader]] = self._parts("tool_loader")
        self.artifact_processors: Sequence[Part[ArtifactProcessor]] = self._parts(
            "artifact_processor"
        )
        self.event_sinks: Sequence[Part[EventSink]] = self._parts("event_sink")
        self.price_lists: Sequence[Part[PriceList]] = self._parts("price_list")
        self.delivery = UsageDelivery(
            self._parts("usage_recorder"),
            self.store.outbox,
            prices=self.price_lists,
            config=config.usage,
            clock=plugins.clock,
        )
        self.providers: Mapping[str, Part[ModelProvider]] = self._providers()
        self.http_routes = [
            route for _, routes in plugins.parts("http_routes", self.store) for route in routes
        ]
        self._leave_out_quarantined()

    def provider(self, agent: Agent) -> Part[ModelProvider]:
        """The provider of an agent.

        Raises:
            ProviderBroken: the config has no provider of that name.
        """
        part = self.providers.get(agent.provider)
        if part is None:
            message = (
                f"agent {agent.id} needs the provider {agent.provider}, which is not configured"
            )
            raise ProviderBroken(message)
        return part

    async def __aenter__(self) -> Self:
        """Open the store, then start every part."""
        try:
            await self._stack.enter_async_context(self.store)
            await self._start("event_log", self.event_logs)
            for part in self.parts:
                await self._start(part.hook, part.part, part.plugin)
        except BaseException:
            await self._stack.aclose()
            raise
        self._leave_out_quarantined()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop every part, in reverse order, then close the store."""
        await self._stack.aclose()

    @property
    def parts(self) -> Sequence[Part[Any]]:
        """All parts that calls go into, in the order in which they are started."""
        return (
            *self.permission_backends,
            *self.price_lists,
            *self.delivery.parts,
            *self.tool_loaders,
            *self.artifact_processors,
            *self.event_sinks,
            *self.providers.values(),
        )

    async def _start(self, hook: str, part: object, plugin: str = "") -> None:
        if not isinstance(part, AbstractAsyncContextManager):
            return
        try:
            await self._stack.enter_async_context(part)
        except HooklineError:
            raise
        except Exception as error:
            if hook in MUST_NOT_FAIL or hook == "model_provider":
                message = f"plugin {plugin}: {hook} could not be started: {error}"
                raise PluginError(message) from error
            self.plugins.quarantine(plugin, error)

    def _leave_out_quarantined(self) -> None:
        """A plugin that was set aside offers nothing, not even what it gave before it failed.

        Who may call and who is told of usage is another matter: those parts stay.
        """
        aside = {plugin.name for plugin in self.plugins if plugin.quarantined}

        def sound(parts: Sequence[Part[PartT]]) -> list[Part[PartT]]:
            return [part for part in parts if part.plugin not in aside]

        self.tool_loaders = sound(self.tool_loaders)
        self.artifact_processors = sound(self.artifact_processors)
        self.event_sinks = sound(self.event_sinks)

    def _parts(self, hook: str) -> list[Part[Any]]:
        return [
            self._part(plugin, hook, part) for plugin, part in self.plugins.parts(hook, self.store)
        ]

    def _part(self, plugin: str, hook: str, part: PartT) -> Part[PartT]:
        deadlines = self.config.runs.part_deadlines
        deadline = deadlines.get(f"{plugin}.{hook}", self.config.runs.part_deadline)
        return Part(plugin, hook, part, deadline)

    def _event_logs(self) -> EventLogs:
        url = self.config.event_log.url
        kinds: list[tuple[str, EventLogs]] = self.plugins.parts("event_log")
        return _by_scheme(f"{self.source}: event_log.url", url, kinds)

    def _providers(self) -> dict[str, Part[ModelProvider]]:
        kinds: dict[str, tuple[str, ProviderKind]] = {}
        for plugin, kind in self.plugins.parts("model_provider", self.store):
            kinds.setdefault(kind.kind, (plugin, kind))
        providers = {}
        for name, table in self.config.providers.items():
            where = f"{self.source}: providers.{name}"
            wanted = table.get("kind")
            if wanted not in kinds:
                known = ", ".join(sorted(kinds)) or "none"
                message = f"{where}.kind: no plugin offers {wanted!r}; there are {known}"
                raise ConfigError(message)
            plugin, kind = kinds[wanted]
            rest = {key: value for key, value in table.items() if key != "kind"}
            settings = decode_table(rest, kind.settings, where)
            provider = kind.open(name, settings)
            providers[name] = self._part(plugin, "model_provider", provider)
        return providers


def open_store(config: Config, plugins: Plugins, source: str) -> Store:
    """The store of a config; I/O begins when it is entered.

    Raises:
        ConfigError: no plugin serves the URL, or the URL is wrong.
        PluginError: a plugin that offers stores failed.
    """
    return store_at(config.store.url, plugins, f"{source}: store.url")


def store_at(url: str, plugins: Plugins, where: str) -> Store:
    """The store at a URL; I/O begins when it is entered. ``where`` begins messages.

    Raises:
        ConfigError: no plugin serves the URL, or the URL is wrong.
        PluginError: a plugin that offers stores failed.
    """
    kinds: list[tuple[str, StoreKind]] = plugins.parts("store")
    return _by_scheme(where, url, kinds).open(url)


def _by_scheme(where: str, url: str, kinds: Sequence[tuple[str, PartT]]) -> PartT:
    scheme = url.partition("://")[0]
    for _, kind in kinds:
        if getattr(kind, "scheme", None) == scheme:
            return kind
    known = ", ".join(sorted(f"{getattr(kind, 'scheme', '?')}://" for _, kind in kinds))
    message = f"{where}: no plugin serves {scheme}://; there are {known}"
    raise ConfigError(message)
