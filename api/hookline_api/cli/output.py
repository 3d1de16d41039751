"""What commands print: JSON, or tables and lines with colours on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
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


def moment(at: datetime | None) -> str:
    """A time as ISO 8601 in UTC, to the second; empty if there is none."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
