"""``hookline audit``: who changed what."""

from pathlib import Path
from typing import Any

import click

from hookline_api.cli.options import config_option, example, json_option

COLUMNS = ("AT", "ACTOR", "ACTION", "KIND", "SUBJECT", "DETAIL")


@click.group()
@example("hookline audit list --kind agent --subject helper")
def audit() -> None:
    """See who changed what, and when."""


@audit.command("list")
@config_option
@click.option("--kind", metavar="KIND", help="Only changes of agents, users, groups, …: agent.")
@click.option("--subject", metavar="ID", help="Only changes of the thing with this id.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, help="100 unless given.")
@json_option
@example("hookline audit list --limit 20", "hookline audit list --kind key --json")
def list_(
    *, path: Path | None, kind: str | None, subject: str | None, limit: int, as_json: bool
) -> None:
    """List changes, newest first."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_things

    kept = administered(
        path,
        lambda office, _: office.store.audit.list(kind=kind, subject=subject, limit=limit),
    )
    print_things(kept, COLUMNS, row, as_json=as_json)


def row(record: Any) -> tuple[str, ...]:
    """A change in a table with ``COLUMNS``."""
    from hookline_api.cli.output import moment

    what = (record.action, record.kind, record.subject, record.detail)
    return (moment(record.at), record.actor, *what)
