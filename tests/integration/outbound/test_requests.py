"""The guarded client against servers that behave, and servers that do not."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hookline.outbound import (
    Body,
    Excess,
    Fetched,
    FetchFailed,
    FetchTimeout,
    GuardedClient,
    Limits,
    Targets,
)
from support.asking import WAYS, finished
from support.names import NameServer
from support.sites import (
    PATIENCE,
    Received,
    Site,
    Write,
    answer,
    dripping,
    hanging,
    page,
    raw,
    redirect,
    self_signed,
)

LOCAL = Targets(allow_private=["127.0.0.1"])
HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"
MIB = 1 << 20


async def ask(
    path: str, answers: Mapping[str, Write], method: str = "GET", **asked: Any
) -> Fetched:
    """The answer of a site."""
    async with Site(answers) as site, GuardedClient(LOCAL) as client:
        return await client.request(method, f"{site.url}{path}", **asked)


def received(answers: Mapping[str, Write], **asked: Any) -> list[Received]:
    """What reaches a site that is asked for ``/``."""

    async def run() -> list[Received]:
        async with Site(answers) as site, GuardedClient(LOCAL) as client:
            await client.request(asked.pop("method", "GET"), f"{site.url}/?a=1", **asked)
            return site.requests

    return list(finished(run()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("private", ["127.0.0.1", "127.0.0.0/8", "pages.test"])
def test_allowed_private_targets_pass(way: str, private: str):
    """What the policy names passes, as an address, in a network, or by its name."""

    async def run() -> str:
        async with Site({"/": page(b"Hello")}) as site:
            async with NameServer({"pages.test": [["127.0.0.1"]]}) as names:
                url = f"http://pages.test:{site.port}/"
                return await WAYS[way](url, [private], names.lookup)

    assert "Hello" in finished(run())


def test_an_answer():
    """An answer has its status, headers, body and URL, whatever the status."""
    fetched = finished(ask("/x", {"/x": answer("418 I'm a teapot", b"hi", X_One="1")}))

    assert (418, "1", b"hi", False) == (
        fetched.status,
        fetched.headers["x-one"],
        fetched.body,
        fetched.truncated,
    )
    assert fetched.url.endswith("/x")


def test_a_json_body():
    """A body is sent with its type; parameters go behind the query."""
    (request,) = received(
        {"/": page(b"")},
        method="POST",
        params=[("b", "ü &"), ("b", "3")],
        body=Body.json({"n": 1}),
        headers={"Authorization": "Bearer k"},
    )

    assert b"POST /?a=1&b=%C3%BC+%26&b=3 HTTP/1.1" == request.line
    assert {"n": 1} == json.loads(request.body)
    assert ("application/json", "Bearer k", "Hookline") == (
        request.headers["content-type"],
        request.headers["authorization"],
        request.headers["user-agent"],
    )


def test_a_form():
    """Fields are sent as a form."""
    (request,) = received(
        {"/": page(b"")}, method="PUT", body=Body.form([("a", "1 2"), ("a", "&")])
    )

    assert (b"a=1+2&a=%26", "application/x-www-form-urlencoded") == (
        request.body,
        request.headers["content-type"],
    )


def test_no_body():
    """A request without a body names no type for it."""
    (request,) = received({"/": page(b"")}, method="POST")

    assert ("0", b"") == (request.headers["content-length"], request.body)
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "other.test"},
        {"content-length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"Proxy-Authorization": "x"},
        {"x": "1\r\nhost: other.test"},
        {"x y": "1"},
    ],
    ids=str,
)
def test_headers_that_cannot_be_set(headers: dict[str, str]):
    """A header that says where a request goes, or where it ends, is not the caller's to set."""
    with pytest.raises(FetchFailed, match="header"):
        finished(ask("/", {}, headers=headers))


