"""``hookline plugins``."""

from pathlib import Path

import click

from hookline_api.cli.options import config_option, example, json_option


@click.command()
@config_option
@json_option
@example("hookline plugins --json")
def plugins(*, path: Path | None, as_json: bool) -> None:
    """List the plugins, and say why one was set aside."""
    from hookline.errors import HooklineError
    from hookline.plugins import describe
    from hookline.registry import Registry
    from hookline_api import logs
    from hookline_api.cli.output import print_json, print_table
    from hookline_api.cli.setup import load_setup

    logs.quiet()
    setup = load_setup(path)
    try:
        # A plugin may fail no sooner than when it is asked for its parts.
        Registry(setup.config, setup.plugins, setup.source)
    except HooklineError as error:
        click.echo(f"hookline: the server would not start: {error}", err=True)
    listed = [describe(plugin) for plugin in setup.plugins]
    if as_json:
        print_json(listed)
        return
    columns = ("NAME", "STATE", "FROM", "HOOKS OR ERROR", "REMEDY")
    rows = (
        (
            plugin["name"],
            plugin["state"],
            f"{plugin['distribution']} {plugin['version']}".strip(),
            plugin["error"] or ", ".join(plugin["hooks"]),
            plugin["remedy"] or "",
        )
        for plugin in listed
    )
    print_table(columns, rows)
