"""API keys and the store say who a caller is."""

import asyncio
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
import structlog

from hookline import Principal
from hookline.context import PluginContext
from hookline.errors import StoreUnavailable, Unauthenticated
from hookline.grants import PUBLIC, Grantee
from hookline.keys import digest, new_key
from hookline.roles import FEATURES, USE, Role
from hookline.testing import PermissionContract
from hookline.users import User
from hookline_acl import AccessControl, Settings, permission_backend
from hookline_acl.memory import UNKNOWN_ENTRIES
from hookline_memory import MemoryStore
from support.callers import NOON, Callers, bounded, grant

ALICE = Grantee("user", "alice")


class TestAccessControl(PermissionContract):
    """The backend passes the contract of all backends."""

    token = "hk-contract"

    def open(self, tmp_path: Path) -> AccessControl:
        store = MemoryStore()
        key, _ = new_key("alice", text=self.token)

        async def fill() -> None:
            await store.users.put(User(id="alice", role="maker"))
            await store.roles.put(Role(id="maker", features=FEATURES))
            await store.keys.add(key)
            grants = [grant(ALICE, "agent one", 15), grant(PUBLIC, "remoteAgent two")]
            await store.grants.apply(grants)

        asyncio.run(fill())
        context = PluginContext(
            name="acl", settings=Settings(), store=store, logger=structlog.get_logger()
        )
        return permission_backend(context)


def test_a_key_names_its_user_and_what_the_store_says_of_it():
    """The principal carries the key's id and limits, role, features, groups and name; no secret."""

    async def main():
        callers = Callers(MemoryStore())
        key = await callers.add_key("one", agents=frozenset({"a"}), read_only=True)
        await callers.add_user("alice", role="maker", name="Alice")
        await callers.add_role("maker", USE)
        await callers.add_group("team", "alice", "bob")
        await callers.add_group("others", "bob")
        return key, await callers.ask("one")

    key, principal = bounded(main)
    expected = Principal(
        user="alice",
        key=key.id,
        role="maker",
        groups=frozenset({"team"}),
        features=frozenset({USE}),
        agents=frozenset({"a"}),
        read_only=True,
        name="Alice",
    )
    assert expected == principal


@pytest.mark.parametrize(("role", "features"), [("admin", FEATURES), ("user", []), ("odd", [])])
def test_a_role_that_nobody_wrote_down_has_its_default(role, features):
    """Admins may do all, others nothing."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.add_user("alice", role=role)
        return await callers.ask("one")

    assert frozenset(features) == bounded(main).features


def test_expired_and_revoked_keys_are_nobody():
    """An invalid key is answered like one that never was."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("expired", expires_at=NOON)
        await callers.add_key("revoked", revoked_at=NOON - timedelta(days=1))
        return [await callers.ask(text) for text in ("expired", "revoked", "unknown")]

    assert [None, None, None] == bounded(main)


def test_a_key_without_its_user_is_refused_in_the_seeds_words():
    """The key is known, so that no other backend is asked."""

    async def main():
        callers = Callers(MemoryStore())
        key, _ = new_key("nobody", text="orphan")
        await callers.store.real.keys.add(key)
        with pytest.raises(Unauthenticated, match=r"^User not found for this API key$") as caught:
            await callers.ask("orphan")
        return caught.value.reason

    assert "invalid_api_key" == bounded(main)


def test_a_disabled_user_is_let_in_nowhere():
    """Its key is like an invalid one, and its use is not written down."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.add_user("alice", disabled=True)
        async with callers.backend:
            answer = await callers.ask("one")
        return answer, "keys.touch" in callers.calls

    assert (None, False) == bounded(main)


def test_keys_can_be_switched_off():
    """With ``api_keys = false`` no key lets in, and none is looked up."""

    async def main():
        callers = Callers(MemoryStore(), api_keys=False)
        await callers.add_key("one")
        return await callers.ask("one"), callers.calls

    assert (None, []) == bounded(main)


def test_a_key_expires_while_it_is_remembered():
    """Expiry takes effect to the moment, remembered or not."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one", expires_at=NOON + timedelta(seconds=1))
        before = await callers.ask("one")
        callers.at += timedelta(seconds=1)
        return before, await callers.ask("one"), callers.calls.count("keys.find")

    before, after, asked = bounded(main)
    assert before is not None
    assert (None, 1) == (after, asked)


