"""The store in a SQLite file passes the contract of all stores."""

from pathlib import Path

from hookline.testing import StoreContract
from hookline_sqlite import SqliteStore, SqliteStores


class TestSqliteStore(StoreContract):
    """The contract, on a file of its own for each test."""

    def open(self, tmp_path: Path) -> SqliteStore:
        return SqliteStores().open(f"sqlite:///{tmp_path / 'hookline.db'}")
