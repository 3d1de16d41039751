"""Options that the server's commands and those of plugins have in common."""

from collections.abc import Callable
from typing import Any

import click
import pytest

import hookline.options
import hookline_api.cli.options


def told(option: Callable[..., Any]) -> Any:
    """Everything about a command with this option."""
    command = click.command("one")(option(lambda **_: None))
    return command.to_info_dict(click.Context(command))


@pytest.mark.parametrize("name", ["config_option", "json_option"])
def test_plugins_have_the_same_options(name: str):
    """They are written twice, since help must not wait for the runtime; they do not differ."""
    assert told(getattr(hookline.options, name)) == told(getattr(hookline_api.cli.options, name))
