"""Users' own credentials: over whose connection they go, and where they do not."""

import asyncio
import io
import logging
from typing import Any

import pytest
import structlog

from hookline_mcp.failures import ConnectionsTaken, CredentialsMissing
from support.mcp_servers import child, endpoint, opened, run, scope_of, served, until

SECRETS = {"alice": "alice-5ecret-value", "bob": "bob-5ecret-value"}
PER_USER = {
    "headers": {"X-Token": "Bearer {{TOKEN}}"},
    "user_variables": {"TOKEN": "From your profile."},
}


async def _give(tools: Any, server: str = "here") -> None:
    for user, value in SECRETS.items():
        await tools.reach.credentials.put(user, server, "TOKEN", value)


def test_each_user_is_sent_with_his_own_credentials():
    """Calls of two users at once reach the server with what each of them gave."""

    async def work() -> Any:
        with served() as url:
            async with opened({"here": endpoint(url, **PER_USER)}) as tools:
                await _give(tools)
                calls = [
                    tools.call("header_mcp_here", user=user, name="x-token")
                    for user in ["alice", "bob"] * 20
                ]
                return [result.content for result in await asyncio.gather(*calls)]

    expected = [f"Bearer {SECRETS[user]}" for user in ["alice", "bob"] * 20]

    assert expected == run(work)


def test_url_takes_values_encoded():
    """A value in the URL stays where it was put."""

    async def work() -> Any:
        with served() as url:
            server = endpoint(f"{url}?key={{{{TOKEN}}}}", user_variables={"TOKEN": ""})
            async with opened({"here": server}) as tools:
                await tools.reach.credentials.put("alice", "here", "TOKEN", "a/b&c=#d?")
                return (await tools.call("query_mcp_here")).content

    assert "key=a%2Fb%26c%3D%23d%3F" == run(work)


def test_child_process_per_user():
    """A server that is a process gets the user's variable in an environment of its own."""

    async def work() -> Any:
        server = child(env={"TOKEN": "{{TOKEN}}"}, user_variables={"TOKEN": ""})
        async with opened({"here": server}) as tools:
            await _give(tools)
            values = {
                user: (await tools.call("variable_mcp_here", user=user, name="TOKEN")).content
                for user in SECRETS
            }
            pids = {(await tools.call("pid_mcp_here", user=user)).content for user in SECRETS}
            return values, len(pids)

    assert (SECRETS, 2) == run(work)


def test_user_without_credentials():
    """Without what the server needs, the run fails and says what is to be given."""

    async def work() -> None:
        async with opened({"here": endpoint("http://127.0.0.1:9/mcp", **PER_USER)}) as tools:
            with pytest.raises(CredentialsMissing) as caught:
                await tools.specs("add_mcp_here", user="carol")
            assert (
                "the MCP server here needs TOKEN of the user carol: "
                "hookline mcp credentials set carol here TOKEN" == str(caught.value)
            )

    run(work)


def test_changed_and_removed_credentials():
    """The next call after a change goes with what is kept now, and after removal not at all."""

    async def work() -> Any:
        with served() as url:
            async with opened({"here": endpoint(url, **PER_USER)}) as tools:
                await _give(tools)
                loaded = await tools.call("header_mcp_here", name="x-token")
                await tools.reach.credentials.put("alice", "here", "TOKEN", "changed-value")
                changed = await tools.call("header_mcp_here", name="x-token")
                kept = await tools.loader.load(["header_mcp_here"], scope_of())
                await tools.reach.credentials.remove("alice", "here")
                removed = await kept["header_mcp_here"].call({"name": "x-token"}, scope_of())
                return loaded.content, changed.content, removed

    loaded, changed, removed = run(work)

    assert ("Bearer alice-5ecret-value", "Bearer changed-value") == (loaded, changed)
    assert removed.failed
    assert "needs TOKEN of the user alice" in removed.text


def test_idle_connections_are_closed_and_lists_stay():
    """A user's connection is closed when idle; the definitions do not open it again."""

    async def work() -> Any:
        with served() as url:
            async with opened({"here": endpoint(url, idle=0.5, **PER_USER)}) as tools:
                await _give(tools)
                await tools.call("add_mcp_here", a=1, b=1)
                pool = tools.reach.pool
                await until(lambda: not pool.open)
                names = await tools.names("add_mcp_here")
                closed = not pool.open
                result = await tools.call("add_mcp_here", a=1, b=1)
                return names, closed, result.content

    assert (["add_mcp_here"], True, "2") == run(work)


def test_number_of_connections_has_a_limit():
    """The one that was idle for longest makes room; if all are in use, the next user waits."""

    async def work() -> Any:
        with served() as url:
            async with opened({"here": endpoint(url, max_connections=1, **PER_USER)}) as tools:
                await _give(tools)
                await tools.call("add_mcp_here", a=1, b=1)
                bob = await tools.call("add_mcp_here", user="bob", a=1, b=1)
                steps = {"count": 5, "seconds": 0.2}
                busy = asyncio.create_task(tools.call("steps_mcp_here", user="bob", **steps))
                await until(lambda: tools.reach.pool.busy)
                with pytest.raises(ConnectionsTaken):
                    await tools.reach.line("here", "alice")
                return bob.content, (await busy).content

    assert ("2", "5 steps") == run(work)


def test_secrets_are_in_no_log_and_no_text():
    """Nothing that is logged, and no error that a model or a caller reads, has a secret in it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))

    async def work() -> list[str]:
        texts = []
        with served() as url:
            servers = {
                "here": endpoint(f"{url}?token={{{{TOKEN}}}}", **PER_USER),
                "gone": endpoint("http://127.0.0.1:9/{{TOKEN}}", user_variables={"TOKEN": ""}),
                "broken": child(
                    args=["{{TOKEN}}", "--odd"],
                    env={"A": "{{TOKEN}}"},
                    user_variables={"TOKEN": ""},
                ),
                "absent": {
                    "command": "sh",
                    "args": ["-c", "echo cannot use {{TOKEN}} >&2; exit 1"],
                    "user_variables": {"TOKEN": ""},
                },
            }
            async with opened(servers) as tools:
                for server in servers:
                    await _give(tools, server)
                    for name in ("add", "fail"):
                        try:
                            result = await tools.call(f"{name}_mcp_{server}", a=1, b=1)
                        except Exception as error:
                            texts.append(repr(error))
                        else:
                            texts.append(result.text)
                texts += [repr(await tools.reach.server(name, "alice")) for name in servers]
                texts.append(repr(tools.reach))
        return texts

    try:
        texts = run(work)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        structlog.reset_defaults()

    said = stream.getvalue() + "\n".join(texts)
    assert "mcp.disconnected" in said
    assert "cannot use [hidden]" in said
    assert [] == [value for value in SECRETS.values() if value in said]
