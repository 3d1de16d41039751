"""Options of commands that plugins add: the same that the server's own commands have."""

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HOOKLINE_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="The config; ./hookline.toml unless given, or only defaults if there is none.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
