"""What a command works with: the config, and the plugins that are there."""

from pathlib import Path

import attrs

from hookline.plugins import Plugins
from hookline.settings import load
from hookline_api.config import Config

DEFAULT = Path("hookline.toml")


@attrs.frozen
class Setup:
    """The config, where it came from (a path, or ``defaults``), and the plugins."""

    config: Config
    source: str
    plugins: Plugins


def load_config(path: Path | None) -> tuple[Config, str]:
    """The config in this file, in ``./hookline.toml`` or of defaults, and where it came from.

    Raises:
        ConfigError: something in it is wrong.
    """
    if path is None and DEFAULT.exists():
        path = DEFAULT
    return load(path, Config), "defaults" if path is None else str(path)


def discover(config: Config, source: str) -> Setup:
    """Find the plugins; those that fail are set aside."""
    plugins = Plugins(config.plugins, source)
    plugins.discover(disabled=config.runtime.disabled_plugins)
    return Setup(config, source, plugins)


def load_setup(path: Path | None) -> Setup:
    """The config and the plugins.

    Raises:
        ConfigError: something in the config is wrong.
    """
    return discover(*load_config(path))
