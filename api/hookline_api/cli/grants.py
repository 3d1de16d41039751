"""``hookline grants``: who may do what to which resource."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hookline_api.cli.failures import WrongUse
from hookline_api.cli.moments import moment_to_come
from hookline_api.cli.options import config_option, example, json_option

if TYPE_CHECKING:
    from hookline.administration import Actor, Administration
    from hookline.grants import Grant, Grantee

COLUMNS = ("GRANTEE", "KIND", "RESOURCE", "ROLE OR BITS", "BY", "SINCE", "EXPIRES")
KINDS = ("agent", "remoteAgent", "mcpServer", "file")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def grantee_options(function: FunctionT) -> FunctionT:
    """Say for whom a grant is."""
    options = (
        click.option("--user", metavar="ID", help="For a user."),
        click.option("--group", metavar="ID", help="For the members of a group."),
        click.option("--role", metavar="NAME", help="For those who have a role."),
        click.option("--public", is_flag=True, help="For everybody who is let in."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def resource_options(function: FunctionT) -> FunctionT:
    """Say what a grant is on."""
    function = click.option(
        "--kind",
        type=click.Choice(KINDS),
        default="remoteAgent",
        help="remoteAgent, which is calling an agent, unless given; agent is the document itself.",
    )(function)
    return click.option("--agent", "--resource", "resource", metavar="ID", required=True)(function)


@click.group()
@example("hookline grants add --user alice --agent helper")
def grants() -> None:
    """Give, take and list permissions."""


@grants.command()
@config_option
@grantee_options
@resource_options
@click.option(
    "--access",
    type=click.Choice(("viewer", "editor", "owner")),
    default="viewer",
    help="viewer unless given: who may view a remoteAgent may call it.",
)
@click.option(
    "--expires",
    callback=moment_to_come,
    metavar="30d|12h|DATE",
    help="When it ends; never unless given. A date is one of UTC.",
)
@json_option
@example(
    "hookline grants add --user alice --agent helper",
    "hookline grants add --group devs --agent helper --kind agent --access editor --expires 30d",
)
def add(
    *,
    path: Path | None,
    resource: str,
    kind: Any,
    access: str,
    expires: datetime | None,
    as_json: bool,
    **grantee: Any,
) -> None:
    """Give somebody access, in the place of the access they had."""
    from hookline.grants import Resource
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    whom = one_of(grantee)

    async def work(office: "Administration", actor: "Actor") -> "Grant":
        return await office.grants.grant(
            actor, Resource(kind, resource), whom, f"{kind}_{access}", expires_at=expires
        )

    kept = administered(path, work)
    print_done(kept, f"{_name(kept.grantee)} is {kept.role} of {resource}.", as_json=as_json)


@grants.command()
@config_option
@grantee_options
@resource_options
@json_option
@example("hookline grants remove --user alice --agent helper")
def remove(*, path: Path | None, resource: str, kind: Any, as_json: bool, **grantee: Any) -> None:
    """Take away what somebody has."""
    from hookline.grants import Resource
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_json

    whom = one_of(grantee)
    administered(
        path, lambda office, actor: office.grants.revoke(actor, Resource(kind, resource), whom)
    )
    if as_json:
        print_json({"grantee": whom, "kind": kind, "resource": resource, "removed": True})
        return
    click.echo(f"{_name(whom)} has no grant on {kind} {resource} any more.")


@grants.command("list")
@config_option
@grantee_options
@click.option("--agent", "--resource", "resource", metavar="ID", help="Only those on this one.")
@click.option("--kind", type=click.Choice(KINDS), help="Only those on resources of this kind.")
@json_option
@example("hookline grants list --agent helper", "hookline grants list --group devs --json")
def list_(
    *, path: Path | None, resource: str | None, kind: str | None, as_json: bool, **grantee: Any
) -> None:
    """List grants; expired ones too."""
    from hookline.grants import RESOURCE_KINDS
    from hookline_api.cli.office import administered, listed
    from hookline_api.cli.output import print_things

    found: Sequence[Any]
    if any(grantee.values()):
        whom = one_of(grantee)
        found = administered(
            path, lambda office, _: office.store.grants.of_grantees([whom], RESOURCE_KINDS)
        )
    else:
        found = listed(path, lambda store: store.grants)
    kept = [
        grant
        for grant in found
        if kind in {None, grant.resource.kind} and resource in {None, grant.resource.id}
    ]
    print_things(kept, COLUMNS, row, as_json=as_json)


def one_of(given: Mapping[str, Any]) -> "Grantee":
    """The grantee that the options name.

    Raises:
        WrongUse: they name none, or several.
    """
    from hookline.grants import PUBLIC, Grantee

    named = {kind: value for kind, value in given.items() if value}
    if len(named) != 1:
        message = "say for whom with one of --user, --group, --role and --public"
        raise WrongUse(message)
    [(kind, value)] = named.items()
    return PUBLIC if kind == "public" else Grantee(kind, value)  # type: ignore[arg-type]


def row(grant: Any) -> tuple[str, ...]:
    """A grant in a table with ``COLUMNS``."""
    from hookline_api.cli.output import moment

    what = grant.role or str(int(grant.bits))
    resource, times = grant.resource, (moment(grant.granted_at), moment(grant.expires_at))
    return (_name(grant.grantee), resource.kind, resource.id, what, grant.granted_by, *times)


def _name(grantee: "Grantee") -> str:
    return f"{grantee.kind} {grantee.id}".strip()
