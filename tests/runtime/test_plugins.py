"""Plugins: found by entry point, set aside when they fail, handed their settings."""

import sys
from collections import Counter
from email.message import Message
from importlib.metadata import Distribution, EntryPoint
from types import ModuleType, SimpleNamespace

import pytest
from msgspec import Struct

from hookline import StaticTools, hookimpl
from hookline.context import PluginContext
from hookline.errors import ConfigError, PluginError
from hookline.plugins import Plugins, describe
from hookline_memory import MemoryStore


class Installed(Distribution):
    """A distribution that says it is installed."""

    def __init__(self, name, version="1.0", extras=()):
        self._metadata = Message()
        self._metadata["Name"] = name
        self._metadata["Version"] = version
        for extra in extras:
            self._metadata["Provides-Extra"] = extra

    @property
    def metadata(self):
        return self._metadata

    def read_text(self, filename):
        return None

    def locate_file(self, path):
        return path


class Modules:
    """Modules that can be imported while a test runs, and their entry points."""

    def __init__(self, path):
        self.path = path
        self.names = []

    def point(self, name, source="", *, distribution="acme", extras=(), module=None):
        """An entry point of a module with this source."""
        module = module or f"plugin_{name}_{len(self.names)}"
        self.names.append(module)
        (self.path / f"{module}.py").write_text(f"from hookline import hookimpl\n{source}\n")
        dist = Installed(distribution, extras=extras)
        return EntryPoint(name, module, "hookline")._for(dist)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    made = Modules(tmp_path)
    yield made
    for name in made.names:
        sys.modules.pop(name, None)


FIRST = "import pluggy\nfirst = pluggy.HookimplMarker('hookline')(tryfirst=True)\n"
LOADER = "@hookimpl\ndef tool_loader(plugin):\n    return plugin.name\n"


def discovered(*points, tables=None, **options):
    plugins = Plugins(tables or {}, "hookline.toml")
    plugins.discover(points=points, **options)
    return plugins


def states(plugins):
    return {plugin.name: plugin.error for plugin in plugins}


def test_the_installed_plugins_are_found():
    """Without being told of any, the entry points of what is installed are loaded."""
    plugins = Plugins({}, "hookline.toml")
    plugins.discover()

    found = {plugin.name: plugin for plugin in plugins}
    assert {"acl", "memory", "sqlite"} <= found.keys()
    assert ("cli_commands", "permission_backend") == found["acl"].hooks
    assert ("event_log", "store") == found["memory"].hooks
    assert "hookline" == found["sqlite"].distribution


def test_plugins_can_be_left_alone(modules):
    """By name, or all that come with Hookline."""
    points = [
        modules.point("mine", LOADER),
        modules.point("off", "raise SystemExit", distribution="acme"),
        modules.point("ours", LOADER, distribution="hookline"),
    ]

    assert {"mine": None, "ours": None} == states(discovered(*points, disabled=["off"]))
    assert {"mine": None} == states(discovered(*points, disabled=["off"], builtin=False))


def test_parts_come_in_the_order_of_names(modules):
    """Whatever the order of installation; a hook may ask to be first or last."""
    early = FIRST + LOADER.replace("@hookimpl", "@first")
    points = [modules.point(name, LOADER) for name in ("b", "c", "a")]
    plugins = discovered(modules.point("z", early), *points)

    assert [(name, name) for name in "zabc"] == plugins.parts("tool_loader")
    assert ["a", "b", "c", "z"] == [plugin.name for plugin in plugins]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("hookline_api = 2", "PluginError: it asks for plugin API 2, and this is 1"),
        (
            "@hookimpl\ndef tool_loder(plugin): ...",
            "PluginError: there is no hook named tool_loder",
        ),
        ("@hookimpl\ndef tool_loader(plugin, more): ...", "PluginValidationError: "),
    ],
)
def test_a_plugin_that_fails_is_set_aside(modules, source, error):
    """The others go on, and the plugin is named with the reason."""
    plugins = discovered(modules.point("bad", source), modules.point("good", LOADER))

    assert None is states(plugins)["good"]
    assert states(plugins)["bad"].startswith(error)
    assert [("good", "good")] == plugins.parts("tool_loader")


def test_a_missing_extra_is_named_with_the_command_that_mends_it(modules):
    """The extra that has the plugin's name is what is missing."""
    point = modules.point(
        "langs", "import no_such_module", distribution="hookline", extras=["langs", "other"]
    )

    [plugin] = discovered(point)
    assert "pip install 'hookline[langs]'" == plugin.remedy


def test_a_missing_module_is_never_offered_by_its_own_name(modules):
    """A module's name may be that of somebody else's distribution."""
    no_extra = modules.point("a", "import no_such_module")
    itself = EntryPoint("b", "no_such_plugin", "hookline")._for(Installed("acme", extras=["b"]))
    unpacked = EntryPoint("c", "no_such_plugin", "hookline")

    remedies = {plugin.name: plugin.remedy for plugin in discovered(no_extra, itself, unpacked)}
    mend = "pip install --force-reinstall acme"
    assert {"a": mend, "b": mend, "c": None} == remedies


def test_a_plugin_of_another_api_is_to_be_upgraded(modules):
    """The remedy names the distribution, which is what pip knows."""
    [plugin] = discovered(modules.point("a", "hookline_api = 2", distribution="acme-tools"))

    assert "pip install --upgrade acme-tools" == plugin.remedy
    assert plugin.quarantined


