"""The store in memory."""

from pathlib import Path

import pytest

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
