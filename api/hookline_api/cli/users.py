"""``hookline users``: whom keys belong to and grants name."""

from pathlib import Path
from typing import Any

import click

from hookline_api.cli.confirmation import confirm, yes_option
from hookline_api.cli.options import config_option, example, id_argument, json_option

COLUMNS = ("ID", "NAME", "EMAIL", "ROLE", "STATE", "CREATED")


@click.group()
@example("hookline users create alice --name 'Alice A.' --role user")
def users() -> None:
    """Create, change and list users."""


@users.command("list")
@config_option
@json_option
@example("hookline users list --json")
def list_(*, path: Path | None, as_json: bool) -> None:
    """List users by id."""
    from hookline_api.cli.office import listed
    from hookline_api.cli.output import print_things

    kept = listed(path, lambda store: store.users)
    print_things(kept, COLUMNS, row, as_json=as_json)


@users.command()
@config_option
@id_argument
@json_option
@example("hookline users show alice")
def show(*, path: Path | None, id_: str, as_json: bool) -> None:
    """Show one user."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_thing

    print_thing(administered(path, lambda office, _: office.users.find(id_)), as_json=as_json)


@users.command()
@config_option
@id_argument
@click.option("--name", default="", metavar="NAME", help="For people.")
@click.option("--email", default="", metavar="ADDRESS", help="For people.")
@click.option("--role", default="user", metavar="ROLE", help="The role; user unless given.")
@json_option
@example("hookline users create alice --email alice@example.org")
def create(*, path: Path | None, id_: str, name: str, email: str, role: str, as_json: bool) -> None:
    """Create a user."""
    from hookline.users import User
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    user = User(id=id_, name=name, email=email, role=role)
    kept = administered(path, lambda office, actor: office.users.create(actor, user))
    print_done(kept, f"The user {id_} has the role {kept.role}.", as_json=as_json)


@users.command()
@config_option
@id_argument
@click.option("--name", metavar="NAME", help="For people.")
@click.option("--email", metavar="ADDRESS", help="For people.")
@click.option("--role", metavar="ROLE", help="The role.")
@click.option("--disable/--enable", "disabled", default=None, help="Let it in nowhere, or again.")
@json_option
@example("hookline users update alice --role admin", "hookline users update bob --disable")
def update(*, path: Path | None, id_: str, as_json: bool, **fields: Any) -> None:
    """Change a user; what is not given stays."""
    import attrs

    from hookline.administration import Actor, Administration
    from hookline.users import User
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    changes = {name: value for name, value in fields.items() if value is not None}

    async def work(office: Administration, actor: Actor) -> User:
        current = await office.users.find(id_)
        changed = attrs.evolve(current, **changes)
        return await office.users.replace(actor, changed, expected=current.version)

    kept = administered(path, work)
    print_done(kept, f"The user {id_} is {', '.join(row(kept)[1:5])}.", as_json=as_json)


@users.command()
@config_option
@id_argument
@yes_option
@json_option
@example("hookline users delete alice --yes")
def delete(*, path: Path | None, id_: str, yes: bool, as_json: bool) -> None:
    """Delete a user; its keys are revoked, and its grants and memberships end."""
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_deleted

    confirm(f"Delete the user {id_}, revoke its keys and end its grants?", yes=yes)
    administered(path, lambda office, actor: office.users.delete(actor, id_))
    print_deleted("user", id_, as_json=as_json)


def row(user: Any) -> tuple[str, ...]:
    """A user in a table with ``COLUMNS``."""
    from hookline_api.cli.output import moment

    state = "disabled" if user.disabled else "valid"
    return (user.id, user.name, user.email, user.role, state, moment(user.created_at))