def test_a_name_that_is_taken_harms_nobody(modules):
    """Ours stays, the stranger is set aside under a name that tells where it is from."""
    plugins = discovered(
        modules.point("tools", LOADER, distribution="acme"),
        modules.point("tools", LOADER, distribution="hookline"),
    )

    assert None is states(plugins)["tools"]
    assert "hookline has the name tools already" in states(plugins)["tools (acme)"]
    assert [("tools", "tools")] == plugins.parts("tool_loader")


def test_any_object_can_be_a_plugin():
    """A module or an object with hooks is added by hand."""
    module = ModuleType("by_hand")
    module.tool_loader = hookimpl(lambda plugin: plugin.name)
    module.tool_loader.__name__ = "tool_loader"
    plugins = Plugins({}, "hookline.toml")
    plugins.add("by-hand", module)

    assert [("by-hand", "by-hand")] == plugins.parts("tool_loader")
    expected = {
        "name": "by-hand",
        "distribution": "",
        "version": "",
        "state": "loaded",
        "hooks": ["tool_loader"],
        "error": None,
        "remedy": None,
    }
    assert [expected] == [describe(plugin) for plugin in plugins]


def test_a_raising_hook_sets_its_plugin_aside(modules):
    """The other plugins' parts are there; the next question leaves the plugin out."""
    raising = LOADER.replace("return plugin.name", "raise KeyError('x')")
    plugins = discovered(modules.point("bad", raising), modules.point("good", LOADER))

    assert [("good", "good")] == plugins.parts("tool_loader")
    assert "KeyError: 'x'" == states(plugins)["bad"]
    assert "quarantined" == describe(next(iter(plugins)))["state"]


@pytest.mark.parametrize("hook", ["permission_backend", "usage_recorder", "store", "event_log"])
def test_a_raising_hook_of_a_part_that_must_not_be_missing_stops_the_start(modules, hook):
    """Nobody is let in, and nothing is left unbilled, because a plugin is broken."""
    source = f"@hookimpl\ndef {hook}(plugin):\n    raise KeyError('x')\n"
    plugins = discovered(modules.point("bad", source))

    with pytest.raises(PluginError, match=f"plugin bad: {hook} failed: 'x'"):
        plugins.parts(hook)


def test_a_hook_may_have_nothing_to_offer(modules):
    """``None`` is no part."""
    plugins = discovered(modules.point("none", LOADER.replace("plugin.name", "None")))

    assert [] == plugins.parts("tool_loader")


def test_a_hook_gets_its_context_if_it_asks(modules):
    """The name, the decoded table, the store and a logger; or nothing, if it takes no argument."""

    class Settings(Struct, forbid_unknown_fields=True):
        answer: int = 0

    seen = []
    asking = SimpleNamespace(Settings=Settings, tool_loader=None)

    @hookimpl
    def tool_loader(plugin):
        seen.append(plugin)
        return StaticTools()

    asking.tool_loader = tool_loader
    silent = SimpleNamespace()
    silent.tool_loader = hookimpl(_no_argument)
    plugins = Plugins({"asking": {"answer": 42}}, "hookline.toml")
    plugins.add("asking", asking)
    plugins.add("silent", silent)
    store = MemoryStore()

    parts = plugins.parts("tool_loader", store)

    assert Counter(asking=1, silent=1) == Counter(name for name, _ in parts)
    [context] = seen
    assert ("asking", 42) == (context.name, context.settings.answer)
    assert store is context.store
    assert context.clock().tzinfo is not None


def _no_argument():
    return StaticTools()


_no_argument.__name__ = "tool_loader"


def test_the_store_is_not_there_before_it_is_opened():
    """A plugin that asks too early is told so."""
    context = PluginContext(name="early", logger=None)

    with pytest.raises(PluginError, match="plugin early asked for the store before it was opened"):
        _ = context.store


@pytest.mark.parametrize(
    ("source", "table", "said"),
    [
        (LOADER, {"a": 1}, "hookline.toml: plugins.p: this plugin has no settings; remove the"),
        (
            "import msgspec\nclass Settings(msgspec.Struct, forbid_unknown_fields=True):\n"
            "    answer: int = 0\n" + LOADER,
            {"answer": "x"},
            "hookline.toml: plugins.p: answer: Expected `int`, got `str`",
        ),
    ],
)
def test_a_wrong_table_stops_the_start(modules, source, table, said):
    """The message names the file, the key and what was expected; the plugin is not set aside."""
    plugins = discovered(modules.point("p", source), tables={"p": table})

    with pytest.raises(ConfigError) as caught:
        plugins.parts("tool_loader")
    assert str(caught.value).startswith(said)


def test_a_table_of_a_plugin_that_is_not_there_stops_the_start(modules):
    """A misspelled table is not passed over; one of a disabled plugin is fine."""
    point = modules.point("real", LOADER)
    tables = {"rael": {}}

    with pytest.raises(ConfigError, match=r"hookline.toml: plugins.rael: no such plugin; .*: real"):
        discovered(point, tables=tables).check(())
    discovered(point, modules.point("rael"), tables=tables, disabled=["rael"]).check(())


def test_a_required_plugin_must_work(modules):
    """Missing or set aside, it stops the start with the reason."""
    plugins = discovered(modules.point("bad", "1 / 0"), modules.point("good", LOADER))

    plugins.check(["good"])
    with pytest.raises(PluginError, match="plugin missing is required, and it is not installed"):
        plugins.check(["good", "missing"])
    with pytest.raises(PluginError, match="plugin bad is required, and ZeroDivisionError"):
        plugins.check(["bad"])
