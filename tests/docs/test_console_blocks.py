"""The checks of console blocks find what is wrong."""

import click
import pytest

from support.blocks import check_command, check_task


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--config", "hookline.toml", "--port", "9000"],
        ["keys", "create", "--user", "alice", "--json"],
        ["plugins"],
    ],
)
def test_commands_that_are_there(words: list[str]):
    """A command with options that it has passes."""
    check_command(words)


@pytest.mark.parametrize("words", [["serve", "--nope"], ["keys", "list", "--agents", "a"]])
def test_an_unknown_option_is_found(words: list[str]):
    """An option that the command does not have fails."""
    with pytest.raises(click.NoSuchOption):
        check_command(words)


@pytest.mark.parametrize("words", [["nope"], ["keys", "nope"]])
def test_an_unknown_command_is_found(words: list[str]):
    """A command that is not there fails."""
    with pytest.raises(AssertionError, match="no command nope"):
        check_command(words)


def test_an_unknown_session_is_found():
    """A session that noxfile.py does not have fails."""
    check_task(["noxfile.py", "test"])

    with pytest.raises(AssertionError, match="no session nope"):
        check_task(["noxfile.py", "nope"])