def test_a_warm_request_reads_nothing():
    """Once somebody has called, neither who it is nor what it may do is asked of the store."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.add_group("team", "alice")
        await callers.grant(grant(Grantee("group", "team"), "remoteAgent a"))
        principal = await callers.ask("one")
        await callers.may(principal)
        cold = list(callers.calls)
        callers.calls.clear()
        for _ in range(3):
            assert principal == await callers.ask("one")
            assert ["a"] == await callers.may(principal)
            for kind in ("agent", "remoteAgent", "mcpServer", "file"):
                for permission in ("view", "edit", "delete", "share"):
                    await callers.may(principal, permission, kind)
        return cold, callers.calls

    cold, warm = bounded(main)
    expected = ["keys.find", "users.get", "groups.of_member", "roles.get", "grants.of_grantees"]
    assert (expected, []) == (cold, warm)


def test_the_answer_of_a_warm_question_is_ready():
    """It is the same object every time: nothing is built for it."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.grant(grant(ALICE, "remoteAgent a"))
        principal = Principal(user="alice")
        ask = callers.backend.allowed
        return [await ask(principal, "view", "remoteAgent") for _ in range(2)]

    first, second = bounded(main)
    assert first is second


def test_two_keys_of_a_user_share_what_is_known_of_it():
    """Only the key itself is looked up for the second one."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.add_key("two")
        await callers.may(await callers.ask("one"))
        callers.calls.clear()
        await callers.may(await callers.ask("two"))
        return callers.calls

    assert ["keys.find"] == bounded(main)


def test_misses_at_once_are_one_look_up():
    """Many requests of one user at the same moment ask the store once."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.grant(grant(ALICE, "remoteAgent a"))

        async def request():
            return await callers.may(await callers.ask("one"))

        answers = await asyncio.gather(*(request() for _ in range(50)))
        return answers, callers.calls

    answers, calls = bounded(main)
    assert [["a"]] * 50 == answers
    assert len(set(calls)) == len(calls)


def test_the_store_is_asked_once_in_a_while():
    """Within the cache's time one look-up does; after it the store is asked again."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        counts = []
        for ticks in (0.0, 4.9, 5.0, 9.9):
            callers.ticks = ticks
            await callers.may(await callers.ask("one"))
            counts.append(len(callers.calls))
        return counts

    assert [5, 5, 10, 10] == bounded(main)


def test_without_a_cache_the_store_is_asked_every_time():
    """``cache_seconds = 0`` sees every change at once."""

    async def main():
        callers = Callers(MemoryStore(), cache_seconds=0)
        await callers.add_key("one")
        for _ in range(3):
            await callers.may(await callers.ask("one"))
            await callers.ask("unknown")
        return len(callers.calls)

    assert 18 == bounded(main)


def test_an_unknown_token_is_remembered_for_a_shorter_time():
    """A key that was made a second ago works."""

    async def main():
        callers = Callers(MemoryStore())
        answers = [await callers.ask("late"), await callers.ask("late")]
        await callers.add_key("late")
        answers.append(await callers.ask("late"))
        asked = callers.calls.count("keys.find")
        callers.ticks = 1.0
        return answers, asked, await callers.ask("late")

    answers, asked, at_last = bounded(main)
    assert ([None, None, None], 1) == (answers, asked)
    assert at_last is not None


def test_random_tokens_push_out_no_key():
    """Unknown tokens have a room of their own; of too many keys the oldest goes."""

    async def main():
        callers = Callers(MemoryStore(), cache_entries=2)
        for text in ("one", "two"):
            await callers.add_key(text)
            await callers.ask(text)
        for number in range(UNKNOWN_ENTRIES + 10):
            await callers.ask(f"random {number}")
        callers.calls.clear()
        await callers.ask("one")
        kept = list(callers.calls)
        await callers.add_key("three")
        await callers.ask("three")
        await callers.ask("one")
        return kept, callers.calls

    assert ([], ["keys.find", "keys.find"]) == bounded(main)


async def revoke_key(callers, key):
    await callers.store.real.keys.revoke(key.id, NOON)


async def disable_user(callers, key):
    await callers.add_user("alice", disabled=True)


@pytest.mark.parametrize("change", [revoke_key, disable_user])
def test_who_was_let_in_is_refused_at_once_after_forget(change):
    """What this process changes shows in the next request."""

    async def main():
        callers = Callers(MemoryStore())
        key = await callers.add_key("one")
        answers = [await callers.ask("one")]
        await change(callers, key)
        answers.append(await callers.ask("one"))
        callers.backend.forget()
        return [answer is not None for answer in (*answers, await callers.ask("one"))]

    assert [True, True, False] == bounded(main)


def test_role_group_and_features_change_at_once_after_forget():
    """The next principal has the new ones."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        await callers.ask("one")
        await callers.add_user("alice", role="maker")
        await callers.add_role("maker", USE)
        await callers.add_group("team", "alice")
        callers.backend.forget()
        return await callers.ask("one")

    principal = bounded(main)
    assert ("maker", {"team"}, {USE}) == (principal.role, principal.groups, principal.features)


