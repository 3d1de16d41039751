"""``hookline mcp``: servers in the store, what they offer, and what users give for them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from hookline.errors import InvalidRequest, NotFound
from hookline.options import config_option, json_option
from hookline.resealing import report
from hookline_mcp.failures import NotConnected
from hookline_mcp.offline import Office, opened_office
from hookline_mcp.servers import Child, Server
from hookline_mcp.settings import ServerTable

ResultT = TypeVar("ResultT")
NOBODY = "cli"
"""Whose connection ``test`` makes to a server that asks for nothing of users."""


@click.group()
def mcp() -> None:
    """Add and test MCP servers, and keep what users give for them."""


@mcp.command("list", epilog="Example: hookline mcp list")
@config_option
@json_option
def list_(*, path: Path | None, as_json: bool) -> None:
    """List the servers of the config and of the store."""
    servers = _run(path, lambda office: office.reach.directory.all())
    if as_json:
        _print_json([_facts(server) for server in servers])
        return
    for server in servers:
        variables = ", ".join(name for name, _ in server.user_variables) or "none"
        kind = "command" if isinstance(server.way, Child) else "http"
        source = "store" if server.stored else "config"
        click.echo(f"{server.name}  {kind}  from the {source}  variables of users: {variables}")


@mcp.command(
    epilog="Example: hookline mcp add wiki --url https://wiki.example.com/mcp "
    "--header 'Authorization=Bearer {{WIKI_TOKEN}}' --variable 'WIKI_TOKEN=From your profile.'"
)
@config_option
@click.argument("name")
@click.option("--url", required=True, help="Of the endpoint, with https://.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="To be sent.")
@click.option(
    "--variable", "variables", multiple=True, metavar="NAME=TEXT", help="What each user gives."
)
@click.option("--allow", multiple=True, metavar="TOOL", help="Only these tools; * stands for any.")
@click.option("--deny", multiple=True, metavar="TOOL", help="Not these tools.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Of a call, seconds.")
def add(  # noqa: PLR0913  the options of a command
    *,
    path: Path | None,
    name: str,
    url: str,
    headers: Sequence[str],
    variables: Sequence[str],
    allow: Sequence[str],
    deny: Sequence[str],
    timeout: float,
) -> None:
    """Add a server that is reached by HTTP.

    Headers are kept as they are. What is secret in them is written as {{NAME}}, and given by every
    user apart.
    """
    table = {
        "url": url,
        "headers": _pairs(headers, "--header"),
        "user_variables": _pairs(variables, "--variable"),
        "allow": list(allow),
        "deny": list(deny),
        "timeout": timeout,
    }
    try:
        checked = msgspec.convert(table, ServerTable)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from error
    _run(path, lambda office: office.reach.directory.add(name, checked))
    click.echo(f"The server {name} is added; its tools are all in sys__all__sys_mcp_{name}.")


@mcp.command(epilog="Example: hookline mcp remove wiki")
@config_option
@click.argument("name")
def remove(*, path: Path | None, name: str) -> None:
    """Remove a server from the store, and what users gave for it."""

    async def work(office: Office) -> int:
        if not await office.reach.directory.remove(name):
            message = f"there is no MCP server {name} in the store"
            raise NotFound(message)
        return await office.reach.credentials.remove_all(name)

    given = _run(path, work)
    click.echo(f"The server {name} is removed, and with it what {given} users gave for it.")


@mcp.command(epilog="Example: hookline mcp test wiki --user alice")
@config_option
@click.argument("name")
@click.option("--user", default=NOBODY, metavar="USER", help="Whose variables are used.")
@json_option
def test(*, path: Path | None, name: str, user: str, as_json: bool) -> None:
    """Connect to a server, and show the names of its tools as agents use them."""
    try:
        listing = _run(path, lambda office: office.reach.listing(name, user))
    except NotConnected as error:
        raise NotConnected(f"{error}: {error.words}" if error.words else str(error)) from error
    if as_json:
        tools = {public: listing.originals[public] for public in listing.specs}
        _print_json({"tools": tools, "left_out": listing.left_out})
        return
    for public in listing.specs:
        click.echo(public)
    for original, why in listing.left_out.items():
        click.echo(f"{original} is left out: {why}", err=True)


@mcp.group()
def credentials() -> None:
    """Keep the variables that users give for servers, sealed."""


@credentials.command("set", epilog="Example: hookline mcp credentials set alice wiki WIKI_TOKEN")
@config_option
@click.argument("user")
@click.argument("server")
@click.argument("name")
def set_(*, path: Path | None, user: str, server: str, name: str) -> None:
    """Keep a variable of a user. Its value is asked for, or read from standard input."""
    stdin = sys.stdin
    if stdin.isatty():
        value = click.prompt(f"{name} of {user} for {server}", hide_input=True)
    else:
        value = stdin.read().rstrip("\r\n")

    async def work(office: Office) -> None:
        known = [
            variable for variable, _ in (await office.reach.directory.find(server)).user_variables
        ]
        if name not in known:
            there = ", ".join(known) or "none"
            message = f"the MCP server {server} does not ask users for {name}; it asks for: {there}"
            raise InvalidRequest(message, param="name")
        await office.reach.credentials.put(user, server, name, value)

    _run(path, work)
    click.echo(f"{name} of {user} for {server} is kept.")


@credentials.command("list", epilog="Example: hookline mcp credentials list alice")
@config_option
@click.argument("user")
@json_option
def list_credentials(*, path: Path | None, user: str, as_json: bool) -> None:
    """List the names of what a user has given; values are never shown."""
    given = _run(path, lambda office: office.reach.credentials.owned(user))
    if as_json:
        _print_json(given)
        return
    for server, names in given.items():
        click.echo(f"{server}: {', '.join(names)}")


@credentials.command("remove", epilog="Example: hookline mcp credentials remove alice wiki")
@config_option
@click.argument("user")
@click.argument("server")
@click.argument("name", required=False)
def remove_credentials(*, path: Path | None, user: str, server: str, name: str | None) -> None:
    """Forget a variable of a user, or all of them for a server."""
    if not _run(path, lambda office: office.reach.credentials.remove(user, server, name)):
        message = f"{user} has given nothing of this for {server}"
        raise NotFound(message)
    click.echo(f"{name or 'Everything'} of {user} for {server} is removed.")


@credentials.command("reseal", epilog="Example: hookline mcp credentials reseal")
@config_option
@json_option
def reseal_credentials(*, path: Path | None, as_json: bool) -> None:
    """Seal what [secrets] former_keys have sealed with the present key, so that they can go."""
    report(_run(path, lambda office: office.reach.credentials.reseal()), as_json=as_json)


def _run(path: Path | None, work: Callable[[Office], Awaitable[ResultT]]) -> ResultT:
    async def whole() -> ResultT:
        async with opened_office(path) as office:
            return await work(office)

    return asyncio.run(whole())


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            message = f"{option} is written as NAME=VALUE"
            raise InvalidRequest(message, param=option)
        pairs[name] = value
    return pairs


def _facts(server: Server) -> dict[str, Any]:
    return {
        "name": server.name,
        "kind": "command" if isinstance(server.way, Child) else "http",
        "source": "store" if server.stored else "config",
        "user_variables": dict(server.user_variables),
        "allow": list(server.allow),
        "deny": list(server.deny),
    }


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.encode(value).decode())
