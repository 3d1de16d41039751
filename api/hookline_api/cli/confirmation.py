"""Asking before something is lost."""

import sys

import click

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; where nobody can be asked, what was called for is done.

    Raises:
        Abort: the answer was no.
    """
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True)
