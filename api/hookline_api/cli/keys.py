"""``hookline keys``: create, list, revoke."""

from pathlib import Path
from typing import Any

import click

from hookline_api.cli.moments import moment_to_come
from hookline_api.cli.options import config_option, example, json_option


def _ids(_: click.Context, __: click.Parameter, text: str | None) -> frozenset[str] | None:
    """Ids with commas between them."""
    if text is None:
        return None
    ids = frozenset(filter(None, (word.strip() for word in text.split(","))))
    if not ids:
        message = "name at least one agent"
        raise click.BadParameter(message)
    return ids


def _user(_: click.Context, __: click.Parameter, text: str) -> str:
    if not text.strip():
        message = "it must not be empty"
        raise click.BadParameter(message)
    return text


@click.group()
@example("hookline keys create --user alice --expires 30d")
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@config_option
@click.option("--user", required=True, callback=_user, metavar="USER", help="Whose key it is.")
@click.option("--name", default="", metavar="NAME", help="A label, to tell keys apart.")
@click.option(
    "--agents",
    callback=_ids,
    metavar="ID,ID",
    help="The only agents it may call; all unless given.",
)
@click.option(
    "--expires",
    "expires_at",
    callback=moment_to_come,
    metavar="30d|12h|DATE",
    help="When it ends; never unless given. A date is one of UTC.",
)
@click.option("--read-only", is_flag=True, help="It lists and reads; it calls no agent.")
@click.option("--admin", is_flag=True, help="Its user becomes an administrator, if it is new.")
@json_option
@example(
    "hookline keys create --user alice",
    "hookline keys create --user root --admin",
    "hookline keys create --user ci --agents helper,coder --expires 2030-01-01 --json",
)
def create(*, path: Path | None, user: str, admin: bool, as_json: bool, **fields: Any) -> None:
    """Make a key. It is shown once, and kept only as a hash.

    A user that is not there yet is created, with the role user, or admin.
    """
    from hookline.keys import new_key
    from hookline_api.cli.keyring import add
    from hookline_api.cli.output import print_json

    key, text = new_key(user, **fields)
    added = add(path, key, admin=admin)
    for agent in added.unknown:
        click.echo(f"hookline: there is no agent {agent} yet", err=True)
    if not added.usable:
        remedy = f"hookline roles allow {added.role} remote_agents.use"
        click.echo(f"hookline: the role {added.role} may not call agents yet: {remedy}", err=True)
    if as_json:
        print_json({"id": key.id, "key": text})
        return
    click.echo(f"{text}\n")
    click.echo(f"This is the key {key.id} of {user}. Keep it now: it is never shown again.")


@keys.command("list")
@config_option
@click.option("--user", metavar="USER", help="Only the keys of this user.")
@json_option
@example("hookline keys list --user alice")
def list_(*, path: Path | None, user: str | None, as_json: bool) -> None:
    """List keys, newest first, without their secret part. Times are UTC."""
    from hookline_api.cli.keyring import COLUMNS, found, row, summary
    from hookline_api.cli.output import print_json, print_table

    kept = found(path, user)
    if as_json:
        print_json([summary(key) for key in kept])
        return
    print_table(COLUMNS, map(row, kept))


@keys.command()
@config_option
@click.argument("key", metavar="ID")
@json_option
@example("hookline keys revoke key_0123456789abcdef")
def revoke(*, path: Path | None, key: str, as_json: bool) -> None:
    """Make the key with this ID invalid, for ever."""
    from hookline_api.cli.keyring import end
    from hookline_api.cli.output import print_json

    end(path, key)
    if as_json:
        print_json({"id": key, "revoked": True})
        return
    click.echo(f"The key {key} is revoked. Servers that run refuse it within seconds.")
