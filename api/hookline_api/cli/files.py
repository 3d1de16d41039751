"""``hookline files``: list, show, delete."""

from pathlib import Path

import click

from hookline_api.cli.options import config_option, example, json_option


@click.group()
@example("hookline files list --user alice")
def files() -> None:
    """List, show and delete files of users."""


@files.command("list")
@config_option
@click.option("--user", metavar="USER", help="Only the files of this user.")
@json_option
@example("hookline files list --user alice --json")
def list_(*, path: Path | None, user: str | None, as_json: bool) -> None:
    """List files, the oldest first. Times are UTC."""
    from hookline_api.cli.cabinet import COLUMNS, found, row
    from hookline_api.cli.output import print_things

    print_things(found(path, user), COLUMNS, row, as_json=as_json)


@files.command()
@config_option
@click.argument("file", metavar="ID")
@json_option
@example("hookline files show file-0660c5ec5faade4462caa87019340f")
def show(*, path: Path | None, file: str, as_json: bool) -> None:
    """Show all that is known of the file with this ID."""
    from hookline_api.cli.cabinet import one
    from hookline_api.cli.output import print_thing

    print_thing(one(path, file), as_json=as_json)


@files.command()
@config_option
@click.argument("file", metavar="ID")
@json_option
@example("hookline files delete file-0660c5ec5faade4462caa87019340f")
def delete(*, path: Path | None, file: str, as_json: bool) -> None:
    """Delete the file with this ID, and its bytes if no other file has the same."""
    from hookline_api.cli.cabinet import remove
    from hookline_api.cli.output import print_deleted

    remove(path, file)
    print_deleted("file", file, as_json=as_json)
