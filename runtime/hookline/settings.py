"""Settings: one TOML file, environment variables on top, decoded strictly."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hookline.errors import ConfigError

PREFIX = "HOOKLINE_"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ERROR = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*?)`)?$", re.DOTALL)
SettingsT = TypeVar("SettingsT")


def load(
    path: Path | None, type_: type[SettingsT], environment: Mapping[str, str] = os.environ
) -> SettingsT:
    """Read a config file and the environment.

    ``${NAME}`` in a string takes an environment variable. ``HOOKLINE_SERVER__PORT=9000`` sets
    ``port`` of ``[server]``; its value is read as TOML if it is that, else as text.

    Raises:
        ConfigError: with the file, the key and what was expected.
    """
    tables = {} if path is None else _read(path)
    source = "defaults" if path is None else str(path)
    tables = _expand(tables, environment, source, "")
    for name, text in environment.items():
        keys = name.removeprefix(PREFIX).lower().split("__")
        if name.startswith(PREFIX) and len(keys) > 1:
            _set(tables, keys, _value(text), name)
    return decode_table(tables, type_, source)


def decode_table(table: Mapping[str, Any], type_: type[SettingsT], where: str) -> SettingsT:
    """Decode a table strictly.

    Raises:
        ConfigError: an unknown key or a value of a wrong type; ``where`` begins the message.
    """
    try:
        return msgspec.convert(table, type_)
    except msgspec.ValidationError as error:
        match = _ERROR.match(str(error))
        what, path = (match["what"], match["path"] or "") if match else (str(error), "")
        key = path.lstrip(".")
        message = f"{where}: {key}: {what}" if key else f"{where}: {what}"
        raise ConfigError(message) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ConfigError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not TOML: {error}"
        raise ConfigError(message) from error


def _expand(value: Any, environment: Mapping[str, str], source: str, key: str) -> Any:
    if isinstance(value, dict):
        return {k: _expand(v, environment, source, f"{key}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(v, environment, source, f"{key}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if match[1] not in environment:
            where = f"{source}: {key.lstrip('.')}"
            message = f"{where}: the environment variable {match[1]} is not set"
            raise ConfigError(message)
        return environment[match[1]]

    return _VARIABLE.sub(variable, value)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set(tables: dict[str, Any], keys: list[str], value: Any, name: str) -> None:
    table = tables
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            message = f"{name}: {key} is a value in the config, not a table"
            raise ConfigError(message)
    table[keys[-1]] = value
