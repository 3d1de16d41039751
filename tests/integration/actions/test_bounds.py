"""What a server of an action cannot do: lead elsewhere, take for ever, or answer without end."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from hookline.errors import ConfigError
from support.action_documents import document, parameter, text_of
from support.action_servers import echo_app, serving
from support.actions import LOOPBACK, agent, call, names, opened, run, scope


def one(origin: str, **fields: Any) -> dict[str, Any]:
    """A document with GET and POST of ``/x``."""
    get, post = {"operationId": "get"}, {"operationId": "post"}
    made = document(("get", "/x", get), ("post", "/x", post), servers=[{"url": origin}])
    return {"document": text_of(made), **fields}


def answering(handler: Any, operation: str = "get", **settings: Any) -> Any:
    """The result of a call that this handler answers."""

    async def work() -> Any:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handler)
        async with serving(app) as origin, opened({"x": one(origin)}, **settings) as loader:
            return await call(loader, "x", operation)

    return run(work)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://10.0.0.1/",
        "http://2130706433/",
        "http://example.com/",
        "file:///etc/passwd",
    ],
)
def test_redirect_elsewhere_is_refused(target: str):
    """A redirect to a private target, or to a domain that is not the document's, fails."""

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": target})

    result = answering(redirect)

    assert result.failed
    assert result.text.startswith("The request failed: ")


def test_redirect_on_the_same_server_is_followed():
    """A redirect that stays within the domain is followed."""

    async def redirect(request: web.Request) -> web.Response:
        if request.path == "/x":
            return web.Response(status=302, headers={"location": "/y"})
        return web.json_response({"path": request.path})

    assert '{"path":"/y"}' == answering(redirect).text


def test_redirect_is_the_answer_when_none_is_followed():
    """With ``redirects = 0`` the redirect itself is told."""

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "http://10.0.0.1/"})

    result = answering(redirect, redirects=0)

    assert (False, True) == (result.failed, result.text.startswith("HTTP 302 Found\n"))
    assert "location: http://10.0.0.1/" in result.text


def test_credentials_do_not_follow_to_another_server():
    """Of two allowed servers the second one does not get what the first one was sent."""

    async def work() -> Any:
        async with serving(echo_app()) as second:

            async def redirect(request: web.Request) -> web.Response:
                return web.Response(status=302, headers={"location": f"{second}/z"})

            app = web.Application()
            app.router.add_get("/x", redirect)
            async with serving(app) as first:
                given = one(first, headers={"X-Key": "key-123456"})
                async with opened({"x": given}) as loader:
                    return await call(loader, "x", "get")

    result = run(work)
    assert not result.failed
    assert "x-key" not in result.text


