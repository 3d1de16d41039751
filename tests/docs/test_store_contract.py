"""The page on stores lists every test of the contract, by port."""

import re
from collections.abc import Iterator
from pathlib import Path

import hookline.store
from hookline.testing import StoreContract

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
_ROW = re.compile(
    r"^\| (?P<ports>[^|]+) \| `(?P<part>\w+Contract)` \| (?P<tests>[^|]+) \|$", re.MULTILINE
)


def described() -> dict[str, list[str]]:
    """The tests of each part, as the page lists them."""
    return {row["part"]: row["tests"].split("; ") for row in _ROW.finditer(PAGE.read_text())}


def declared() -> Iterator[tuple[str, list[str]]]:
    """The tests of each part of the suite, in words."""
    for part in StoreContract.__mro__:
        names = [name for name in vars(part) if name.startswith("test_")]
        if names:
            yield part.__name__, [name.removeprefix("test_").replace("_", " ") for name in names]


def test_every_test_of_the_contract_is_listed() -> None:
    """By the part of the suite that it is in, and no others."""
    assert dict(declared()) == described()


def test_every_port_has_a_part() -> None:
    """Each port of a store stands in the first column of some row."""
    ports = {name for name, value in vars(hookline.store.Store).items() if _is_port(value)}
    listed = {
        port
        for row in _ROW.finditer(PAGE.read_text())
        for port in re.findall(r"`(\w+)`", row["ports"])
    }

    assert ports == listed


def _is_port(value: object) -> bool:
    return isinstance(value, property)
