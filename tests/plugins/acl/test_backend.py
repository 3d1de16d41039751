"""API keys decide who a caller is."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
import structlog
from structlog.testing import CapturingLogger

from hookline.context import PluginContext
from hookline.errors import ConfigError, StoreUnavailable
from hookline.keys import digest, new_key
from hookline.permissions import EVERYTHING, NOTHING, Credentials, Principal, ResourceFilter
from hookline.settings import decode_table
from hookline.testing import PermissionContract
from hookline_acl import KeyPermissions, Settings, permission_backend
from hookline_acl.cache import UNKNOWN_ENTRIES, KeyCache
from hookline_acl.usage import LastUse
from hookline_memory import MemoryStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class CountingKeys:
    """A key store that counts what it is asked, and fails or waits when told to."""

    def __init__(self):
        self.store = MemoryStore().keys
        self.asked = 0
        self.touched = []
        self.error = None
        self.gate = None
        self.written = asyncio.Event()

    async def find(self, wanted):
        self.asked += 1
        found = await self.store.find(wanted)
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def touch(self, used):
        self.touched.append(dict(used))
        self.written.set()
        if self.error is not None:
            raise self.error
        await self.store.touch(used)


class Setup:
    """A backend, its store and its clocks, which stand still until they are moved."""

    def __init__(self, *, cache_seconds=5.0, cache_entries=10, interval=3600.0):
        self.keys = CountingKeys()
        self.at = NOON
        self.seconds = 0.0
        self.log = CapturingLogger()
        self.cache = KeyCache(cache_seconds, cache_entries, lambda: self.seconds)
        self.backend = KeyPermissions(
            self.keys,
            cache=self.cache,
            last_use=LastUse(self.keys, interval, structlog.wrap_logger(self.log)),
            clock=lambda: self.at,
        )

    async def add(self, text, **fields):
        key, _ = new_key("alice", text=text)
        key = attrs.evolve(key, **fields)
        await self.keys.store.add(key)
        return key

    def ask(self, text):
        return self.backend.authenticate(Credentials(text))


class TestKeyPermissions(PermissionContract):
    """The backend passes the contract of all backends."""

    token = "hk-contract"

    def open(self, tmp_path: Path) -> KeyPermissions:
        store = MemoryStore()
        key, _ = new_key("alice", text=self.token)
        asyncio.run(store.keys.add(key))
        context = PluginContext(
            name="acl", settings=Settings(), store=store, logger=structlog.get_logger()
        )
        return permission_backend(context)


def test_a_key_names_its_user_and_its_agents():
    """The principal carries the key's id and limits, and nothing secret."""

    async def main():
        setup = Setup()
        key = await setup.add("one", agents=frozenset({"a"}))
        return key, await setup.ask("one")

    key, principal = asyncio.run(main())
    assert Principal(user="alice", key=key.id, agents=frozenset({"a"})) == principal


def test_expired_and_revoked_keys_are_nobody():
    """An invalid key is answered like one that never was."""

    async def main():
        setup = Setup()
        await setup.add("expired", expires_at=NOON)
        await setup.add("revoked", revoked_at=NOON - timedelta(days=1))
        return [await setup.ask(text) for text in ("expired", "revoked", "unknown")]

    assert [None, None, None] == asyncio.run(main())


def test_a_key_expires_while_it_is_remembered():
    """Expiry takes effect to the moment, remembered or not."""

    async def main():
        setup = Setup()
        await setup.add("one", expires_at=NOON + timedelta(seconds=1))
        before = await setup.ask("one")
        setup.at += timedelta(seconds=1)
        return before, await setup.ask("one"), setup.keys.asked

    before, after, asked = asyncio.run(main())
    assert before is not None
    assert (None, 1) == (after, asked)


def test_the_store_is_asked_once_in_a_while():
    """Within the cache's time one look-up does; after it the store is asked again."""

    async def main():
        setup = Setup()
        await setup.add("one")
        counts = []
        for seconds in (0.0, 4.9, 5.0, 9.9):
            setup.seconds = seconds
            await setup.ask("one")
            counts.append(setup.keys.asked)
        return counts

    assert [1, 1, 2, 2] == asyncio.run(main())


def test_an_unknown_token_is_remembered_for_a_shorter_time():
    """A key that was made a second ago works."""

    async def main():
        setup = Setup()
        answers = [await setup.ask("late"), await setup.ask("late")]
        await setup.add("late")
        answers.append(await setup.ask("late"))
        setup.seconds = 1.0
        return answers, setup.keys.asked, await setup.ask("late")

    answers, asked, at_last = asyncio.run(main())
    assert ([None, None, None], 1) == (answers, asked)
    assert at_last is not None


def test_without_a_cache_the_store_is_asked_every_time():
    """``cache_seconds = 0`` sees every change at once."""

    async def main():
        setup = Setup(cache_seconds=0)
        await setup.add("one")
        for _ in range(3):
            await setup.ask("one")
            await setup.ask("unknown")
        return setup.keys.asked

    assert 6 == asyncio.run(main())


def test_a_local_change_takes_effect_at_once():
    """After ``forget`` a revoked key is nobody, and a key just made is known."""

    async def main():
        setup = Setup()
        key = await setup.add("one")
        known = [await setup.ask("one"), await setup.ask("two")]
        await setup.keys.store.revoke(key.id, NOON)
        made = await setup.add("two")
        setup.backend.forget(key.id)
        setup.backend.forget(made.id)
        return known, [await setup.ask("one"), await setup.ask("two")]

    known, after = asyncio.run(main())
    assert (True, None) == (known[0] is not None, known[1])
    assert (None, True) == (after[0], after[1] is not None)


