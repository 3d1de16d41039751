"""OAuth: tokens of the server itself, and those of its users, from a real authorization server."""

import asyncio
import html
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from hookline.errors import ConfigError
from hookline.records import Record
from hookline_actions.kit import Kit
from hookline_actions.logins import LOGINS, TOKENS, LoginGone
from hookline_memory.store import MemoryStore
from support.action_documents import document, text_of
from support.action_servers import OAuthServer, serving
from support.actions import SECRET_KEY, call, context, names, opened, run
from support.server import running_server

PUBLIC = "http://hookline.test"
CLIENT = {"client_id": "hookline", "client_secret": "client-secret-1"}


def protected(origin: str, flow: str, **credential: Any) -> dict[str, Any]:
    """A document whose operations need a token, and the credential for it."""
    flows = {
        "authorizationCode": {
            "authorizationUrl": f"{origin}/authorize",
            "tokenUrl": f"{origin}/token",
            "scopes": {},
        },
        "clientCredentials": {"tokenUrl": f"{origin}/token", "scopes": {}},
    }
    made = document(
        ("get", "/me", {"operationId": "me"}),
        ("post", "/me", {"operationId": "change"}),
        servers=[{"url": f"{origin}/api"}],
        security=[{"login": ["read", "write"]}],
        components={"securitySchemes": {"login": {"type": "oauth2", "flows": flows}}},
    )
    return {
        "document": text_of(made),
        "security": {"login": {"type": flow, **CLIENT, **credential}},
    }


def with_server(server: OAuthServer, flow: str, work: Any, **credential: Any) -> Any:
    """What comes of ``work(loader, store)``."""

    async def body() -> Any:
        store = MemoryStore()
        async with serving(server.app()) as origin:
            documents = {"crm": protected(origin, flow, **credential)}
            async with opened(documents, store=store, public_url=PUBLIC) as loader:
                return await work(loader, store)

    return run(body)


async def browse(store: MemoryStore, text: str) -> None:
    """Log in by the link of a text, as a browser would, but for the pages of Hookline."""
    logins = login_desk(store)
    state = re.search(r"state=([\w-]+)", text)
    assert state is not None
    _, url = await logins.look(state[1])
    async with aiohttp.ClientSession() as session:
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers["location"]
    assert location.startswith(f"{PUBLIC}/actions/callback?")
    code = re.search(r"code=([\w-]+)", location)
    assert code is not None
    await logins.finish(state[1], code[1])


def login_desk(store: MemoryStore) -> Any:
    """The logins of a server with this store."""
    plugin = context({"public_url": PUBLIC}, store)
    return Kit(
        settings=plugin.settings,
        records=store.records,
        vault=plugin.vault,
        clock=plugin.clock,
        logger=plugin.logger,
        stack=AsyncExitStack(),
    ).logins


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_client_credentials_are_asked_for_once(client_auth: str):
    """The server's token is used until shortly before its end, by all calls."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> list[str]:
        calls = [call(loader, "crm", "me", user=f"user{number}") for number in range(5)]
        return [result.text for result in await asyncio.gather(*calls)]

    got = with_server(server, "client_credentials", work, client_auth=client_auth)

    assert ['{"token":"[secret]"}'] * 5 == got
    assert 1 == len(server.asked)
    assert ("client_credentials", "read write") == (
        server.asked[0]["grant_type"],
        server.asked[0]["scope"],
    )


def test_token_that_ends_soon_is_asked_for_anew():
    """A token is not used in its last half minute."""
    server = OAuthServer(lasts=20)

    async def work(loader: Any, store: MemoryStore) -> None:
        for _ in range(3):
            assert not (await call(loader, "crm", "me")).failed

    with_server(server, "client_credentials", work)

    assert (3, 0) == (len(server.asked), server.refused)


def test_refused_token_is_renewed_once():
    """After 401 there is one more try, with a new token."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> list[bool]:
        first = await call(loader, "crm", "change")
        server.good.clear()
        second = await call(loader, "crm", "change")
        server.good.clear()
        server.useless = True
        third = await call(loader, "crm", "change")
        return [first.failed, second.failed, third.failed]

    assert [False, False, True] == with_server(server, "client_credentials", work)
    assert (3, 2) == (server.refused, server.served)


def test_wrong_secret_is_told_without_it():
    """A token that cannot be had is a failure; the message has no secret."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> Any:
        return await call(loader, "crm", "me")

    result = with_server(server, "client_credentials", work, client_secret="other-secret")

    assert result.failed
    assert "No token for crm: its server answered HTTP 401 (invalid_client)" == result.text


def test_user_is_asked_to_log_in():
    """A user without a token is told where to log in; after that the call works, for them alone."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> list[Any]:
        first = await call(loader, "crm", "me")
        assert first.failed
        assert f"{PUBLIC}/actions/login?state=" in first.text
        await browse(store, first.text)
        second = await call(loader, "crm", "me")
        other = await call(loader, "crm", "me", user="bob")
        return [second.text, other.failed]

    assert ['{"token":"[secret]"}', True] == with_server(server, "authorization_code", work)
    assert "authorization_code" == server.asked[0]["grant_type"]
    assert f"{PUBLIC}/actions/callback" == server.asked[0]["redirect_uri"]


def test_what_is_kept_is_sealed():
    """Neither tokens nor what a login needs can be read in the store."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> list[Record]:
        first = await call(loader, "crm", "me")
        await call(loader, "crm", "me")
        await browse(store, first.text)
        return [*await store.records.list(TOKENS), *await store.records.list(LOGINS)]

    records = with_server(server, "authorization_code", work)

    assert ["alice", "alice"] == [record.owner for record in records]
    kept = b"".join(record.data for record in records)
    secrets = (b"access-1", b"refresh-1", b"client-secret-1", b"verifier")
    assert [] == [secret for secret in secrets if secret in kept]


def test_link_works_once():
    """A link that was used is gone, and so is one that nobody made."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> None:
        first = await call(loader, "crm", "me")
        await browse(store, first.text)
        with pytest.raises(LoginGone):
            await browse(store, first.text)
        with pytest.raises(LoginGone):
            await login_desk(store).finish("made-up", "code-0")

    with_server(server, "authorization_code", work)


