"""The table of a server: what belongs together, and what is refused with the key."""

from typing import Any

import pytest

from hookline.errors import ConfigError
from hookline.settings import decode_table
from hookline_mcp.servers import Child, Endpoint
from hookline_mcp.settings import ServerTable, Settings, server_of

URL = "https://example.com/mcp"


def decoded(**table: Any) -> Settings:
    return decode_table({"servers": {"wiki": table}}, Settings, "test.toml: plugins.mcp")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({}, "a server has either a command or a url"),
        ({"command": "x", "url": URL}, "a server has either a command or a url"),
        ({"url": URL, "args": ["x"]}, "args, env and cwd belong to a command"),
        ({"command": "x", "headers": {"a": "b"}}, "headers belong to a url"),
        ({"url": URL, "headers": {"Host": "b"}}, "the header Host cannot be set"),
        ({"url": URL, "headers": {"X": "{{KEY}}"}}, "{{KEY}} is not among the user_variables"),
        ({"url": URL, "user_variables": {"KEY": ""}}, "user_variables.KEY is not used anywhere"),
        (
            {"url": "https://{{HOST}}/mcp", "user_variables": {"HOST": ""}},
            "a placeholder may stand in the path or the query, not in the host",
        ),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": URL, "headers": {"X": "a\nb"}}, "headers"),
        ({"url": URL, "timeout": 0}, "timeout"),
        ({"url": URL, "transport": "sse"}, "there is no key 'transport'"),
    ],
)
def test_odd_tables_are_refused(table: dict[str, Any], text: str):
    """A table that makes no sense stops the start, with a sentence that says what is wrong."""
    with pytest.raises(ConfigError, match=r"^test.toml: plugins.mcp: servers") as caught:
        decoded(**table)

    assert text in str(caught.value)


def test_targets_are_checked_at_the_start():
    """What is no network is refused with the config."""
    with pytest.raises(ConfigError, match=r"10\.0\.0\.1/8"):
        decode_table({"allow_private": ["10.0.0.1/8"]}, Settings, "test.toml")


def test_number_of_servers_has_a_limit():
    """More servers than there may be are refused."""
    table = {"servers": {"a": {"url": URL}, "b": {"url": URL}}, "max_servers": 1}

    with pytest.raises(ConfigError, match="more than 1 servers"):
        decode_table(table, Settings, "test.toml")


def test_secrets_are_not_shown():
    """The text of a server has neither its arguments nor its variables, headers or URL."""
    child = server_of("a", ServerTable(command="x", args=["key-1"], env={"K": "key-2"}))
    hidden = server_of("a", ServerTable(url=f"{URL}?k=key-3", headers={"K": "key-4"}))

    assert "key-" not in repr(child) + repr(hidden)


def test_placeholders_are_filled():
    """Each place gets the value of its variable; what the value holds is not looked through."""
    way = Endpoint(url=f"{URL}/{{{{A}}}}", headers={"X": "{{A}}-{{ B }}"})

    filled = way.filled({"A": "{{B}}/?", "B": "b"})

    assert f"{URL}/%7B%7BB%7D%7D%2F%3F" == filled.url
    assert (("X", "{{B}}/?-b"),) == filled.headers


def test_value_cannot_become_an_option():
    """A value that would be an option of the command is refused."""
    way = Child(command="x", args=["{{A}}", "--key={{A}}"])

    assert ("v", "--key=v") == way.filled({"A": "v"}).args
    with pytest.raises(ValueError, match="would become an option"):
        way.filled({"A": "--eval=x"})