def test_slow_server():
    """A server that does not answer in time is a failure."""

    async def sleep(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    result = answering(sleep, timeout=0.3)

    assert result.failed
    assert "did not answer within 0.3 s" in result.text


def test_server_that_stops_in_the_middle():
    """A server that begins and does not go on is a failure, too."""

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.sleep(60)
        return response

    assert "did not answer within 0.3 s" in answering(stall, timeout=0.3).text


def test_huge_answer_is_cut():
    """An answer without end is read up to the limit, and what the model gets is marked."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/plain"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response

    result = answering(endless, answer_limit=200_000, text_limit=100)

    assert f"{'x' * 100}\n[truncated: the answer had 200000 characters or more]" == result.text


def test_huge_file_is_left_out():
    """Half of a file is of no use to anybody."""

    async def file(request: web.Request) -> web.Response:
        return web.Response(body=bytes(1_000), content_type="application/zip")

    result = answering(file, answer_limit=100)

    assert (True, ()) == (result.failed, tuple(result.artifacts))


def test_server_that_is_not_there():
    """A refused connection is told without the path, which may hold secrets."""

    async def work() -> Any:
        async with serving(echo_app()) as origin:
            pass
        async with opened({"x": one(origin)}) as loader:
            return origin, await call(loader, "x", "get")

    origin, result = run(work)
    assert f"The request failed: {origin} could not be connected to" == result.text


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_statuses_are_told(status: int):
    """Every error status is a failure with its number."""

    async def fail(request: web.Request) -> web.Response:
        return web.Response(status=status, text="because")

    result = answering(fail, "post")

    assert result.failed
    assert result.text.startswith(f"HTTP {status} ")
    assert result.text.endswith("\nbecause")


def refused(origin: str, **settings: Any) -> list[str]:
    """The tools that are offered for a server, with these settings."""

    async def work() -> list[str]:
        async with opened({"x": one(origin)}, **settings) as loader:
            return sorted(await names(loader, "x"))

    return run(work)


def test_private_servers_are_refused_unless_allowed():
    """A document whose server is private offers nothing, unless that is allowed."""
    assert [] == refused("http://127.0.0.1:9", allow_private=[])
    assert [] == refused("http://10.1.2.3", **LOOPBACK)
    assert ["get", "post"] == refused("http://127.0.0.1:9", **LOOPBACK)


def test_domains_that_are_not_listed_are_refused():
    """With a list of domains, no other server can be in a document."""
    assert [] == refused("https://api.example.com", allowed_domains=["example.org"])
    assert ["get", "post"] == refused("https://api.example.com", allowed_domains=["*.example.com"])


def test_private_name_is_refused_when_it_is_looked_up():
    """A public name that stands for a private address is refused when it is connected to."""

    async def work() -> Any:
        async with opened({"x": one("http://localhost:9")}, allow_private=[]) as loader:
            return await call(loader, "x", "get")

    result = run(work)
    assert result.failed
    assert "localhost does not stand for an address of the public internet" in result.text


def test_header_cannot_be_split():
    """A line break in a header's argument is refused."""

    async def work() -> Any:
        get = {"operationId": "get", "parameters": [parameter("X-A", "header")]}
        async with serving(echo_app()) as origin:
            made = document(("get", "/x", get), servers=[{"url": origin}])
            async with opened({"x": {"document": text_of(made)}}) as loader:
                return await call(loader, "x", "get", **{"X-A": "1\r\nX-B: 2"})

    assert "The request was not sent: X-A:" in run(work).text


def test_documents_from_urls():
    """A document is fetched from its URL, which its server may be relative to."""

    async def work() -> Any:
        made = document(("get", "/x", {"operationId": "get"}), servers=[{"url": "/api"}])

        async def serve(request: web.Request) -> web.Response:
            return web.json_response(made)

        app = web.Application()
        app.router.add_get("/openapi.json", serve)
        app.add_subapp("/api", echo_app())
        async with serving(app) as origin:
            async with opened({"x": {"document": f"{origin}/openapi.json"}}) as loader:
                return await call(loader, "x", "get")

    assert '"path":"/api/x"' in run(work).text


def test_document_that_comes_later():
    """A URL that does not answer at first is asked again."""

    async def work() -> Any:
        there = False

        async def serve(request: web.Request) -> web.Response:
            if not there:
                raise web.HTTPServiceUnavailable
            return web.json_response(document(("get", "/x", {"operationId": "get"})))

        app = web.Application()
        app.router.add_get("/openapi.json", serve)
        async with serving(app) as origin:
            documents = {"x": {"document": f"{origin}/openapi.json"}}
            async with opened(documents, refresh=0.05) as loader:
                wanted = agent("sys__all__sys_action_x", on_tool_failure="degrade")
                first = await loader.definitions(wanted, scope().principal)
                there = True
                while not (later := await loader.definitions(wanted, scope().principal)):
                    await asyncio.sleep(0.02)
        return len(first), [spec.name for spec in later]

    assert (0, ["get_action_api_example_com"]) == run(work)


def test_document_at_a_private_url_is_not_fetched():
    """A document's own URL is held to the same rules."""

    async def work() -> None:
        async with serving(echo_app()) as origin:
            async with opened({"x": {"document": f"{origin}/d"}}, allow_private=[]) as loader:
                await names(loader, "x")

    with pytest.raises(Exception, match="the actions of x are not available"):
        run(work)


def test_wrong_document_of_the_config_stops_the_server():
    """A document of the config that cannot be read is a wrong setting, and is named."""

    async def work() -> None:
        async with opened({"x": {"document": "swagger: '2.0'\n"}}):
            pass

    with pytest.raises(ConfigError, match=r"plugins\.actions\.documents\.x: an OpenAPI document"):
        run(work)
