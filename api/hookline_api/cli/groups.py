"""``hookline groups``: users to whom grants can be given together."""

from pathlib import Path
from typing import Any

import click

from hookline_api.cli.confirmation import confirm, yes_option
from hookline_api.cli.options import config_option, example, id_argument, json_option

COLUMNS = ("ID", "NAME", "SOURCE", "MEMBERS", "CREATED")
SHOWN = 10
"""How many members a table shows."""

members_argument = click.argument("members", nargs=-1, required=True, metavar="USER...")


@click.group()
@example("hookline groups create devs --member alice --member bob")
def groups() -> None:
    """Create, change and list groups."""


@groups.command("list")
@config_option
@json_option
@example("hookline groups list")
def list_(*, path: Path | None, as_json: bool) -> None:
    """List groups by id."""
    from hookline_api.cli.office import listed
    from hookline_api.cli.output import print_things

    kept = listed(path, lambda store: store.groups)
    print_things(kept, COLUMNS, row, as_json=as_json)


@groups.command()
@config_option
@id_argument
@json_option
@example("hookline groups show devs --json")
def show(*, path: Path | None, id_: str, as_json: bool) -> None:
    """Show one group with all its members."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_thing

    print_thing(administered(path, lambda office, _: office.groups.find(id_)), as_json=as_json)


@groups.command()
@config_option
@id_argument
@click.option("--name", default="", metavar="NAME", help="For people.")
@click.option("--description", default="", metavar="TEXT", help="For people.")
@click.option("--member", "members", multiple=True, metavar="USER", help="Once for each member.")
@json_option
@example("hookline groups create devs --member alice --member bob")
def create(
    *,
    path: Path | None,
    id_: str,
    name: str,
    description: str,
    members: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create a group."""
    from hookline.administration import Actor, Administration
    from hookline.groups import Group
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    async def work(office: Administration, actor: Actor) -> Group:
        for member in members:
            await office.users.find(member)
        group = Group(id=id_, name=name, description=description, members=members)
        return await office.groups.create(actor, group)

    kept = administered(path, work)
    print_done(kept, f"The group {id_} has {len(kept.members)} members.", as_json=as_json)


@groups.command("add-members")
@config_option
@id_argument
@members_argument
@json_option
@example("hookline groups add-members devs alice bob")
def add_members(*, path: Path | None, id_: str, members: tuple[str, ...], as_json: bool) -> None:
    """Add users to a group."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    kept = administered(path, lambda office, actor: office.groups.add_members(actor, id_, members))
    print_done(kept, f"The group {id_} has {len(kept.members)} members.", as_json=as_json)


@groups.command("remove-members")
@config_option
@id_argument
@members_argument
@json_option
@example("hookline groups remove-members devs bob")
def remove_members(*, path: Path | None, id_: str, members: tuple[str, ...], as_json: bool) -> None:
    """Take users out of a group."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    kept = administered(
        path, lambda office, actor: office.groups.remove_members(actor, id_, members)
    )
    print_done(kept, f"The group {id_} has {len(kept.members)} members.", as_json=as_json)


@groups.command()
@config_option
@id_argument
@yes_option
@json_option
@example("hookline groups delete devs --yes")
def delete(*, path: Path | None, id_: str, yes: bool, as_json: bool) -> None:
    """Delete a group; what was granted to it ends."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_deleted

    confirm(f"Delete the group {id_} and end its grants?", yes=yes)
    administered(path, lambda office, actor: office.groups.delete(actor, id_))
    print_deleted("group", id_, as_json=as_json)


def row(group: Any) -> tuple[str, ...]:
    """A group in a table with ``COLUMNS``."""
    from hookline_api.cli.output import moment

    members = sorted(group.members)
    more = f" and {len(members) - SHOWN} more" if len(members) > SHOWN else ""
    shown = ", ".join(members[:SHOWN]) + more
    return (group.id, group.name, group.source, shown, moment(group.created_at))
