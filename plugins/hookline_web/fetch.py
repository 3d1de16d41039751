"""The tool ``web_fetch``."""

import asyncio
from typing import Annotated, Self

from msgspec import Meta

from hookline import StaticTools, ToolResult, tool
from hookline.outbound import Fetched, GuardedClient
from hookline.pages import Page
from hookline.tools import FunctionTool
from hookline_web.pages import page_of
from hookline_web.settings import Settings

ACCEPT = "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, */*;q=0.5"
DESCRIPTION = (
    "Read a page of the web: HTML as Markdown, or text, JSON and XML as they are. Long pages come"
    " in parts; ask for the next one with start_index."
)
HIGHEST = 1_000_000

Url = Annotated[
    str,
    Meta(min_length=1, max_length=8192, description="Such as https://example.com/page."),
]
Length = Annotated[int, Meta(ge=1, le=HIGHEST, description="Characters to read at most.")]
Index = Annotated[int, Meta(ge=0, description="The character to begin with.")]


class WebTools(StaticTools):
    """Offers ``web_fetch``. An async context manager: its client holds connections."""

    def __init__(self, client: GuardedClient, settings: Settings):
        self._client = client
        super().__init__(web_fetch(client, settings))

    async def __aenter__(self) -> Self:
        """Open the client."""
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        await self._client.__aexit__(*exc)


def web_fetch(client: GuardedClient, settings: Settings) -> FunctionTool:
    """The tool that reads pages with this client."""
    headers = {"user-agent": settings.user_agent, "accept": ACCEPT}
    limits = settings.limits()

    @tool(name="web_fetch", description=DESCRIPTION, repeatable=True)
    async def fetch(
        url: Url, max_length: Length = settings.max_length, start_index: Index = 0
    ) -> ToolResult:
        fetched = await client.request("GET", url.strip(), headers=headers, limits=limits)
        # Off the event loop: a large page takes longer than others should wait.
        page = await asyncio.to_thread(page_of, fetched)
        return ToolResult(
            _shown(fetched, page, start_index, max_length), failed=not 200 <= fetched.status < 300
        )

    return fetch


def _shown(fetched: Fetched, page: Page, start: int, length: int) -> str:
    """What the model gets to read."""
    head = [f"URL: {fetched.url}"]
    if not 200 <= fetched.status < 300:
        head.append(f"Status: {fetched.status_line}")
    if page.title:
        head.append(f"Title: {page.title}")
    whole = len(page.text)
    part = page.text[start : start + length]
    if whole and start >= whole:
        part = f"[There is nothing from {start} on; the text has {whole} characters.]"
    if not whole:
        part = "[There is no text.]"
    marks = []
    if start + length < whole:
        marks.append(
            f"[Characters {start} to {start + length} of {whole}. The text goes on with"
            f" start_index={start + length}.]"
        )
    elif fetched.truncated:
        marks.append(f"[The page has more than {len(fetched.body)} bytes; the rest was not read.]")
    return "\n\n".join(["\n".join(head), part, *marks])