def test_nothing_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    """A proxy in the environment is not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")

    assert b"Hello" == finished(ask("/", {"/": page(b"Hello")})).body


def test_cookies_are_not_kept():
    """What one answer sets, the next request does not send."""

    async def run() -> list[bool]:
        async with Site({"/": page(b"", set_cookie="a=b")}) as site, GuardedClient(LOCAL) as client:
            for _ in range(2):
                await client.request("GET", f"{site.url}/")
            return ["cookie" in request.headers for request in site.requests]

    assert [False, False] == finished(run())


def test_redirects_are_followed():
    """As many redirects are followed as the limits say; credentials stay on their server."""
    answers = {"/": redirect("/b", "301 Moved"), "/b": redirect("c"), "/c": page(b"there")}

    fetched = finished(ask("/", answers, limits=Limits(redirects=2)))

    assert (b"there", True) == (fetched.body, fetched.url.endswith("/c"))


def test_redirects_are_an_answer():
    """Without a limit of redirects, the redirect itself is what comes back."""
    fetched = finished(ask("/", {"/": redirect("/b")}))

    assert (302, "/b") == (fetched.status, fetched.headers["location"])


def test_a_circle_of_redirects():
    """More redirects than the limits say are an error."""
    with pytest.raises(FetchFailed, match="behind more than 3 redirects"):
        finished(ask("/", {"/": redirect("/")}, limits=Limits(redirects=3)))


def test_credentials_stay_on_their_server():
    """A redirect to another port is one to another server: it gets no credentials."""

    async def run() -> list[list[str]]:
        async with Site({"/b": page(b"")}) as other:
            async with Site({"/": redirect("/a"), "/a": redirect(f"{other.url}/b")}) as site:
                async with GuardedClient(LOCAL) as client:
                    await client.request(
                        "GET",
                        f"{site.url}/",
                        headers={
                            "authorization": "secret",
                            "x-key": "secret",
                            "accept": "text/html",
                        },
                        limits=Limits(redirects=5),
                    )
                received = [*site.requests, *other.requests]
                return [
                    sorted({"accept", "authorization", "x-key"} & {*r.headers}) for r in received
                ]

    everything = ["accept", "authorization", "x-key"]
    assert [everything, everything, ["accept"]] == finished(run())


@pytest.mark.parametrize("size", [9, 10])
def test_a_body_within_the_limit(size: int):
    """A body as large as the limit is whole."""
    fetched = finished(ask("/", {"/": page(b"x" * size)}, limits=Limits(size=10)))

    assert (size, False) == (len(fetched.body), fetched.truncated)


def test_a_body_over_the_limit():
    """A larger body is refused, or cut and marked, as the caller chooses."""
    with pytest.raises(FetchFailed, match="has more than 10 bytes"):
        finished(ask("/", {"/": page(b"x" * 11)}, limits=Limits(size=10)))

    fetched = finished(ask("/", {"/": page(b"x" * 11)}, limits=Limits(size=10, excess=Excess.CUT)))

    assert (b"x" * 10, True) == (fetched.body, fetched.truncated)


def test_an_endless_body_is_left():
    """A body that has no end is cut, and its connection is closed."""

    async def run() -> int:
        endless = dripping(HEAD + b"\r\n", b"x" * MIB, 0)
        async with Site({"/": endless}) as site, GuardedClient(LOCAL) as client:
            limits = Limits(size=3 * MIB, excess=Excess.CUT)
            fetched = await client.request("GET", f"{site.url}/", limits=limits)
            async with asyncio.timeout(PATIENCE):
                await site.left.wait()
            return len(fetched.body)

    assert 3 * MIB == finished(run())


PACKED = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("coding", PACKED)
def test_packed_bodies(coding: str):
    """Bodies are unpacked."""
    body = PACKED[coding](b"Hello " * 1000)

    fetched = finished(ask("/", {"/": page(body, content_encoding=coding)}))

    assert b"Hello " * 1000 == fetched.body


def test_packed_without_a_header():
    """Some servers send deflate without its header."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = packer.compress(b"Hello " * 1000) + packer.flush()

    assert (
        b"Hello " * 1000 == finished(ask("/", {"/": page(body, content_encoding="deflate")})).body
    )


def test_packed_in_members():
    """A body may be several packed ones; what follows them is left out."""
    body = gzip.compress(b"one ") + gzip.compress(b"two") + b"garbage"

    assert b"one two" == finished(ask("/", {"/": page(body, content_encoding="gzip")})).body


@pytest.mark.parametrize("coding", PACKED)
def test_a_bomb(coding: str):
    """A body that unpacks to a thousand times its size is cut where any other would be."""
    bomb = PACKED[coding](bytes(64 * MIB))
    limits = Limits(size=MIB, excess=Excess.CUT)

    fetched = finished(ask("/", {"/": page(bomb, content_encoding=coding)}, limits=limits))

    assert (MIB, True) == (len(fetched.body), fetched.truncated)


