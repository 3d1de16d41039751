"""``hookline chat``."""

import sys
from pathlib import Path

import click

from hookline_api.cli.options import config_option, example, json_option


@click.command()
@config_option
@click.argument("agent")
@click.option("-m", "--message", metavar="TEXT", help="Say this and end; - reads all of stdin.")
@click.option("--stream/--no-stream", default=True, help="Print the answer as it comes, or whole.")
@click.option("-y", "--yes", is_flag=True, help="Approve of every call that needs approval.")
@json_option
@example(
    "hookline chat helper",
    'hookline chat helper -m "What is 6 * 7?" --json',
    "git diff | hookline chat reviewer -m -",
)
def chat(
    *,
    path: Path | None,
    agent: str,
    message: str | None,
    stream: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Talk to AGENT here, without a server and as the user "cli".

    Says what is typed, or each line of stdin. Ctrl-C ends an answer, Ctrl-D the conversation.
    Calls of tools that need approval are asked for in a terminal; elsewhere they are refused.
    With --json, each answer is a line of JSON.
    """
    from hookline_api import logs
    from hookline_api.cli.conversation import Chat, approve, ask_nobody, ask_user
    from hookline_api.cli.screen import JsonLines, Screen
    from hookline_api.cli.setup import load_setup

    logs.quiet()
    screen = JsonLines() if as_json else Screen(stream=stream)
    asked = ask_user if sys.stdin.isatty() else ask_nobody
    if not Chat(load_setup(path), agent, screen, approve if yes else asked).hold(message):
        click.get_current_context().exit(1)