def test_an_answer_that_was_on_its_way_is_not_remembered():
    """A look-up that began before ``forget`` brings nothing back after it."""

    async def main():
        callers = Callers(MemoryStore())
        key = await callers.add_key("one")
        shared = grant(ALICE, "remoteAgent a")
        await callers.grant(shared)
        principal = Principal(user="alice")
        callers.store.gate.clear()
        asking = [
            asyncio.create_task(callers.ask("one")),
            asyncio.create_task(callers.may(principal)),
        ]
        await asyncio.sleep(0)
        await callers.store.real.keys.revoke(key.id, NOON)
        await callers.revoke(shared)
        callers.backend.forget()
        later = [
            asyncio.create_task(callers.ask("one")),
            asyncio.create_task(callers.may(principal)),
        ]
        await asyncio.sleep(0)
        callers.store.gate.set()
        await asyncio.gather(*asking)
        answers = await asyncio.gather(*later)
        return [*answers, await callers.ask("one"), await callers.may(principal)]

    assert [None, [], None, []] == bounded(main)


@pytest.mark.parametrize("port", ["keys.find", "users.get", "groups.of_member", "roles.get"])
def test_who_calls_is_not_known_if_a_port_fails(port):
    """The error comes through, though an answer was remembered that is out of date."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        assert await callers.ask("one") is not None
        callers.ticks = 5.0
        callers.store.failing = {port}
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await callers.ask("one")
        callers.store.failing = set()
        return await callers.ask("one")

    assert bounded(main) is not None


@pytest.mark.parametrize("port", ["grants.of_grantees", "grants.get"])
def test_what_a_caller_may_do_is_not_known_if_a_port_fails(port):
    """The error comes through, though an answer was remembered that is out of date."""

    async def main():
        callers = Callers(MemoryStore())
        above = grant(Grantee("user", "bob"), "remoteAgent a")
        await callers.grant(above, grant(ALICE, "remoteAgent a", inherited_from=above.id))
        principal = Principal(user="alice")
        answers = [await callers.may(principal)]
        callers.ticks = 5.0
        callers.store.failing = {port}
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await callers.may(principal)
        callers.store.failing = set()
        return [*answers, await callers.may(principal)]

    assert [["a"], ["a"]] == bounded(main)


def test_an_error_reaches_all_who_waited_for_it():
    """Requests at the same moment fail together, and not one after the other."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        callers.store.failing = {"keys.find"}
        asked = (callers.ask("one") for _ in range(10))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return {type(answer) for answer in answers}

    assert {StoreUnavailable} == bounded(main)


def test_a_store_that_compares_loosely_is_not_believed():
    """What has another digest, id or grantee than the one asked for is no answer."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.add_key("one")
        loose = await callers.store.real.keys.find(digest("one"))
        callers.store.changed = {"keys.find": lambda _: loose}
        answers = [await callers.ask("other")]
        callers.store.changed = {"users.get": lambda found: attrs.evolve(found, id="ALICE")}
        with pytest.raises(Unauthenticated):
            await callers.ask("one")
        callers.backend.forget()
        admin = Role(id="Admin", features=FEATURES)
        callers.store.changed = {"roles.get": lambda _: admin}
        answers.append((await callers.ask("one")).features)
        bobs = [grant(Grantee("user", "ALICE"), "remoteAgent a")]
        callers.store.changed = {"grants.of_grantees": lambda _: bobs}
        answers.append(await callers.may(Principal(user="alice")))
        return answers

    assert [None, frozenset(), []] == bounded(main)
