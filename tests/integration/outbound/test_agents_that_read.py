"""An agent that reads a page with ``web_fetch``, on a whole server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import openai
import pytest

from support.asking import finished
from support.server import KEY, running_server
from support.sites import PATIENCE, Site, dripping, hanging, page, redirect

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n"


def tables(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A server with an agent that reads."""
    reader = {"provider": "scripted", "model": "scripted", "tools": ["web_fetch"]}
    return {
        "providers": {"scripted": {"kind": "scripted"}},
        "agents": {"reader": reader},
        "plugins": {"web": settings},
    }


async def said(server: str, url: str) -> str:
    """What the agent says of a page."""
    async with openai.AsyncOpenAI(base_url=server, api_key=KEY, max_retries=0) as client:
        answer = await client.chat.completions.create(
            model="reader",
            messages=[{"role": "user", "content": f"Use web_fetch: url={url}"}],
        )
        return answer.choices[0].message.content or ""


def test_an_agent_reads_a_page():
    """The model gets to read the page, and the answer has it."""

    async def run(server: str) -> str:
        async with Site({"/": page(b"<h1>Opening hours</h1>")}) as site:
            return await said(server, f"{site.url}/")

    with running_server(tables({"allow_private": ["127.0.0.1"]})) as server:
        assert "# Opening hours" in finished(run(server.url))


def test_an_agent_is_refused():
    """Without an exception in the settings, this machine is not asked, and the model is told."""

    async def run(server: str) -> tuple[str, int]:
        async with Site({"/": page(b"secret")}) as site:
            return await said(server, f"{site.url}/"), site.connections

    with running_server(tables({})) as server:
        text, connections = finished(run(server.url))

    assert "127.0.0.1 is not an address of the public internet" in text
    assert 0 == connections


def test_an_agent_is_refused_a_redirect():
    """Nor is it asked by way of a page that may be read."""

    async def run(server: str) -> tuple[str, int]:
        async with Site({"/": page(b"secret")}) as secret:
            async with Site({"/": redirect(f"{secret.url}/")}, "127.0.0.2") as site:
                return await said(server, f"{site.url}/"), secret.connections

    with running_server(tables({"allow_private": ["127.0.0.2"]})) as server:
        text, connections = finished(run(server.url))

    assert "127.0.0.1 is not an address of the public internet" in text
    assert 0 == connections


@pytest.mark.parametrize("slow", [hanging, dripping(HEAD, b"x", 0.01)], ids=["hanging", "dripping"])
def test_a_caller_that_leaves(slow: Any):
    """When the caller leaves, the connection to the page is closed."""

    async def run(server: str) -> None:
        async with Site({"/": slow}) as site:
            asking = asyncio.create_task(said(server, f"{site.url}/"))
            async with asyncio.timeout(PATIENCE):
                while not site.requests:
                    await asyncio.sleep(0.01)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                await site.left.wait()

    with running_server(tables({"allow_private": ["127.0.0.1"]})) as server:
        finished(run(server.url))
