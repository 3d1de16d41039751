"""``hookline roles``: what users may do, by their role."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hookline_api.cli.options import config_option, example, id_argument, json_option

if TYPE_CHECKING:
    from hookline.administration import Actor, Administration
    from hookline.roles import Role

COLUMNS = ("ID", "FEATURES", "MANAGED BY", "DESCRIPTION")
FEATURES = (
    "remote_agents.use",
    "remote_agents.create",
    "remote_agents.share",
    "remote_agents.share_public",
)
"""``hookline.roles.FEATURES``; a test compares them, so that ``--help`` need not import it."""

features_argument = click.argument(
    "features", nargs=-1, required=True, type=click.Choice(FEATURES), metavar="FEATURE..."
)


@click.group()
@example("hookline roles allow user remote_agents.use")
def roles() -> None:
    """List roles, and say what they may do.

    The features are remote_agents.use, remote_agents.create, remote_agents.share and
    remote_agents.share_public.
    """


@roles.command("list")
@config_option
@json_option
@example("hookline roles list")
def list_(*, path: Path | None, as_json: bool) -> None:
    """List roles by id, those that are as they were from the beginning too."""
    from hookline.roles import DEFAULT_ROLES, default_role
    from hookline_api.cli.office import listed
    from hookline_api.cli.output import print_things

    kept = listed(path, lambda store: store.roles)
    known = {role.id: role for role in [*map(default_role, DEFAULT_ROLES), *kept]}
    print_things([known[id_] for id_ in sorted(known)], COLUMNS, row, as_json=as_json)


@roles.command()
@config_option
@id_argument
@json_option
@example("hookline roles show user")
def show(*, path: Path | None, id_: str, as_json: bool) -> None:
    """Show one role."""
    from hookline.roles import default_role
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_thing

    kept = administered(path, lambda office, _: office.roles.store.get(id_))
    print_thing(kept or default_role(id_), as_json=as_json)


@roles.command()
@config_option
@id_argument
@features_argument
@json_option
@example("hookline roles allow user remote_agents.use")
def allow(*, path: Path | None, id_: str, features: tuple[Any, ...], as_json: bool) -> None:
    """Let those who have a role use features."""
    _change(path, id_, lambda old: old | set(features), as_json=as_json)


@roles.command()
@config_option
@id_argument
@features_argument
@json_option
@example("hookline roles deny user remote_agents.use")
def deny(*, path: Path | None, id_: str, features: tuple[Any, ...], as_json: bool) -> None:
    """Take features away from those who have a role."""
    _change(path, id_, lambda old: old - set(features), as_json=as_json)


def _change(
    path: Path | None,
    id_: str,
    change: Callable[[frozenset[Any]], frozenset[Any]],
    *,
    as_json: bool,
) -> None:
    import attrs

    from hookline.roles import default_role
    from hookline_api.cli.office import administered
    from hookline_api.cli.output import print_done

    async def work(office: "Administration", actor: "Actor") -> "Role":
        current = await office.roles.store.get(id_)
        if current is None:
            made = default_role(id_)
            made = attrs.evolve(made, features=change(made.features))
            return await office.roles.create(actor, made)
        changed = attrs.evolve(current, features=change(current.features))
        return await office.roles.replace(actor, changed, expected=current.version)

    kept = administered(path, work)
    words = ", ".join(sorted(kept.features)) or "nothing"
    print_done(kept, f"The role {id_} may: {words}.", as_json=as_json)


def row(role: Any) -> tuple[str, ...]:
    """A role in a table with ``COLUMNS``."""
    features = ", ".join(sorted(role.features)) or "none"
    return (role.id, features, role.managed_by or "", role.description)
