"""``hookline agents``: apply files, show, delete, go back to earlier versions."""

from pathlib import Path
from typing import Any

import click

from hookline_api.cli.confirmation import confirm, yes_option
from hookline_api.cli.options import config_option, example, id_argument, json_option

COLUMNS = ("ID", "VERSION", "NAME", "PROVIDER", "MODEL", "AUTHOR", "MANAGED BY", "UPDATED")
VERSION_COLUMNS = ("VERSION", "UPDATED", "BY", "NAME", "MODEL")


@click.group()
@example("hookline agents apply -f agents.toml --dry-run")
def agents() -> None:
    """Create, change and list agents."""


@agents.command()
@config_option
@click.option(
    "-f",
    "--file",
    "source",
    required=True,
    type=click.File("r", encoding="utf-8"),
    help="TOML or JSON, with one agent or several; - for standard input.",
)
@click.option("--author", metavar="USER", help="Who may do everything with new agents; nobody.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@json_option
@example("hookline agents apply -f agents.toml --dry-run", "hookline agents apply -f helper.json")
def apply(
    *, path: Path | None, source: Any, author: str | None, dry_run: bool, as_json: bool
) -> None:
    """Create agents, or change them to what a file says, and show the difference.

    All of them are checked before the first one is written. Nobody may call a new agent but its
    author, until somebody grants it.
    """
    from hookline_api.cli.applying import apply_text
    from hookline_api.cli.output import print_json, print_lines

    done = apply_text(path, source.read(), source.name, author=author, dry_run=dry_run)
    if not dry_run and author is None:
        for new in (one.id for one in done if one.change == "created"):
            remedy = f"hookline grants add --public --agent {new}"
            click.echo(f"hookline: nobody may call the agent {new} yet: {remedy}", err=True)
    if as_json:
        print_json([{"id": one.id, "change": one.change, "version": one.version} for one in done])
        return
    for one in done:
        print_lines(one.difference)
        would = "would be " if dry_run and one.change != "unchanged" else ""
        version = "" if dry_run else f" (version {one.version})"
        click.echo(f"agent {one.id}: {would}{one.change}{version}")


@agents.command("list")
@config_option
@json_option
@example("hookline agents list")
def list_(*, path: Path | None, as_json: bool) -> None:
    """List agents by id."""
    from hookline_api.cli.office import listed
    from hookline_api.cli.output import print_things

    print_things(listed(path, lambda store: store.agents), COLUMNS, row, as_json=as_json)


@agents.command()
@config_option
@click.argument("id_", metavar="ID[@VERSION]")
@json_option
@example("hookline agents show helper", "hookline agents show helper@3 --json")
def show(*, path: Path | None, id_: str, as_json: bool) -> None:
    """Show one agent, or one version of it."""
    from hookline_api.cli.applying import found
    from hookline_api.cli.output import print_thing

    print_thing(found(path, id_), as_json=as_json)


@agents.command()
@config_option
@id_argument
@yes_option
@json_option
@example("hookline agents delete helper --yes")
def delete(*, path: Path | None, id_: str, yes: bool, as_json: bool) -> None:
    """Delete an agent, the grants on it, and the edges that lead to it."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_deleted

    confirm(f"Delete the agent {id_} and what is granted on it?", yes=yes)
    administered(path, lambda office, actor: office.agents.delete(actor, id_))
    print_deleted("agent", id_, as_json=as_json)


@agents.command()
@config_option
@id_argument
@json_option
@example("hookline agents versions helper")
def versions(*, path: Path | None, id_: str, as_json: bool) -> None:
    """List the versions of an agent, newest first."""
    from hookline_api.cli.applying import versions_of
    from hookline_api.cli.output import print_things

    print_things(versions_of(path, id_), VERSION_COLUMNS, _version, as_json=as_json)


@agents.command()
@config_option
@id_argument
@click.argument("version", type=click.IntRange(min=1), metavar="VERSION")
@json_option
@example("hookline agents revert helper 3")
def revert(*, path: Path | None, id_: str, version: int, as_json: bool) -> None:
    """Make a new version of an agent that is like an earlier one."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    kept = administered(path, lambda office, actor: office.agents.revert(actor, id_, version))
    sentence = f"The agent {id_} is like version {version} again, as version {kept.version}."
    print_done(kept, sentence, as_json=as_json)


def row(agent: Any) -> tuple[str, ...]:
    """An agent in a table with ``COLUMNS``."""
    from hookline_api.cli.output import moment

    what = (agent.id, str(agent.version), agent.name, agent.provider, agent.model)
    return (*what, agent.author or "", agent.managed_by or "", moment(agent.updated_at))


def _version(agent: Any) -> tuple[str, ...]:
    from hookline_api.cli.output import moment

    at = moment(agent.updated_at)
    return (str(agent.version), at, agent.updated_by or "", agent.name, agent.model)
