"""Servers that administrators add: where they may be, and what they cannot do."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hookline.errors import InvalidRequest
from hookline.records import Record
from hookline_mcp.directory import COLLECTION
from hookline_mcp.failures import NotConnected
from hookline_mcp.settings import ServerTable, written
from support.mcp_servers import endpoint, opened, run, served

REFUSED = [
    "http://127.0.0.1:8000/mcp",
    "http://2130706433/mcp",
    "http://0x7f.1/mcp",
    "http://[::1]/mcp",
    "http://[::ffff:127.0.0.1]/mcp",
    "http://10.0.0.1/mcp",
    "http://169.254.169.254/mcp",
    "http://user:pass@example.com/mcp",
]


@pytest.mark.parametrize("url", REFUSED)
def test_private_addresses_are_not_added(url: str):
    """A server in the operator's own network is not taken into the store."""

    async def work() -> None:
        async with opened({}) as tools:
            with pytest.raises(InvalidRequest):
                await tools.reach.directory.add("wiki", ServerTable(url=url))
            assert [] == await tools.reach.directory.all()

    run(work)


def test_names_are_looked_up_before_they_are_asked():
    """A name that stands for this machine is refused when a connection is made."""

    async def work() -> str:
        with served() as url:
            async with opened({}) as tools:
                local = url.replace("127.0.0.1", "localhost")
                await tools.reach.directory.add("wiki", ServerTable(url=local))
                with pytest.raises(NotConnected) as caught:
                    await tools.specs("add_mcp_wiki")
                return str(caught.value)

    assert "localhost does not stand for an address of the public internet" in run(work)


def test_allowed_address_is_asked():
    """A server of the store works where the settings allow its address, under its own name."""

    async def work() -> Any:
        with served() as url:
            async with opened({}, allow_private=["localhost"]) as tools:
                local = url.replace("127.0.0.1", "localhost")
                await tools.reach.directory.add("wiki", ServerTable(url=local))
                host = await tools.call("header_mcp_wiki", name="host")
                assert await tools.reach.directory.remove("wiki")
                return local, host.content, await tools.names("add_mcp_wiki")

    local, host, names = run(work)

    assert local.removeprefix("http://").removesuffix("/mcp") == host
    assert [] == names


def test_command_is_not_added():
    """What the store says never starts a process."""

    async def work() -> None:
        async with opened({}) as tools:
            with pytest.raises(InvalidRequest):
                await tools.reach.directory.add("shell", ServerTable(command="sh"))

    run(work)


def test_changed_record_is_followed():
    """A server that an administrator changed is asked where it is now."""

    async def work() -> Any:
        with served() as first, served() as second:
            async with opened({}, allow_private=["127.0.0.1"]) as tools:
                hosts = []
                for url in (first, second):
                    data = written(ServerTable(url=url))
                    await tools.store.records.put(
                        Record(collection=COLLECTION, id="wiki", data=data)
                    )
                    hosts.append((await tools.call("header_mcp_wiki", name="host")).content)
                return [f"http://{host}/mcp" for host in hosts], [first, second]

    hosts, expected = run(work)

    assert expected == hosts


def _answering(response: Response) -> Starlette:
    async def answer(request: Request) -> Response:
        return response

    return Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "DELETE"])])


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (RedirectResponse("http://169.254.169.254/latest", 307), "not followed"),
        (Response(status_code=401), "the server wants other credentials (status 401)"),
        (Response("<html>", media_type="text/html"), "Unexpected content type: text/html"),
        (JSONResponse({"jsonrpc": "2.0"}), "Failed to parse JSON response"),
    ],
    ids=["redirect", "unauthorized", "html", "odd"],
)
def test_what_does_not_speak_the_protocol(response: Response, text: str):
    """Why a server cannot be reached is said: it redirects, wants credentials, or is none."""

    async def work() -> str:
        with served(_answering(response)) as url:
            async with opened({"here": endpoint(url)}) as tools:
                with pytest.raises(NotConnected) as caught:
                    await tools.specs("add_mcp_here")
                return str(caught.value)

    assert text in run(work)


def test_server_that_never_answers():
    """Connecting has a time-out, and closing does not wait."""

    async def work() -> str:
        writers: list[asyncio.StreamWriter] = []

        async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)

        listening = await asyncio.start_server(keep, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        server = endpoint(f"http://127.0.0.1:{port}/mcp", connect_timeout=0.3)
        async with opened({"here": server}) as tools:
            with pytest.raises(NotConnected) as caught:
                await tools.specs("add_mcp_here")
        listening.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()
        return str(caught.value)

    assert "did not answer in time" in run(work)
