"""Sessions: one conversation with an MCP server, from the handshake to the end."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import attrs
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    HEADER_MISMATCH,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    PaginatedRequestParams,
    Tool,
    ToolListChangedNotification,
)
from pydantic import TypeAdapter, ValidationError
from structlog.typing import FilteringBoundLogger

from hookline import ToolResult
from hookline.redaction import Redaction
from hookline_mcp.child import Remains, Watch, child_streams
from hookline_mcp.endpoint import BROKEN, FORGOTTEN, UNREACHED, Bounds, client_for
from hookline_mcp.listing import Listed, Listing
from hookline_mcp.results import result_of
from hookline_mcp.servers import Child, Server
from hookline_mcp.tolerance import tolerant

INSTRUCTIONS = 10_000
"""Characters of what a server says of itself that a model is told."""

PAGES = 100
"""Pages of a list of tools that are read."""

EFFECT = "hookline/effect"
"""The key of ``_meta`` under which servers get the id of the effect."""

_ANSWER: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(
    CallToolResult | InputRequiredResult
)
Told = Callable[[], None]


@attrs.frozen
class Opening:
    """What a session is opened with.

    Args:
        server: filled in.
        bounds: for HTTP.
        redact: cuts secrets out of what the server says.
        logger: for what the server complains of.
        max_tools: that are listed.
        changed: called when the server says that its tools have changed.
        ended: called when it ends by itself.
    """

    server: Server
    bounds: Bounds
    redact: Redaction
    logger: FilteringBoundLogger
    max_tools: int
    changed: Told
    ended: Told
    remains: Remains = attrs.field(factory=Remains)


class Session:
    """A session that is open. Calls may come from any task.

    Attributes:
        listing: the tools as they were last listed.
    """

    def __init__(self, client: Client, opening: Opening):
        self._client = client
        self._opening = opening
        self.listing = Listing(specs={}, originals={}, left_out={})

    async def list(self) -> Listing:
        """The tools of the server that agents may use.

        Raises:
            MCPError: the server does not give them.
            ValidationError: they are not what the protocol says.
        """
        found: list[Listed] = []
        names: set[str] = set()
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self._client.session.list_tools(
                params=PaginatedRequestParams(cursor=cursor)
            )
            for tool in page.tools:
                if self._opening.server.offers(tool.name) and tool.name not in names:
                    names.add(tool.name)
                    found.append(_listed(tool))
            cursor = page.next_cursor
            if cursor is None or len(found) >= self._opening.max_tools:
                break
        server = self._opening.server
        listing = Listing.of(server.name, found, self._opening.max_tools)
        if server.instructions:
            told = (self._client.instructions or "").strip()
            listing = attrs.evolve(listing, instructions=told[:INSTRUCTIONS])
        self.listing = listing
        return listing

    async def call(
        self, tool: str, arguments: Mapping[str, Any], effect: str, progress: ProgressFnT
    ) -> ToolResult:
        """Call a tool.

        Not the SDK's ``call_tool``: that one holds results against a schema of the server's with
        patterns that may take for ever.

        Raises:
            MCPError: the server, or the way to it, failed.
            ValidationError: the answer is not what the protocol says.
        """
        try:
            answer = await self._ask(tool, arguments, effect, progress)
        except MCPError as error:
            if error.code != HEADER_MISMATCH:
                raise
            await self.list()  # it knows the tool's headers now; nothing was done yet
            answer = await self._ask(tool, arguments, effect, progress)
        if isinstance(answer, InputRequiredResult):
            return ToolResult("The tool asks for input that nobody can give it here.", failed=True)
        content = [
            item.model_dump(mode="json", by_alias=True, exclude_none=True)
            for item in answer.content
        ]
        return result_of(content, answer.structured_content, failed=answer.is_error)

    async def _ask(
        self, tool: str, arguments: Mapping[str, Any], effect: str, progress: ProgressFnT
    ) -> CallToolResult | InputRequiredResult:
        meta: Any = {EFFECT: effect} if effect else None
        params = CallToolRequestParams(name=tool, arguments=dict(arguments), _meta=meta)
        return await self._client.session.send_request(
            CallToolRequest(params=params), _ANSWER, progress_callback=progress
        )

    @property
    def listens(self) -> bool:
        """Whether changes of the list have to be listened for."""
        tools = self._client.server_capabilities.tools
        modern = self._client.session.discover_result is not None
        return modern and bool(tools and tools.list_changed)

    async def listen(self) -> None:
        """Listen for changes until the server ends that.

        Raises:
            MCPError: the server does not let us listen.
            RuntimeError: the connection is lost.
        """
        async with self._client.listen(tools_list_changed=True) as changes:
            async for _ in changes:
                self._opening.changed()


@asynccontextmanager
async def opened(opening: Opening) -> AsyncIterator[Session]:
    """Open a session. It must be left in the task that entered it.

    Raises:
        Exception: of any kind; the server cannot be reached or does not speak the protocol.
    """

    async def notice(message: Any) -> None:
        if isinstance(message, ToolListChangedNotification):
            opening.changed()

    async with AsyncExitStack() as stack:
        transport = tolerant(await _transport(opening, stack))
        client = Client(transport, cache=None, message_handler=notice)
        yield Session(await stack.enter_async_context(client), opening)


async def _transport(opening: Opening, stack: AsyncExitStack) -> Any:
    way = opening.server.way
    limit = opening.bounds.message
    if isinstance(way, Child):
        watch = Watch(opening.ended, opening.remains, opening.redact, opening.logger, limit)
        return child_streams(way, watch)
    http = await stack.enter_async_context(client_for(way, opening.bounds))
    return streamable_http_client(way.url, http_client=http, max_sse_event_size=limit)


def unheard(error: BaseException) -> bool:
    """Whether the server did nothing of what it was asked."""
    if not isinstance(error, MCPError):
        return False
    return error.code in {UNREACHED, FORGOTTEN}


def lost(error: BaseException) -> bool:
    """Whether the connection may be no more."""
    return unheard(error) or (
        isinstance(error, MCPError) and error.code in {CONNECTION_CLOSED, BROKEN}
    )


def in_words(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, BaseExceptionGroup):
        return in_words(error.exceptions[0])
    if isinstance(error, ValidationError):
        return "the server's answer is not what the protocol says"
    if isinstance(error, MCPError):
        return error.message
    if isinstance(error, TimeoutError):
        return str(error) or "it did not answer in time"
    return str(error) or type(error).__name__


def _listed(tool: Tool) -> Listed:
    hints = tool.annotations
    repeatable = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
    return Listed(
        name=tool.name,
        description=tool.description or "",
        parameters=tool.input_schema,
        repeatable=repeatable,
    )