def test_expired_token_is_refreshed_once_by_all():
    """Calls at the same time renew a token once, since its refresh token works once."""
    server = OAuthServer(lasts=1)

    async def work(loader: Any, store: MemoryStore) -> list[bool]:
        first = await call(loader, "crm", "me")
        await browse(store, first.text)
        server.lasts = 3600
        results = await asyncio.gather(*(call(loader, "crm", "me") for _ in range(5)))
        return [result.failed for result in results]

    assert [False] * 5 == with_server(server, "authorization_code", work)
    assert ["authorization_code", "refresh_token"] == [form["grant_type"] for form in server.asked]
    assert {"refresh-2"} == server.refresh


def test_two_servers_refresh_once():
    """Servers that share a store do not use one refresh token twice."""
    server = OAuthServer(lasts=1)

    async def work() -> list[bool]:
        store = MemoryStore()
        async with serving(server.app()) as origin:
            documents = {"crm": protected(origin, "authorization_code")}
            async with (
                opened(documents, store=store, public_url=PUBLIC) as one,
                opened(documents, store=store, public_url=PUBLIC) as two,
            ):
                await browse(store, (await call(one, "crm", "me")).text)
                server.lasts = 3600
                results = await asyncio.gather(call(one, "crm", "me"), call(two, "crm", "me"))
        return [result.failed for result in results]

    assert [False, False] == run(work)
    assert 2 == len(server.asked)


def test_revoked_login_asks_for_another():
    """When a refresh token is refused for good, the user logs in again."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> tuple[bool, str, int]:
        await browse(store, (await call(loader, "crm", "me")).text)
        server.good.clear()
        server.refresh.clear()
        result = await call(loader, "crm", "me")
        return result.failed, result.text, len(await store.records.list(TOKENS))

    failed, text, kept = with_server(server, "authorization_code", work)
    assert (True, 0) == (failed, kept)
    assert "The user has to log in to crm first." in text


def test_refused_token_of_a_user_is_refreshed():
    """After 401 the user's token is renewed, and the call tried once more."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> bool:
        await browse(store, (await call(loader, "crm", "me")).text)
        server.good.clear()
        return (await call(loader, "crm", "me")).failed

    assert not with_server(server, "authorization_code", work)
    assert 1 == server.refused


def test_logging_in_needs_an_address_and_a_key():
    """A document whose users log in is refused where nobody could."""

    async def work() -> None:
        document = protected("https://idp.example.com", "authorization_code")
        async with opened({"crm": document}):
            pass

    with pytest.raises(ConfigError, match="set public_url"):
        run(work)


def tables(origin: str, public_url: str) -> Mapping[str, Any]:
    """The config of a server whose users log in."""
    return {
        "secrets": {"key": SECRET_KEY},
        "plugins": {
            "actions": {
                "public_url": public_url,
                "allow_private": ["127.0.0.1"],
                "documents": {"crm": protected(origin, "authorization_code")},
            }
        },
    }


def test_pages_of_a_running_server():
    """The page of a link names the user, and its callback keeps the token; a link works once."""
    server = OAuthServer()

    async def ask(url: str) -> tuple[int, str, Mapping[str, str]]:
        async with aiohttp.ClientSession() as session:
            async with session.get(url, allow_redirects=False) as response:
                return response.status, await response.text(), response.headers

    async def body() -> list[Any]:
        async with serving(server.app()) as origin:
            return await asyncio.to_thread(visit, origin)

    def visit(origin: str) -> list[Any]:
        with running_server(tables(origin, PUBLIC)) as running:
            loader = next(
                part.part
                for part in running.runtime.registry.tool_loaders
                if part.plugin == "actions"
            )
            text = running.run(call(loader, "crm", "me", user="al<i>ce")).text
            link = text[text.index(PUBLIC) :].split()[0].replace(PUBLIC, running.origin)
            status, page, headers = running.run(ask(link))
            onward = re.search(r'href="([^"]*)"', page)
            assert onward is not None
            _, _, moved = running.run(ask(html.unescape(onward[1])))
            back = moved["location"].replace(PUBLIC, running.origin)
            done, _, _ = running.run(ask(back))
            again, _, _ = running.run(ask(back))
            gone, _, _ = running.run(ask(link))
            result = running.run(call(loader, "crm", "me", user="al<i>ce"))
            assert "al&lt;i&gt;ce" in page
            assert "no-store" == headers["cache-control"]
            assert "no-referrer" == headers["referrer-policy"]
            return [status, done, again, gone, result.failed]

    assert [200, 200, 400, 400, False] == run(body)


def test_denied_login_uses_the_link_up():
    """A callback without a code keeps nothing, and ends the login."""
    server = OAuthServer()

    async def work(loader: Any, store: MemoryStore) -> int:
        text = (await call(loader, "crm", "me")).text
        state = re.search(r"state=([\w-]+)", text)
        assert state is not None
        await login_desk(store).give_up(state[1])
        return len(await store.records.list(LOGINS))

    assert 0 == with_server(server, "authorization_code", work)


def test_tools_are_there_without_a_login():
    """What needs a login is offered before anybody has logged in."""

    async def work(loader: Any, store: MemoryStore) -> list[str]:
        return sorted(await names(loader, "crm"))

    assert ["change", "me"] == with_server(OAuthServer(), "authorization_code", work)
