"""Names of tools: what models may call them, and which server they belong to."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_mcp.naming import all_of, public_names, server_in
from hookline_mcp.settings import ServerName

NAMES = st.lists(st.text(min_size=1, max_size=90), max_size=20, unique=True)
SERVERS = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True).filter(
    lambda name: "_mcp_" not in name and not name.startswith("mcp_")
)


def test_fitting_names_stay():
    """A name that models may use is followed by the server's name."""
    assert {"search_mcp_wiki": "search"} == public_names("wiki", ["search"])


def test_odd_names_are_changed():
    """A character that models may not use becomes an underscore."""
    assert {"repo_search_mcp_hub": "repo.search"} == public_names("hub", ["repo.search"])


def test_changed_names_do_not_collide():
    """The tool that has the name already keeps it; others get a hash, in whatever order."""
    names = public_names("hub", ["a.b", "a_b", "a/b"])

    assert "a_b" == names["a_b_mcp_hub"]
    assert {"a.b", "a_b", "a/b"} == set(names.values())
    assert names == public_names("hub", ["a/b", "a_b", "a.b"])


@given(NAMES, SERVERS)
def test_every_tool_has_its_own_name(tools: list[str], server: str):
    """Whatever a server calls its tools, each has a name that models may call, of that server."""
    names = public_names(server, tools)

    assert set(tools) == set(names.values())
    for name in names:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
        assert server == server_in(name)


@given(SERVERS)
def test_token_belongs_to_its_server(server: str):
    """The entry for all tools of a server is known as that."""
    assert server == server_in(all_of(server))


@pytest.mark.parametrize("entry", ["calculator", "_mcp_", "a_mcp_", "_mcp_b", "mcp_b"])
def test_other_entries(entry: str):
    """What has no tool or no server is no tool of a server."""
    assert server_in(entry) is None


@pytest.mark.parametrize("name", ["", "a b", "mcp_x", "a_mcp_b", "x" * 33, "é", "a\n", "-a"])
def test_names_that_servers_cannot_have(name: str):
    """A name that could be read in two ways, or that models may not use, is refused."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, ServerName)
