"""``hookline check``."""

from pathlib import Path

import click

from hookline_api.cli.options import config_option, example, json_option


@click.command()
@config_option
@json_option
@click.pass_context
@example("hookline check --config hookline.toml")
def check(ctx: click.Context, *, path: Path | None, as_json: bool) -> None:
    """Say what is wrong with config, plugins, store or agents, and where.

    Starts what the server would start, and stops it again. Exit code 1 if there is an error.
    """
    from hookline_api import logs
    from hookline_api.cli.findings import examine
    from hookline_api.cli.output import print_json, print_table

    logs.quiet()
    findings = examine(path)
    if as_json:
        print_json(findings)
    else:
        columns = ("CHECKED", "STATUS", "MESSAGE", "REMEDY")
        rows = ((f.name, f.status, f.message, f.remedy or "") for f in findings)
        print_table(columns, rows)
    if any(finding.status == "error" for finding in findings):
        ctx.exit(1)