def test_packed_nothing_without_end():
    """A packed body that goes on and on without saying anything is left."""
    member = gzip.compress(b"")
    endless = dripping(HEAD + b"content-encoding: gzip\r\n\r\n", member * 1000, 0)

    with pytest.raises(FetchFailed, match="larger packed than unpacked"):
        finished(ask("/", {"/": endless}, limits=Limits(size=1000)))


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_codings_that_nobody_asked_for(coding: str):
    """A body that is packed otherwise is refused."""
    with pytest.raises(FetchFailed, match="a way that was not asked for"):
        finished(ask("/", {"/": page(b"x", content_encoding=coding)}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Hello\r\n\r\n",
        b"HTTP/1.1 200\r\nx y: z\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_broken_answers(data: bytes):
    """An answer that is no HTTP, or has no end, is an error without the URL's secrets."""
    with pytest.raises(FetchFailed) as raised:
        finished(ask("/secret?token=secret", {"/secret": raw(data)}))

    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None or "secret" not in repr(raised.value.__cause__)


def test_nobody_listens():
    """A server that is not there is an error that names it."""

    async def run() -> str:
        async with Site({}) as site:
            url = site.url
        async with GuardedClient(LOCAL) as client:
            with pytest.raises(FetchFailed) as raised:
                await client.request("GET", f"{url}/secret")
        return str(raised.value).removeprefix(url)

    assert " could not be connected to" == finished(run())


def test_an_unknown_name():
    """A name that has no address is an error that names it."""

    async def run() -> None:
        async with NameServer({}) as names:
            async with GuardedClient(LOCAL, lookup=names.lookup) as client:
                await client.request("GET", "https://nowhere.test/secret")

    with pytest.raises(FetchFailed, match=r"^the host of https://nowhere\.test is not known$"):
        finished(run())


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path):
    """A server with a certificate of its own making is not believed."""

    async def run() -> tuple[str, int]:
        async with Site({}, tls=self_signed(tmp_path)) as site, GuardedClient(LOCAL) as client:
            with pytest.raises(FetchFailed) as raised:
                await client.request("GET", f"{site.url}/secret")
            return str(raised.value).removeprefix(site.url), len(site.requests)

    assert (" has no certificate that can be trusted", 0) == finished(run())


@pytest.mark.parametrize(
    "slow",
    [
        hanging,
        dripping(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", 0.05),
        dripping(HEAD + b"content-length: 1000000\r\n\r\n", b"x", 0.01),
    ],
    ids=["hanging", "dripping head", "dripping body"],
)
def test_slow_servers(slow: Write):
    """A server that hangs or drips is left when its time is up, and its connection is closed."""

    async def run() -> str:
        async with Site({"/secret": slow}) as site, GuardedClient(LOCAL) as client:
            with pytest.raises(FetchTimeout) as raised:
                await client.request("GET", f"{site.url}/secret", limits=Limits(total=0.2))
            async with asyncio.timeout(PATIENCE):
                await site.left.wait()
            return str(raised.value).removeprefix(site.url)

    assert " did not answer within 0.2 s" == finished(run())


def test_a_slow_name():
    """Looking a name up counts as connecting."""

    async def never(host: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    async def run() -> None:
        async with GuardedClient(LOCAL, lookup=never) as client:
            await client.request("GET", "http://slow.test/", limits=Limits(connect=0.1))

    with pytest.raises(FetchTimeout, match=r"could not be connected to within 0\.1 s"):
        finished(run())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("slow", [hanging, dripping(HEAD + b"\r\n", b"x", 0.01)])
def test_cancelling_closes_the_connection(way: str, slow: Write):
    """A request that is cancelled closes its connection, and leaves no task behind."""

    async def run() -> int:
        async with Site({"/": slow}) as site:
            before = len(asyncio.all_tasks())
            request = asyncio.create_task(WAYS[way](f"{site.url}/", ["127.0.0.1"]))
            async with asyncio.timeout(PATIENCE):
                while not site.requests:
                    await asyncio.sleep(0.01)
                request.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await request
                await site.left.wait()
                while len(asyncio.all_tasks()) > before:
                    await asyncio.sleep(0.01)
            return len(asyncio.all_tasks()) - before

    assert 0 == finished(run())


def test_connections_are_used_again():
    """A connection that was checked serves the next request; its name is not looked up again."""

    async def run() -> tuple[int, list[str]]:
        kept = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        async with Site({"/": kept}, keep=True) as site:
            async with NameServer({"pages.test": [["127.0.0.1"]]}) as names:
                async with GuardedClient(LOCAL, lookup=names.lookup) as client:
                    for _ in range(3):
                        await client.request("GET", f"http://pages.test:{site.port}/")
                return site.connections, names.asked

    assert (1, ["pages.test"]) == finished(run())


def test_a_client_must_be_open():
    """A client that was not entered says so."""
    with pytest.raises(RuntimeError, match="is not open"):
        asyncio.run(GuardedClient(LOCAL).request("GET", "http://127.0.0.1/"))
