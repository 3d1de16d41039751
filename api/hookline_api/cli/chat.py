"""``hookline chat``."""

from pathlib import Path

import click

from hookline_api.cli.options import config_option, example, json_option


@click.command()
@config_option
@click.argument("agent")
@click.option("-m", "--message", metavar="TEXT", help="Say this and end; - reads all of stdin.")
@click.option("--stream/--no-stream", default=True, help="Print the answer as it comes, or whole.")
@json_option
@click.pass_context
@example(
    "hookline chat helper",
    'hookline chat helper -m "What is 6 * 7?" --json',
    "git diff | hookline chat reviewer -m -",
)
def chat(
    ctx: click.Context,
    *,
    path: Path | None,
    agent: str,
    message: str | None,
    stream: bool,
    as_json: bool,
) -> None:
    """Talk to AGENT here, without a server and as the user "cli".

    Says what is typed, or each line of stdin. Ctrl-C ends an answer, Ctrl-D the conversation.
    With --json, each answer is a line of JSON.
    """
    from hookline_api import logs
    from hookline_api.cli.conversation import Chat
    from hookline_api.cli.screen import JsonLines, Screen
    from hookline_api.cli.setup import load_setup

    logs.quiet()
    screen = JsonLines() if as_json else Screen(stream=stream)
    if not Chat(load_setup(path), agent, screen).hold(message):
        ctx.exit(1)
