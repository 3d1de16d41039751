"""The loader: tools of MCP servers, for agents that name them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import attrs
from structlog.typing import FilteringBoundLogger

from hookline import Agent, Principal, RunScope, Tool, ToolLoader, ToolResult, ToolSpec
from hookline.errors import HooklineError
from hookline.scope import CallScope
from hookline_mcp.credentials import Credentials
from hookline_mcp.directory import Directory
from hookline_mcp.failures import CredentialsMissing, McpError, ServerUnknown
from hookline_mcp.listing import Listing
from hookline_mcp.naming import all_of, server_in
from hookline_mcp.pool import Line, Pool
from hookline_mcp.quiet import Quiet
from hookline_mcp.servers import Server


@attrs.frozen
class Reach:
    """Finds servers, and the connections that users have to them."""

    directory: Directory
    credentials: Credentials
    pool: Pool

    async def server(self, name: str, user: str) -> Server:
        """A server as this user reaches it.

        Raises:
            ServerUnknown: there is none of this name.
            CredentialsMissing: the user has to give variables first.
            HooklineError: the store or the vault failed.
        """
        server = await self.directory.find(name)
        if not server.per_user:
            return server
        values = await self.credentials.of(user, name)
        missing = server.missing(values)
        if missing:
            message = (
                f"the MCP server {name} needs {', '.join(missing)} of the user {user}: "
                f"hookline mcp credentials set {user} {name} {missing[0]}"
            )
            raise CredentialsMissing(message)
        try:
            return server.filled(values)
        except ValueError as error:
            raise CredentialsMissing(str(error)) from error

    async def line(self, name: str, user: str) -> Line:
        """The user's connection to a server.

        Raises:
            HooklineError: as ``server``, or too many users are connected.
        """
        return self.pool.line(await self.server(name, user), user)

    async def listing(self, name: str, user: str) -> Listing:
        """The tools of a server, as this user sees them.

        Raises:
            HooklineError: as ``server``, or the server cannot be reached.
        """
        return await self.pool.listing(await self.server(name, user), user)


class McpTool(Tool):
    """A tool of a server. Each call asks anew which connection the user has."""

    def __init__(self, spec: ToolSpec, server: str, original: str, reach: Reach):
        self.spec = spec
        self._server = server
        self._original = original
        self._reach = reach

    async def call(self, arguments: Mapping[str, Any], scope: CallScope) -> ToolResult:
        """Call it. What went wrong on the way is said as the seed does (9.6)."""
        try:
            line = await self._reach.line(self._server, scope.principal.user)
            return await line.call(
                self._original, arguments, effect=scope.effect, progress=scope.progress
            )
        except McpError as error:
            where = f"[MCP][{self._server}][{self._original}]"
            return ToolResult(f"{where} tool call failed: {error}", failed=True)


class McpTools(ToolLoader):
    """Offers ``<tool>_mcp_<server>``, and all tools of a server at once.

    An async context manager: it holds the connections.
    """

    def __init__(self, reach: Reach, logger: FilteringBoundLogger):
        self._reach = reach
        self._log = logger
        self._quiet = Quiet()

    async def __aenter__(self) -> Self:
        """Be ready. Servers are connected to when they are needed."""
        self._quiet.begin()
        await self._reach.pool.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close all connections; child processes are gone after it."""
        await self._reach.pool.__aexit__(*exc)
        self._quiet.end()

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        """The definitions of the agent's tools, from the lists that the servers gave.

        Raises:
            HooklineError: a server's list is not known, and cannot be had. With
                ``on_tool_failure = "degrade"`` its tools are left out instead.
        """
        named = dict.fromkeys(filter(None, map(server_in, agent.tools)))
        outcomes = await asyncio.gather(
            *(self._reach.listing(name, principal.user) for name in named), return_exceptions=True
        )
        listings: dict[str, Listing] = {}
        for name, outcome in zip(named, outcomes, strict=True):
            if isinstance(outcome, Listing):
                listings[name] = outcome
            elif isinstance(outcome, ServerUnknown):
                continue  # another plugin may have tools with such names
            elif isinstance(outcome, HooklineError) and agent.on_tool_failure == "degrade":
                self._log.warning("mcp.tools_missing", server=name, error=str(outcome))
            else:
                raise outcome
        return _chosen(agent.tools, listings)

    async def notes(self, agent: Agent, principal: Principal) -> Sequence[str]:
        """What the servers of the agent's tools say of themselves. Seed 8.3, and its W18."""
        notes = []
        for name in dict.fromkeys(filter(None, map(server_in, agent.tools))):
            with suppress(HooklineError):  # its tools were left out already
                listing = await self._reach.listing(name, principal.user)
                if listing.instructions:
                    notes.append(f"About the tools of {name}:\n{listing.instructions}")
        return notes

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        """The tools of these names, as far as their servers still list them."""
        loaded: dict[str, Tool] = {}
        for name in names:
            server = server_in(name)
            if server is None:
                continue
            listing = await self._reach.listing(server, scope.principal.user)
            spec = listing.specs.get(name)
            if spec is not None:
                loaded[name] = McpTool(spec, server, listing.originals[name], self._reach)
        return loaded


def _chosen(entries: Sequence[str], listings: Mapping[str, Listing]) -> Sequence[ToolSpec]:
    """The tools that an agent names, each once, in the order in which it names them."""
    chosen: dict[str, ToolSpec] = {}
    for entry in entries:
        server = server_in(entry)
        listing = None if server is None else listings.get(server)
        if server is None or listing is None:
            continue
        if entry == all_of(server):
            for name, spec in listing.specs.items():
                chosen[name] = attrs.evolve(spec, part_of=entry)
        elif entry in listing.specs:
            chosen.setdefault(entry, listing.specs[entry])
    return list(chosen.values())
