"""Plugins: found by entry point, set aside when they fail, handed their settings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import attrs
import pluggy
import structlog
from structlog.typing import FilteringBoundLogger

from hookline import hooks
from hookline.context import PluginContext
from hookline.errors import ConfigError, PluginError
from hookline.filing import Files
from hookline.moments import now
from hookline.settings import decode_table
from hookline.store import Store
from hookline.vault import Vault

log: FilteringBoundLogger = structlog.get_logger("hookline.plugins")
MUST_NOT_FAIL = frozenset(
    {"permission_backend", "usage_recorder", "price_list", "store", "event_log"}
)


@attrs.frozen(kw_only=True)
class Plugin:
    """A plugin that was found, whether it works or not."""

    name: str
    distribution: str
    version: str
    hooks: Sequence[str] = ()
    error: str | None = None
    remedy: str | None = None

    @property
    def quarantined(self) -> bool:
        """Whether it was set aside."""
        return self.error is not None


class _Manager(pluggy.PluginManager):
    """Looks for hooks by their names: to look at each name of a module takes long."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Whether this is a hook, and with which options."""
        return super().parse_hookimpl_opts(plugin, name) if name in hooks.HOOKS else None


class Plugins:
    """All plugins that were found, in the order of their names.

    Args:
        tables: their settings, by name.
        source: the config file, for messages.
        clock: this moment, in UTC, for all parts.

    Attributes:
        vault: what plugins seal secrets with; a registry sets it by the config.
        files: where plugins keep files; a registry sets it, too.
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Any]],
        source: str,
        clock: Callable[[], datetime] = now,
    ):
        self.clock = clock
        self.vault = Vault()
        self.files: Files | None = None
        self._manager = _Manager(hooks.GROUP)
        self._manager.add_hookspecs(hooks)
        self._tables = tables
        self._source = source
        self._modules: dict[str, Any] = {}
        self._found: dict[str, Plugin] = {}
        self._disabled: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Plugin]:
        """The plugins, by name."""
        return iter(sorted(self._found.values(), key=lambda plugin: plugin.name))

    def discover(
        self,
        *,
        disabled: Sequence[str] = (),
        builtin: bool = True,
        points: Iterable[EntryPoint] | None = None,
    ) -> None:
        """Load every entry point of the group ``hookline``; set aside those that fail.

        Args:
            disabled: names that are left alone.
            builtin: whether to load the plugins that come with Hookline, too.
            points: the entry points to load, instead of those of all installed packages.
        """
        self._disabled = frozenset(disabled)
        if points is None:
            points = entry_points(group=hooks.GROUP)
        # pluggy calls what was registered last first; of one name, ours comes before a stranger's.
        for point in sorted(sorted(points, key=_stranger), key=_name, reverse=True):
            if point.name not in disabled and (builtin or _stranger(point)):
                self._load(point)

    def _load(self, point: EntryPoint) -> None:
        taken = self._found.get(point.name)
        if taken is not None:
            name = f"{point.name} ({_plugin(point).distribution})"
            self._found[name] = attrs.evolve(_plugin(point), name=name)
            text = f"{taken.distribution or 'another plugin'} has the name {point.name} already"
            self.quarantine(name, PluginError(text), remedy=f"rename its entry point {point.name}")
            return
        try:
            module = point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  an import may raise anything
            self._found[point.name] = _plugin(point)
            self.quarantine(point.name, error, remedy=_mend(point, error))
            return
        self.add(point.name, module, _plugin(point))

    def add(self, name: str, module: Any, plugin: Plugin | None = None) -> None:
        """Register a module, or any object with hook implementations, as a plugin."""
        self._found[name] = plugin or Plugin(name=name, distribution="", version="")
        remedy = _upgrade(self._found[name])
        wanted = getattr(module, "hookline_api", hooks.API_VERSION)
        if wanted != hooks.API_VERSION:
            text = f"it asks for plugin API {wanted}, and this is {hooks.API_VERSION}"
            self.quarantine(name, PluginError(text), remedy=remedy)
            return
        unknown = _unknown_hooks(module)
        if unknown:
            text = f"there is no hook named {', '.join(unknown)}"
            self.quarantine(name, PluginError(text), remedy=remedy)
            return
        try:
            self._manager.register(module, name=name)
        except (pluggy.PluginValidationError, ValueError) as error:
            self.quarantine(name, error, remedy=remedy)
            return
        self._modules[name] = module
        callers = self._manager.get_hookcallers(self._manager.get_plugin(name)) or []
        self._found[name] = attrs.evolve(
            self._found[name], hooks=tuple(sorted(caller.name for caller in callers))
        )

    def quarantine(self, name: str, error: BaseException, *, remedy: str | None = None) -> None:
        """Set a plugin aside; the server goes on without it."""
        text = f"{type(error).__name__}: {error}"
        self._found[name] = attrs.evolve(self._found[name], error=text, remedy=remedy)
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        log.warning("plugin.quarantined", plugin=name, error=text, remedy=remedy)

    def check(self, required: Iterable[str]) -> None:
        """Raise unless every table has a plugin, and every required plugin works.

        Raises:
            ConfigError: a table ``[plugins.<name>]`` for a plugin that is not installed.
            PluginError: a required plugin is missing or set aside.
        """
        for name in self._tables:
            if name not in self._found and name not in self._disabled:
                known = ", ".join(sorted(self._found)) or "none"
                message = f"{self._source}: plugins.{name}: no such plugin; there are: {known}"
                raise ConfigError(message)
        for name in required:
            plugin = self._found.get(name)
            if plugin is None or plugin.quarantined:
                why = plugin.error if plugin else "it is not installed"
                message = f"plugin {name} is required, and {why}"
                raise PluginError(message)

    def parts(self, hook: str, store: Store | None = None) -> list[tuple[str, Any]]:
        """What the plugins give for a hook, with their names, in order.

        Raises:
            ConfigError: a plugin's settings are wrong.
            PluginError: a plugin failed whose part must not be missing.
        """
        given = []
        caller = getattr(self._manager.hook, hook)
        for impl in reversed(caller.get_hookimpls()):
            context = self._context(impl.plugin_name, store) if caller.spec.argnames else None
            try:
                part = impl.function(*[context for _ in impl.argnames])
            except ConfigError:
                raise
            except Exception as error:
                if hook in MUST_NOT_FAIL:
                    message = f"plugin {impl.plugin_name}: {hook} failed: {error}"
                    raise PluginError(message) from error
                self.quarantine(impl.plugin_name, error)
                continue
            if part is not None:
                given.append((impl.plugin_name, part))
        return given

    def _context(self, name: str, store: Store | None) -> PluginContext:
        table = self._tables.get(name, {})
        declared = getattr(self._modules[name], "Settings", None)
        where = f"{self._source}: plugins.{name}"
        if declared is None and table:
            message = f"{where}: this plugin has no settings; remove the table"
            raise ConfigError(message)
        settings = None if declared is None else decode_table(table, declared, where)
        logger = structlog.get_logger(f"hookline.plugins.{name}").bind(plugin=name)
        return PluginContext(
            name=name,
            settings=settings,
            store=store,
            logger=logger,
            clock=self.clock,
            vault=self.vault,
            files=self.files,
        )


def _plugin(point: EntryPoint) -> Plugin:
    name, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
    return Plugin(name=point.name, distribution=name, version=version)


def _unknown_hooks(module: Any) -> list[str]:
    marked = (name for name in dir(module) if not name.startswith("_"))
    return [
        name
        for name in marked
        if getattr(getattr(module, name, None), f"{hooks.GROUP}_impl", None) is not None
        and name not in hooks.HOOKS
    ]


def _name(point: EntryPoint) -> str:
    return point.name


def _stranger(point: EntryPoint) -> bool:
    """Whether the plugin does not come with Hookline."""
    return point.dist is None or point.dist.name != "hookline"


def _upgrade(plugin: Plugin) -> str | None:
    return f"pip install --upgrade {plugin.distribution}" if plugin.distribution else None


def _mend(point: EntryPoint, error: BaseException) -> str | None:
    """The pip command that mends an import: of the plugin's extra, or of the whole distribution.

    Never of the missing module's own name: that of a distribution may be another's.
    """
    if not isinstance(error, ModuleNotFoundError) or point.dist is None:
        return None
    extras = point.dist.metadata.get_all("Provides-Extra") or []
    ours = (error.name or "").partition(".")[0] == point.module.partition(".")[0]
    if point.name in extras and not ours:
        return f"pip install '{point.dist.name}[{point.name}]'"
    return f"pip install --force-reinstall {point.dist.name}"


def describe(plugin: Plugin) -> dict[str, Any]:
    """A plugin as JSON, for ``/ready`` and ``hookline plugins --json``."""
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "state": "quarantined" if plugin.quarantined else "loaded",
        "hooks": list(plugin.hooks),
        "error": plugin.error,
        "remedy": plugin.remedy,
    }
