"""The pool: connections by server and user, opened when needed and closed when idle."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, Self

from hookline import ToolResult
from hookline_mcp.failures import ConnectionsTaken
from hookline_mcp.listing import Listing
from hookline_mcp.servers import Server

ROUND = 1.0
"""Seconds between two looks for idle connections."""

REMEMBERED = 1_000
"""Listings that are remembered after their connections were closed."""

RETIRING = 600.0
"""Seconds that calls of a connection that was replaced may still take."""


class Line(Protocol):
    """A connection, as the pool sees it: ``hookline_mcp.connection``."""

    server: Server
    calls: int
    used: float
    listing: Listing | None

    async def listed(self) -> Listing:
        """The tools."""

    async def call(
        self, tool: str, arguments: Any, *, effect: str = "", progress: Callable[[], None] = ...
    ) -> ToolResult:
        """Call a tool."""

    async def stop(self) -> None:
        """Close it."""


class Pool:
    """Connections. An async context manager: leaving it closes them.

    A connection belongs to one user, or to nobody if the server asks for nothing of users. What is
    filled in for one user is never sent over another's: connections are found by server and user,
    and are replaced when what is filled in has changed.

    Args:
        connect: makes a connection.
    """

    def __init__(self, connect: Callable[[Server], Line]):
        self._connect = connect
        self._lines: OrderedDict[tuple[str, str], Line] = OrderedDict()
        self._listings: OrderedDict[tuple[str, str], tuple[Server, Listing]] = OrderedDict()
        self._ending: set[asyncio.Task[None]] = set()
        self._round: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to look for idle connections."""
        self._round = asyncio.create_task(self._go_round(), name="mcp idle")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close all connections, at once."""
        tasks = [*self._ending]
        if self._round is not None:
            tasks.append(self._round)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lines = [*self._lines.values()]
        self._lines.clear()
        await asyncio.gather(*(line.stop() for line in lines))

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._lines)

    @property
    def busy(self) -> int:
        """How many calls are under way."""
        return sum(line.calls for line in self._lines.values())

    async def listing(self, server: Server, user: str) -> Listing:
        """The tools of a server, as this user sees them; no connection is made if they are known.

        Raises:
            NotConnected: they are not known, and the server cannot be reached.
            ConnectionsTaken: it serves as many users as it may.
        """
        key = _key(server, user)
        line = self._lines.get(key)
        known = self._listings.get(key)
        if (line is None or line.server != server) and known is not None and known[0] == server:
            self._listings.move_to_end(key)
            return known[1]
        return await self.line(server, user).listed()

    def line(self, server: Server, user: str) -> Line:
        """The connection of a user to a server.

        Raises:
            ConnectionsTaken: the server serves as many users as it may.
        """
        key = _key(server, user)
        line = self._lines.get(key)
        if line is not None and line.server != server:
            self._listings.pop(key, None)
            self._end(key)
            line = None
        if line is None:
            if server.per_user:
                self._make_room(server)
            line = self._lines[key] = self._connect(server)
        self._lines.move_to_end(key)
        return line

    def _make_room(self, server: Server) -> None:
        """Close the connection of the user who has not used it for longest, if there must be."""
        taken = [key for key in self._lines if key[0] == server.name]
        if len(taken) < server.max_connections:
            return
        for key in taken:
            if not self._lines[key].calls:
                self._end(key)
                return
        message = (
            f"{len(taken)} users are calling the MCP server {server.name} now, and it serves no "
            "more at a time; try again later"
        )
        raise ConnectionsTaken(message)

    def _end(self, key: tuple[str, str]) -> None:
        """Close a connection once its calls are over."""
        line = self._lines.pop(key)
        if line.listing is not None:
            self._listings[key] = (line.server, line.listing)
            self._listings.move_to_end(key)
            if len(self._listings) > REMEMBERED:
                self._listings.popitem(last=False)
        task = asyncio.create_task(_retire(line))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(ROUND)
            now = asyncio.get_running_loop().time()
            for key, line in list(self._lines.items()):
                server = line.server
                if not server.lasting and not line.calls and now - line.used >= server.idle:
                    self._end(key)


async def _retire(line: Line) -> None:
    end = asyncio.get_running_loop().time() + RETIRING
    try:
        while line.calls and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(ROUND)
    finally:
        await line.stop()


def _key(server: Server, user: str) -> tuple[str, str]:
    return server.name, user if server.per_user else ""