@pytest.mark.parametrize("drop", ["forget", "clear"])
def test_an_answer_that_was_on_its_way_is_not_remembered(drop):
    """A look-up that began before a revocation does not bring the key back after it."""

    async def main():
        setup = Setup()
        key = await setup.add("one")
        setup.keys.gate = asyncio.Event()
        asking = asyncio.create_task(setup.ask("one"))
        await asyncio.sleep(0)
        await setup.keys.store.revoke(key.id, NOON)
        if drop == "forget":
            setup.backend.forget(key.id)
        else:
            setup.backend.clear()
        setup.keys.gate.set()
        await asking
        return await setup.ask("one")

    assert asyncio.run(main()) is None


def test_what_is_remembered_is_bounded():
    """Random tokens push out each other and no key; of too many keys the oldest goes."""

    async def main():
        setup = Setup(cache_entries=2)
        for text in ("one", "two"):
            await setup.add(text)
            await setup.ask(text)
        for i in range(UNKNOWN_ENTRIES + 10):
            await setup.ask(f"random {i}")
        before = setup.keys.asked
        await setup.ask("one")
        kept = setup.keys.asked - before
        await setup.add("three")
        await setup.ask("three")
        await setup.ask("one")
        return kept, setup.keys.asked - before, len(setup.cache._unknown)

    assert (0, 2, UNKNOWN_ENTRIES) == asyncio.run(main())


def test_a_store_that_compares_loosely_is_not_believed():
    """A key whose digest differs from the one asked for is no answer."""

    async def main():
        setup = Setup()
        await setup.add("one")
        loose = await setup.keys.store.find(digest("one"))

        async def find(_wanted):
            return loose

        setup.keys.find = find
        return await setup.ask("other")

    assert asyncio.run(main()) is None


def test_a_failing_store_fails_the_request():
    """The error comes through, so that the request is refused; nothing is remembered of it."""

    async def main():
        setup = Setup()
        await setup.add("one")
        find = setup.keys.find

        async def broken(_wanted):
            message = "gone"
            raise StoreUnavailable(message)

        setup.keys.find = broken
        with pytest.raises(StoreUnavailable):
            await setup.ask("one")
        setup.keys.find = find
        return await setup.ask("one")

    assert asyncio.run(main()) is not None


@pytest.mark.parametrize(
    ("agents", "permission", "expected"),
    [
        (None, "view", EVERYTHING),
        (frozenset({"a"}), "view", ResourceFilter(frozenset({"a"}))),
        (frozenset(), "view", NOTHING),
        (None, "edit", NOTHING),
        (None, "delete", NOTHING),
        (None, "share", NOTHING),
    ],
)
def test_a_key_may_view_its_agents_and_change_none(agents, permission, expected):
    """All agents, or those that the key is limited to."""
    principal = Principal(user="alice", agents=agents)

    assert expected == asyncio.run(Setup().backend.allowed(principal, permission, "agent"))


def test_the_last_use_is_written_when_the_server_stops():
    """Requests write nothing; leaving the backend writes the latest use of each key at once."""

    async def main():
        setup = Setup()
        one = await setup.add("one")
        two = await setup.add("two", expires_at=NOON)
        async with setup.backend:
            for _ in range(3):
                setup.at += timedelta(seconds=1)
                await setup.ask("one")
                await setup.ask("two")
            during = list(setup.keys.touched)
        assert two.id not in setup.keys.touched[0]
        return during, setup.keys.touched, {one.id: setup.at}

    during, touched, expected = asyncio.run(main())
    assert ([], [expected]) == (during, touched)


def test_the_last_use_is_written_in_the_background():
    """After each interval what was used since is written, once."""

    async def main():
        setup = Setup(interval=0.001)
        key = await setup.add("one")
        async with asyncio.timeout(10), setup.backend:
            await setup.ask("one")
            await setup.keys.written.wait()
            await asyncio.sleep(0.02)
        return setup.keys.touched, {key.id: NOON}

    touched, expected = asyncio.run(main())
    assert [expected] == touched


def test_a_failing_write_of_the_last_use_is_tried_again():
    """It is logged, requests go on, and the next write brings what is still missing."""

    async def main():
        setup = Setup(interval=0.001)
        key = await setup.add("one")
        setup.keys.error = StoreUnavailable("gone")
        async with asyncio.timeout(10), setup.backend:
            await setup.ask("one")
            await setup.keys.written.wait()
            setup.keys.written.clear()
            await setup.keys.written.wait()
            assert await setup.ask("one") is not None
            setup.keys.error = None
        kept = await setup.keys.store.find(key.digest)
        return kept.last_used_at, setup.log.calls[0]

    used, call = asyncio.run(main())
    assert used == NOON
    assert call.method_name == "warning"


def test_leaving_a_backend_that_was_not_entered_is_harmless():
    """There is nothing to stop; what was used is written all the same."""

    async def main():
        setup = Setup()
        await setup.add("one")
        await setup.ask("one")
        await setup.backend.__aexit__(None, None, None)
        return len(setup.keys.touched)

    assert 1 == asyncio.run(main())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"cache_seconds": -1}, "plugins.acl: cache_seconds: Expected `float` >= 0.0"),
        ({"touch_interval": 0}, "plugins.acl: touch_interval: Expected `float` > 0.0"),
        ({"cache_second": 1}, "plugins.acl: there is no key 'cache_second'"),
    ],
)
def test_settings_are_strict(table, said):
    """A wrong setting is named with what was expected."""
    with pytest.raises(ConfigError) as caught:
        decode_table(table, Settings, "plugins.acl")

    assert str(caught.value).startswith(said)
