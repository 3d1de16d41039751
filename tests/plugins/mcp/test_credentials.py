"""What users give for servers: sealed, by user and server, and nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from hookline.errors import ConfigError, InvalidRequest
from hookline.vault import SealBroken, Vault
from hookline_mcp.credentials import COLLECTION, Credentials
from hookline_memory.store import MemoryStores

VAULT = Vault([b"k" * 32])


def kept(work: Callable[[Credentials, Any], Awaitable[Any]], vault: Vault = VAULT) -> Any:
    async def whole() -> Any:
        async with MemoryStores().open("memory://") as store:
            return await work(Credentials(store.records, vault), store.records)

    return asyncio.run(whole())


def test_variables_are_kept_by_user_and_server():
    """Each user has own values for each server; names can be listed without them."""

    async def work(credentials: Credentials, records: Any) -> Any:
        await credentials.put("alice", "wiki", "KEY", "1")
        await credentials.put("alice", "wiki", "MORE", "2")
        await credentials.put("alice", "hub", "KEY", "3")
        await credentials.put("bob", "wiki", "KEY", "4")
        await credentials.put("bob", "wiki", "KEY", "5")
        return (
            dict(await credentials.of("alice", "wiki")),
            dict(await credentials.of("bob", "wiki")),
            dict(await credentials.of("bob", "hub")),
            await credentials.owned("alice"),
        )

    assert (
        {"KEY": "1", "MORE": "2"},
        {"KEY": "5"},
        {},
        {"wiki": ["KEY", "MORE"], "hub": ["KEY"]},
    ) == kept(work)


def test_removal():
    """One variable, all of a user for a server, or those of all users for a server are removed."""

    async def work(credentials: Credentials, records: Any) -> Any:
        for user in ("alice", "bob"):
            for server in ("wiki", "wiki-2", "hub"):
                await credentials.put(user, server, "A", "1")
                await credentials.put(user, server, "B", "1")
        assert await credentials.remove("alice", "wiki", "A")
        assert not await credentials.remove("alice", "wiki", "A")
        assert await credentials.remove("alice", "hub")
        assert not await credentials.remove("alice", "hub")
        assert 2 == await credentials.remove_all("wiki")
        return [await credentials.owned(user) for user in ("alice", "bob")]

    both = ["A", "B"]

    assert [{"wiki-2": both}, {"hub": both, "wiki-2": both}] == kept(work)


def test_values_are_sealed_for_one_user_and_server():
    """What is kept does not show a value, and opens for nobody else."""

    async def work(credentials: Credentials, records: Any) -> None:
        await credentials.put("alice", "wiki", "KEY", "very-secret")
        (record,) = await records.list(COLLECTION)
        assert b"very-secret" not in record.data
        await records.put(attrs.evolve(record, id="mcp_wiki/bob", owner="bob"))
        with pytest.raises(SealBroken):
            await credentials.of("bob", "wiki")

    kept(work)


def test_nothing_is_kept_without_a_key():
    """Without a key a value is refused, and the message does not have it."""

    async def work(credentials: Credentials, records: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            await credentials.put("alice", "wiki", "KEY", "very-secret")
        assert [] == list(await records.list(COLLECTION))
        return str(caught.value)

    assert "very-secret" not in kept(work, Vault())


@pytest.mark.parametrize(
    ("name", "value"),
    [("KEY", ""), ("KEY", "a\r\nX: y"), ("KEY", "x" * 9_000), ("1A", "x"), ("A B", "x")],
)
def test_values_that_could_do_harm(name: str, value: str):
    """Values with line breaks, and names that are none, are refused."""

    async def work(credentials: Credentials, records: Any) -> None:
        with pytest.raises(InvalidRequest):
            await credentials.put("alice", "wiki", name, value)

    kept(work)


def test_changes_at_once():
    """Of several variables that are given at the same time none is lost."""

    async def work(credentials: Credentials, records: Any) -> Any:
        names = [f"KEY_{number}" for number in range(5)]
        await asyncio.gather(*(credentials.put("alice", "wiki", name, "x") for name in names))
        return names, await credentials.names("alice", "wiki")

    names, there = kept(work)

    assert names == there
