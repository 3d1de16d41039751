"""What commands print: JSON, or tables and lines with colours on a terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 1000
"""Columns where no terminal limits them, so that a program finds each row in one line."""

STYLES: Mapping[str, str] = {
    "ok": "green",
    "loaded": "green",
    "valid": "green",
    "warning": "yellow",
    "quarantined": "yellow",
    "expired": "yellow",
    "error": "bold red",
    "revoked": "red",
    "disabled": "red",
}
"""Colours of the words that say how something is."""


def console(*, stderr: bool = False) -> Console:
    """Where to print. It has colours on a terminal only, and takes text literally."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDE
    return made


def print_json(value: Any) -> None:
    """Print a value as one line of JSON; times are UTC, as in RFC 3339."""
    click.echo(msgspec.json.encode(value).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under the names of their columns."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    out = console()
    with out.capture() as captured:
        out.print(table)
    lines = captured.get().splitlines()
    click.echo("\n".join(line.rstrip() for line in lines), color=out.is_terminal or None)


def print_things(
    things: Sequence[Any],
    columns: Sequence[str],
    row: Callable[[Any], Sequence[str]],
    *,
    as_json: bool,
) -> None:
    """Print a list: as JSON, or a row for each thing."""
    if as_json:
        print_json(_ordered(list(things)))
        return
    print_table(columns, map(row, things))


def print_lines(lines: Iterable[str]) -> None:
    """Print the lines of a difference, coloured on a terminal."""
    out = console()
    for line in lines:
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        out.print(line, style=style, soft_wrap=True)


def print_thing(thing: Any, *, as_json: bool) -> None:
    """Print one thing: as JSON, or a row for each of its fields."""
    fields = _ordered(thing)
    if as_json:
        print_json(fields)
        return
    print_table(("FIELD", "VALUE"), ((name, _words(value)) for name, value in fields.items()))


def print_done(thing: Any, sentence: str, *, as_json: bool) -> None:
    """Print what something is now: as JSON, or in a sentence."""
    if as_json:
        print_json(_ordered(thing))
        return
    click.echo(sentence)


def print_deleted(kind: str, id_: str, *, as_json: bool) -> None:
    """Print that something is gone."""
    if as_json:
        print_json({"id": id_, "deleted": True})
        return
    click.echo(f"The {kind} {id_} is deleted.")


def _ordered(thing: Any) -> Any:
    """The thing as JSON has it, sets in one order."""
    return msgspec.to_builtins(thing, order="deterministic")


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def moment(at: datetime | None) -> str:
    """A time as ISO 8601 in UTC, to the second; empty if there is none."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
