"""The configuration reference has every key, with its type and its default, and no other."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from hookline.config import AgentConfig
from hookline.plugins import Plugins
from hookline.settings import load
from hookline_api.config import Config

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
_SECTION = re.compile(r"^## (?P<title>.*?)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(
    r"^\| `(?P<key>\w+)` \| (?P<type>.*?) \| (?P<default>.*?) \| .+ \|$", re.MULTILINE
)
Row = tuple[str, str, str]
PLAIN: Mapping[type[inspect.Type], str] = {
    inspect.AnyType: "anything",
    inspect.BoolType: "true or false",
    inspect.DateType: "date",
    inspect.StrType: "text",
    inspect.StructType: "table",
}
"""Types that have no parts, in the words of the page."""

ALL = 2**53
"""The largest number that JSON's readers agree on: no limit that a reader has to know."""


def described() -> Mapping[str, list[Row]]:
    """The rows of each section of the page, by its title."""
    found = _SECTION.finditer(PAGE.read_text())
    rows = {s["title"]: [tuple(row) for row in _ROW.findall(s["text"])] for s in found}
    return {title: given for title, given in rows.items() if given}


def declared() -> Mapping[str, list[Row]]:
    """What the structs say, under the titles that their sections must have."""
    tables = {f"`[{f.name}]`": f.type for f in msgspec.structs.fields(Config)}
    structs = {
        title: type_ for title, type_ in tables.items() if hasattr(type_, "__struct_config__")
    }
    structs["`[agents.<id>]`"] = AgentConfig
    structs |= dict(of_plugins())
    structs |= {name: inner for title in structs for name, inner in nested(title, structs[title])}
    return {title: rows for title, type_ in structs.items() if (rows := rows_of(type_))}


def nested(title: str, type_: type) -> Iterator[tuple[str, type]]:
    """The tables inside a table, under the titles that their sections must have."""
    path = title.strip("`[]")
    for field in inspect.type_info(type_).fields:
        for info in parts(field.type):
            if isinstance(info, inspect.StructType):
                found, table = f"`[{path}.{field.encode_name}]`", info.cls
            elif isinstance(info, inspect.ListType) and isinstance(
                info.item_type, inspect.StructType
            ):
                found, table = f"`[[{path}.{field.encode_name}]]`", info.item_type.cls
            else:
                continue
            yield found, table
            yield from nested(found, table)


def parts(info: inspect.Type) -> tuple[inspect.Type, ...]:
    """The types that a value may have."""
    return info.types if isinstance(info, inspect.UnionType) else (info,)


def of_plugins() -> Iterator[tuple[str, type]]:
    """The settings of each plugin that comes with Hookline, and of each kind of provider."""
    plugins = Plugins({}, "docs")
    plugins.discover()
    for plugin in plugins:
        settings = getattr(plugins._modules.get(plugin.name), "Settings", None)
        if plugin.distribution == "hookline" and settings is not None:
            yield f"`[plugins.{plugin.name}]`", settings
    for _, kind in plugins.parts("model_provider"):
        yield f'`[providers.<name>]` with `kind = "{kind.kind}"`', kind.settings


def rows_of(type_: type) -> list[Row]:
    """The fields of a struct as rows."""
    info = inspect.type_info(type_)
    assert isinstance(info, inspect.StructType)
    return [(f.encode_name, words(f.type), default(f)) for f in info.fields]


def default(field: inspect.Field) -> str:
    """A default as TOML."""
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    return "none" if value is None else f"`{msgspec.json.encode(value).decode()}`"


def words(info: inspect.Type) -> str:
    """A type in the words of the page."""
    match info:
        case inspect.Metadata(type=inner):
            return words(inner)
        case inspect.UnionType(types=types):
            return " or ".join(words(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.IntType():
            return f"integer{limits(info)}"
        case inspect.FloatType():
            return f"number{limits(info)}"
        case inspect.LiteralType(values=values):
            return ", ".join(f'`"{value}"`' for value in sorted(values))
        case inspect.ListType(item_type=item):
            return f"list of {words(item)}"
        case inspect.DictType(value_type=value):
            return f"table of {words(value)}"
        case _:
            return PLAIN[type(info)]


def limits(info: Any) -> str:
    """The limits of a number."""
    least = "" if info.ge is None else f", at least {info.ge:.12g}"
    above = "" if info.gt is None else f", above {info.gt:.12g}"
    most = "" if info.le in {None, ALL} else f", at most {info.le:.12g}"
    return least + above + most


def test_every_table_has_its_section() -> None:
    """There is a section for each table that has keys, and for nothing else."""
    assert sorted(declared()) == sorted(described())


@pytest.mark.parametrize("title", sorted(declared()))
def test_every_key_is_described(title: str) -> None:
    """A section has the keys of its table in order, with types and defaults."""
    assert declared()[title] == described().get(title)


def test_every_level_of_the_config_is_on_the_page() -> None:
    """Each top-level table is named in some title."""
    titles = " ".join(match["title"] for match in _SECTION.finditer(PAGE.read_text()))

    tables = [field.encode_name for field in msgspec.structs.fields(Config)]
    assert [] == [table for table in tables if f"`[{table}" not in titles]


def test_variables_are_read_as_the_page_says() -> None:
    """The examples of variables on the page set what they say."""
    shown = dict(re.findall(r"^(HOOKLINE_\w+)=(.*)$", PAGE.read_text(), re.MULTILINE))

    config = load(None, Config, {name: text.strip("'") for name, text in shown.items()})

    assert 9000 == config.server.port
    assert ("127.0.0.1", "debug") == (config.server.host, config.server.log_level)
    assert ["langchain"] == config.runtime.disabled_plugins
    assert {"kind": "openai", "base_url": "http://127.0.0.1:11434/v1"} == config.providers["local"]
