"""The store on a real MongoDB server passes the contract of all stores."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hookline.store import Store
from hookline.testing import StoreContract
from hookline_mongo import MongoStores
from support.mongod import fresh_database, require_mongod

require_mongod()


class TestMongoStore(StoreContract):
    """The contract, on databases of its own for each test."""

    @pytest.fixture(autouse=True)
    def databases(self) -> Iterator[None]:
        """Drops the databases of the test."""
        self.urls: dict[Path, str] = {}
        with ExitStack() as self.stack:
            yield

    def open(self, tmp_path: Path) -> Store:
        if tmp_path not in self.urls:
            self.urls[tmp_path] = self.stack.enter_context(fresh_database())
        return MongoStores().open(self.urls[tmp_path])
