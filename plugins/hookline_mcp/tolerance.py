"""Tolerance: results with content that this version of the SDK does not know are read, too."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse

from hookline_mcp.results import with_known_items


class _Tolerant:
    """A stream of messages from a server; unknown content in them becomes text."""

    def __init__(self, stream: Any):
        self._stream = stream

    @property
    def last_context(self) -> Any:
        """The context of the last message's sender, which the SDK looks for."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        return _tolerated(await self._stream.receive())

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return _tolerated(await self._stream.__anext__())

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        stopped: bool | None = await self._stream.__aexit__(kind, error, trace)
        return stopped


@asynccontextmanager
async def tolerant(transport: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
    """The transport, more tolerant."""
    async with transport as (incoming, outgoing):
        yield _Tolerant(incoming), outgoing


def _tolerated(message: SessionMessage | Exception) -> SessionMessage | Exception:
    if isinstance(message, SessionMessage) and isinstance(message.message, JSONRPCResponse):
        message.message.result = dict(with_known_items(message.message.result))
    return message
