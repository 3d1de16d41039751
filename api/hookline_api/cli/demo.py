"""``hookline demo``."""

import click

from hookline_api.cli.options import example


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="8000 unless given, or any that is free if that one is taken.",
)
@click.option("--api-key", metavar="KEY", help="The key to let in, instead of a random one.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print url, key and agents as a line of JSON."
)
@example("hookline demo --port 9000")
def demo(*, port: int | None, api_key: str | None, as_json: bool) -> None:
    """Serve scripted agents, with a key and a curl line to paste.

    Needs no config, no model and no network, and leaves nothing behind.
    """
    from hookline_api.cli.showcase import run

    run(port, api_key, as_json=as_json)
