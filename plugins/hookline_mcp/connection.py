"""Connections: each has one task that opens sessions with a server, and closes them.

A session must be closed by the task that opened it, though calls may come from any. So the task
lives as long as the connection: it holds a session until that is lost, and opens the next one after
a pause that grows.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context
from typing import Any

import attrs
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError
from structlog.typing import FilteringBoundLogger

from hookline import ToolResult
from hookline.outbound import Lookup, Targets, system_lookup
from hookline.redaction import Redaction
from hookline_mcp.child import Remains
from hookline_mcp.endpoint import UNAUTHORIZED, Bounds
from hookline_mcp.failures import CallFailed, NotConnected
from hookline_mcp.listing import Listing
from hookline_mcp.servers import Endpoint, Server
from hookline_mcp.session import Opening, Session, in_words, lost, opened, unheard

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
"""Seconds between two attempts, of which up to a half is left out at random."""

DEMAND_PAUSE = 1.0
"""Seconds after which somebody who needs the server may hasten an attempt."""

HELD = 10.0
"""Seconds after which a session counts as a success, and the next pause is short again."""

SETTLE = 0.1
"""Seconds in which several notices of a change become one."""

PARTING = 5.0
"""Seconds that the task has to end."""


@attrs.frozen
class Terms:
    """What all connections share."""

    logger: FilteringBoundLogger
    targets: Targets
    message_limit: int
    max_tools: int
    lookup: Lookup = system_lookup


class Connection:
    """A server, as one user, or all, reach it.

    Attributes:
        server: filled in.
        calls: how many are under way.
        used: when it was used last, on the loop's clock.
        listing: the tools as they were last listed; they stay while there is no session.
    """

    def __init__(self, server: Server, terms: Terms):
        self.server = server
        self.calls = 0
        self.used = asyncio.get_running_loop().time()
        self.listing: Listing | None = None
        self._terms = terms
        self._log = terms.logger.bind(server=server.name)
        self._redact = Redaction((*server.secrets, *server.way.secrets))
        self._session: Session | None = None
        self._had_session = False
        self._words = ""
        self._error = "it was not tried yet"
        self._settled = asyncio.Event()
        self._wake = asyncio.Event()
        self._over = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(
            self._own(), name=f"mcp {server.name}", context=Context()
        )

    async def listed(self) -> Listing:
        """The tools; as they were last listed, if they ever were.

        Raises:
            NotConnected: they were not, and the server cannot be reached.
        """
        self.used = asyncio.get_running_loop().time()
        if self.listing is not None:
            return self.listing
        return (await self._ready()).listing

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        effect: str = "",
        progress: Callable[[], None] = lambda: None,
    ) -> ToolResult:
        """Call a tool by the server's name for it. A call that no server has seen is made again.

        Raises:
            NotConnected: the server cannot be reached.
            CallFailed: there is no result.
        """
        self.calls += 1
        try:
            try:
                return await self._call(tool, arguments, effect, progress)
            except MCPError as error:
                if not unheard(error):
                    raise self._failed(error) from error
            return await self._call(tool, arguments, effect, progress)
        except (MCPError, ValidationError, TimeoutError) as error:
            raise self._failed(error) from error
        finally:
            self.calls -= 1
            self.used = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        """Close the session, and end the task."""
        self._over.set()
        self._task.cancel()  # it closes the session on its way out
        await asyncio.wait([self._task], timeout=PARTING)
        self._down("the connection was closed")

    async def _call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        effect: str,
        told: Callable[[], None],
    ) -> ToolResult:
        session = await self._ready()
        seconds = self.server.timeout
        loop = asyncio.get_running_loop()
        limit = asyncio.timeout(seconds)

        async def gets_on(progress: float, total: float | None, message: str | None) -> None:
            if not limit.expired():
                limit.reschedule(loop.time() + seconds)
                told()

        try:
            async with limit:
                return await session.call(tool, arguments, effect, gets_on)
        except TimeoutError:
            self._wake.set()  # is it still there?
            message = f"the server gave no sign of getting on for {seconds:g} s"
            raise TimeoutError(message) from None
        except MCPError as error:
            if lost(error) and session is self._current():
                self._lose()
            raise

    async def _ready(self) -> Session:
        """The session; waits for one attempt to open it.

        Raises:
            NotConnected: it failed, or took too long.
        """
        if (session := self._session) is not None:
            return session
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.server.connect_timeout + DEMAND_PAUSE):
                await self._settled.wait()
        if (session := self._current()) is None:
            raise self._not_connected()
        return session

    def _current(self) -> Session | None:
        return self._session

    async def _own(self) -> None:
        """Hold sessions, one after the other, until it is over."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._over.is_set():
            began, remains = loop.time(), Remains()
            try:
                await self._hold(remains)
                why = "the session ended"
            except Exception as error:  # noqa: BLE001  a transport may raise anything
                why = self._redact(in_words(error))
            if self._over.is_set():
                return
            why += remains.ending
            self._words = remains.said
            failures = 0 if loop.time() - began >= HELD else failures + 1
            self._tell(why, failures)
            if self._had_session:  # the attempt that others wait for is still to come
                self._error, self._had_session = why, False
            else:
                self._down(why)
            await self._pause(failures)

    async def _hold(self, remains: Remains) -> None:
        """Open a session, and look after it until it is lost or over."""
        way, terms = self.server.way, self._terms
        guarded = isinstance(way, Endpoint) and way.guarded
        targets = terms.targets if guarded else None
        bounds = Bounds(self.server.connect_timeout, terms.message_limit, targets, terms.lookup)
        opening = Opening(
            server=self.server,
            bounds=bounds,
            redact=self._redact,
            logger=self._log,
            max_tools=terms.max_tools,
            changed=self._wake.set,
            ended=self._lose,
            remains=remains,
        )
        limit = asyncio.timeout(self.server.connect_timeout)
        async with limit, opened(opening) as session:
            await self._list(session)
            limit.reschedule(None)
            self._up(session)
            try:
                await self._look_after(session)
            finally:
                self._lose()

    async def _look_after(self, session: Session) -> None:
        """List the tools again whenever there is a reason to, until that fails or it is over."""
        listening = asyncio.get_running_loop().create_task(self._listen(session))
        self._wake.clear()
        try:
            while await self._asked_to_look():
                await asyncio.sleep(SETTLE)
                self._wake.clear()
                async with asyncio.timeout(self.server.connect_timeout):
                    await self._list(session)
                self._up(session)
        finally:
            listening.cancel()
            await asyncio.wait([listening], timeout=PARTING)

    async def _asked_to_look(self) -> bool:
        """Wait for a reason to look at the server; false if it is over."""
        if not self._over.is_set():
            await self._wake.wait()
        return not self._over.is_set()

    async def _list(self, session: Session) -> None:
        listing = await session.list()
        if listing.left_out and (self.listing is None or listing != self.listing):
            self._log.warning("mcp.tools_left_out", tools=listing.left_out)
        self.listing = listing

    async def _listen(self, session: Session) -> None:
        """Listen for changes for as long as the session lives."""
        failures = 0
        while session.listens:
            try:
                await session.listen()
            except Exception as error:  # noqa: BLE001  the session may end in any way
                self._log.debug("mcp.listening_ended", error=self._redact(in_words(error)))
                self._wake.set()  # is it still there?
            failures += 1
            await asyncio.sleep(_pause(failures))

    def _up(self, session: Session) -> None:
        """Let calls go through this session."""
        self._session = session
        self._had_session = True
        self._settled.set()

    def _lose(self) -> None:
        """Let calls wait until it is known whether there is a session."""
        self._session = None
        if self._settled.is_set():
            self._settled = asyncio.Event()
        self._wake.set()

    def _down(self, why: str) -> None:
        """Tell those who wait that an attempt failed."""
        self._session = None
        self._error = why
        self._settled.set()
        self._settled = asyncio.Event()

    def _tell(self, why: str, failures: int) -> None:
        """Log the first failure of several."""
        level = self._log.warning if failures <= 1 else self._log.debug
        level("mcp.disconnected", error=why, said=self._words, failures=failures)

    async def _pause(self, failures: int) -> None:
        """Wait before the next attempt; those who need the server make it shorter."""
        pause = _pause(failures)
        self._wake.clear()
        await asyncio.sleep(min(pause, DEMAND_PAUSE))
        if pause > DEMAND_PAUSE and not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(pause - DEMAND_PAUSE):
                    await self._wake.wait()

    def _not_connected(self) -> NotConnected:
        message = f"the MCP server {self.server.name} cannot be reached: {self._error}"
        return NotConnected(message, self._words)

    def _failed(self, error: BaseException) -> CallFailed:
        text = self._redact(in_words(error))
        if isinstance(error, MCPError) and error.code == UNAUTHORIZED and self.server.per_user:
            text = f"{text}; ask the user to give new credentials for {self.server.name}"
        elif isinstance(error, TimeoutError) or (lost(error) and not unheard(error)):
            text = f"{text}; it is not known whether the call had its effect"
        return CallFailed(text)


def _pause(failures: int) -> float:
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 20))
    part = random.uniform(0.5, 1.0)  # noqa: S311  against crowds, not against guessing
    return longest * part
