"""The store in memory."""

from pathlib import Path

import pytest

from hookline.plugins import Plugins
from hookline.testing import StoreContract
from hookline_memory import MemoryStore, MemoryStores


class TestMemoryStore(StoreContract):
    """The store in memory passes the contract; it says that it is not durable."""

    durable = False

    def open(self, tmp_path: Path) -> MemoryStore:
        return MemoryStores().open("memory://")


def test_two_urls_are_two_stores():
    """Each time ``memory://`` is opened, the store is a new one."""
    stores = MemoryStores()

    assert stores.scheme == "memory"
    assert stores.open("memory://") is not stores.open("memory://")


@pytest.mark.parametrize("url", ["memory://", "memory:///x"])
def test_the_url_says_nothing_further(url):
    """Whatever follows the scheme makes no difference."""
    assert isinstance(MemoryStores().open(url), MemoryStore)


def test_stores_and_logs_are_offered_by_their_schemes():
    """What the config's URLs name is found through the hooks."""
    plugins = Plugins({}, "defaults")
    plugins.discover()

    schemes = {name: part.scheme for name, part in plugins.parts("store")}
    assert {"memory": "memory", "sqlite": "sqlite"}.items() <= schemes.items()
    assert ["memory"] == [part.scheme for _, part in plugins.parts("event_log")]
