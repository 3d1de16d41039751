"""The roles that are there when the server has started."""

import pytest

from hookline.errors import ConfigError, StoreUnavailable
from hookline.roles import FEATURES, USE, Role
from hookline.settings import decode_table
from hookline_acl import Settings
from hookline_memory import MemoryStore
from support.callers import Callers, bounded


async def roles(callers):
    """What the store has: features and who manages them, by role."""
    found = await callers.store.real.roles.list()
    return {role.id: (sorted(role.features), role.managed_by) for role in found}


async def started(store, **settings):
    """The roles of a store in which a server was started, and stopped."""
    callers = Callers(store, **settings)
    async with callers.backend:
        pass
    return await roles(callers)


def test_the_first_two_roles_are_there_from_the_beginning():
    """Admins may do everything, users nothing, until somebody changes that."""

    async def main():
        store = MemoryStore()
        first = await started(store)
        await store.roles.put(Role(id="user", features=[USE]))
        return first, await started(store)

    first, second = bounded(main)
    assert {"admin": (sorted(FEATURES), None), "user": ([], None)} == first
    assert ([USE], None) == second["user"]


def test_roles_of_the_config_are_brought_in():
    """They win over what the store has, and keep its description."""

    async def main():
        store = MemoryStore()
        await store.roles.put(Role(id="maker", description="Makes agents", features=FEATURES))
        found = await started(store, roles={"user": [USE], "maker": [USE]})
        return found, (await store.roles.get("maker")).description

    found, description = bounded(main)
    admin = {"admin": (sorted(FEATURES), None)}
    assert {**admin, "user": ([USE], "config"), "maker": ([USE], "config")} == found
    assert "Makes agents" == description


def test_a_start_that_changes_nothing_writes_nothing():
    """Roles keep their versions."""

    async def main():
        store = MemoryStore()
        versions = []
        for _ in range(2):
            await started(store, roles={"user": [USE]})
            versions.append([(role.id, role.version) for role in await store.roles.list()])
        return versions

    first, second = bounded(main)
    assert first == second


def test_a_role_that_left_the_config_can_be_changed_again():
    """It keeps its features, and nobody manages it."""

    async def main():
        store = MemoryStore()
        await started(store, roles={"maker": [USE], "user": []})
        return await started(store, roles={"user": []})

    found = bounded(main)
    assert ([USE], None) == found["maker"]
    assert ([], "config") == found["user"]


def test_a_start_without_roles_is_none():
    """A store that does not answer ends it."""

    async def main():
        callers = Callers(MemoryStore())
        callers.store.failing = {"roles.put"}
        with pytest.raises(StoreUnavailable):
            async with callers.backend:
                pytest.fail("it was entered")
        return callers.calls.count("keys.touch")

    assert 0 == bounded(main)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"cache_seconds": -1}, "plugins.acl: cache_seconds: Expected `float` >= 0.0"),
        ({"cache_entries": 0}, "plugins.acl: cache_entries: Expected `int` >= 1"),
        ({"touch_interval": 0}, "plugins.acl: touch_interval: Expected `float` > 0.0"),
        ({"cache_second": 1}, "plugins.acl: there is no key 'cache_second'"),
        ({"roles": {"user": ["use"]}}, "plugins.acl: roles.user.0: Invalid enum value 'use'"),
        ({"roles": {"": []}}, "plugins.acl: roles."),
        ({"unknown_users": "yes"}, "plugins.acl: unknown_users: Invalid enum value 'yes'"),
    ],
)
def test_settings_are_strict(table, said):
    """A wrong setting is named with what was expected."""
    with pytest.raises(ConfigError) as caught:
        decode_table(table, Settings, "plugins.acl")

    assert str(caught.value).startswith(said)
