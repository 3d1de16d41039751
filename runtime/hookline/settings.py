"""Settings: one TOML file, environment variables on top, decoded strictly."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from hookline.errors import ConfigError

PREFIX = "HOOKLINE_"
_VARIABLE = re.compile(r"(?P<escape>\$)?\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
_ERROR = re.compile(r"^(?P<what>.*?)(?: - at (?P<of_key>`key` in )?`\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<field>[^.\[]+)|\[(?P<item>[^\]]+)\]")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_ANY = "..."
"""How msgspec names any key of a mapping."""

SettingsT = TypeVar("SettingsT")


def load(
    path: Path | None, type_: type[SettingsT], environment: Mapping[str, str] = os.environ
) -> SettingsT:
    """Read a config file and the environment.

    ``${NAME}`` in a string takes an environment variable, ``$${NAME}`` stands for ``${NAME}``.
    ``HOOKLINE_SERVER__PORT=9000`` sets ``port`` of ``[server]``; its value is read as TOML if it
    is that, else as text.

    Raises:
        ConfigError: with the file, the key, what was expected, and the variable that set it.
    """
    tables = {} if path is None else _read(path)
    source = "defaults" if path is None else str(path)
    tables = _expand(tables, environment, source, "")
    origins = {}
    for name, text in environment.items():
        keys = name.removeprefix(PREFIX).lower().split("__")
        if name.startswith(PREFIX) and len(keys) > 1:
            _set(tables, keys, _value(text), name)
            origins[".".join(keys)] = name
    try:
        return msgspec.convert(tables, type_)
    except msgspec.ValidationError as error:
        key, what = _fault(tables, type_, str(error))
        variable = _origin(origins, key)
        set_by = f" (set by the environment variable {variable})" if variable else ""
        message = ": ".join(filter(None, (source, key, what))) + set_by
        raise ConfigError(message) from error


def decode_table(table: Mapping[str, Any], type_: type[SettingsT], where: str) -> SettingsT:
    """Decode a table strictly.

    Raises:
        ConfigError: an unknown key or a value of a wrong type; ``where`` begins the message.
    """
    try:
        return msgspec.convert(table, type_)
    except msgspec.ValidationError as error:
        message = ": ".join(filter(None, (where, *_fault(table, type_, str(error)))))
        raise ConfigError(message) from error


def _fault(table: Mapping[str, Any], type_: Any, text: str) -> tuple[str, str]:
    """The key that msgspec complains of, with dots, and what it expected there."""
    match = _ERROR.match(text)
    if match is None:
        return "", text
    steps = list(_steps(table, type_, match["path"] or "", of_key=bool(match["of_key"])))
    unknown = _UNKNOWN.match(match["what"])
    if unknown is None:
        return ".".join(steps), match["what"]
    known = ", ".join(sorted(_fields(type_, steps)))
    return ".".join(steps), f"there is no key {unknown['name']!r}; the keys are {known}"


def _steps(table: Any, type_: Any, path: str, *, of_key: bool) -> Iterator[str]:
    """The keys on the way to a fault.

    msgspec does not name the keys of mappings; they are found by decoding one entry at a time.
    """
    found: list[str] = []
    names = [match["field"] or match["item"] for match in _STEP.finditer(path)]
    for name in (*names, _ANY) if of_key else names:
        value = _at(table, found)
        if name == _ANY and isinstance(value, Mapping):
            name = next((key for key in value if _fails(table, type_, found, key)), _ANY)  # noqa: PLW2901
        found.append(name)
        yield name


def _at(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
    return value


def _fails(table: Any, type_: Any, steps: Sequence[str], key: str) -> bool:
    """Whether the mapping at ``steps`` cannot be decoded with this entry alone."""
    alone: Any = {key: _at(table, steps)[key]}
    for depth in range(len(steps) - 1, -1, -1):
        parent = _at(table, steps[:depth])
        if not isinstance(parent, Mapping):
            return False
        alone = {**parent, steps[depth]: alone}
    try:
        msgspec.convert(alone, type_)
    except msgspec.ValidationError:
        return True
    return False


def _fields(type_: Any, steps: Sequence[str]) -> Iterator[str]:
    info: Any = inspect.type_info(type_)
    for step in steps:
        if isinstance(info, inspect.StructType):
            info = next(field.type for field in info.fields if field.encode_name == step)
        elif isinstance(info, inspect.DictType):
            info = info.value_type
        elif isinstance(info, inspect.ListType):
            info = info.item_type
    if isinstance(info, inspect.StructType):
        yield from (field.encode_name for field in info.fields)


def _origin(origins: Mapping[str, str], key: str) -> str | None:
    """The variable that set this key, or something in it."""
    matching = (name for path, name in origins.items() if f"{path}.".startswith(f"{key}."))
    return next(matching, None) if key else None


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
        name = match["name"]
        if match["escape"]:
            return f"${{{name}}}"
        if name not in environment:
            where = f"{source}: {key.lstrip('.')}"
            literally = f"$${{{name}}} stands for the text itself"
            message = f"{where}: the environment variable {name} is not set; {literally}"
            raise ConfigError(message)
        return environment[name]

    return _VARIABLE.sub(variable, value)


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text


def _set(tables: dict[str, Any], keys: list[str], value: Any, name: str) -> None:
    table = tables
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            message = f"{name}: {key} is a value in the config, not a table"
            raise ConfigError(message)
    table[keys[-1]] = value
