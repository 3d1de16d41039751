"""All ports of one SQLite file, and the URLs that lead to it."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from hookline.archive import Archive
from hookline.errors import ConfigError
from hookline.moments import now
from hookline.roles import Role
from hookline.store import StoreStatus
from hookline.users import User
from hookline_sqlite.agents import SqliteAgents, SqliteVersions
from hookline_sqlite.archive import SqliteArchive, Table
from hookline_sqlite.audit import SqliteAudit
from hookline_sqlite.continuations import SqliteContinuations
from hookline_sqlite.conversations import SqliteConversations
from hookline_sqlite.database import Database
from hookline_sqlite.documents import SqliteDocuments
from hookline_sqlite.files import SqliteFiles
from hookline_sqlite.grants import SqliteGrants
from hookline_sqlite.groups import SqliteGroups
from hookline_sqlite.keys import SqliteKeys
from hookline_sqlite.ledger import SqliteLedger
from hookline_sqlite.ledger_tables import SqliteAccountTable, SqliteEntryTable
from hookline_sqlite.migrations import MIGRATIONS
from hookline_sqlite.outbox import SqliteOutbox, SqliteOutboxTable
from hookline_sqlite.plugin_records import SqlitePluginRecords
from hookline_sqlite.runs import SqliteRuns

Clock = Callable[[], datetime]


class SqliteStore:
    """The store in one file. Several processes of one machine may share it."""

    def __init__(self, path: Path, clock: Clock = now):
        database = self._database = Database(path)
        self.grants = SqliteGrants(database)
        self.agents = SqliteAgents(database, self.grants, clock)
        self.keys = SqliteKeys(database, clock)
        self.users = SqliteDocuments(database, "users", User, clock)
        self.groups = SqliteGroups(database, clock)
        self.roles = SqliteDocuments(database, "roles", Role, clock)
        self.conversations = SqliteConversations(database)
        self.files = SqliteFiles(database)
        self.runs = SqliteRuns(database)
        self.audit = SqliteAudit(database)
        self.continuations = SqliteContinuations(database, clock)
        self.outbox = SqliteOutbox(database)
        self.ledger = SqliteLedger(database)
        self.records = SqlitePluginRecords(database, clock)
        self.archive: Archive = SqliteArchive(database, self._tables())

    async def ping(self) -> None:
        """Return if the database answers; raise ``StoreUnavailable`` if it does not."""
        await self._database.read("SELECT count(*) FROM sqlite_master")

    async def status(self) -> StoreStatus:
        """What state the file is in; a file that does not exist is not created."""
        path, version = self._database.path, await self._database.schema()
        facts = {"sqlite": sqlite3.sqlite_version}
        if path.exists():
            facts["size"] = f"{path.stat().st_size:,} bytes"
        current = len(MIGRATIONS)
        missing = [f"schema version {n}" for n in range(version + 1, current + 1)]
        return StoreStatus(
            name=f"sqlite:///{path}", version=version, current=current, missing=missing, facts=facts
        )

    async def migrate(self) -> Sequence[str]:
        """Create the file if there is none, and bring it up to date; what was done."""
        try:
            return await self._database.open()
        finally:
            await self._database.close()

    async def __aenter__(self) -> Self:
        """Open the file, create or migrate it."""
        await self._database.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Finish what is being written and close the file."""
        await self._database.close()

    def _tables(self) -> Mapping[str, Table]:
        return {
            "roles": self.roles,
            "users": self.users,
            "groups": self.groups,
            "agents": self.agents,
            "agent_versions": SqliteVersions(self.agents),
            "keys": self.keys,
            "grants": self.grants,
            "conversations": self.conversations,
            "files": self.files,
            "runs": self.runs,
            "audit": self.audit,
            "continuations": self.continuations,
            "accounts": SqliteAccountTable(self._database),
            "ledger": SqliteEntryTable(self._database),
            "outbox": SqliteOutboxTable(self._database),
            "records": self.records,
        }


class SqliteStores:
    """Opens ``sqlite:///./relative.db`` and ``sqlite:////absolute.db``.

    A relative path begins at the directory that the server was started in.
    """

    scheme = "sqlite"

    def __init__(self, clock: Clock = now):
        self._clock = clock

    def open(self, url: str) -> SqliteStore:
        """The store in this file; I/O begins when it is entered.

        Raises:
            ConfigError: the URL names no file.
        """
        return SqliteStore(path_of(url), self._clock)


def path_of(url: str) -> Path:
    """The absolute path that a URL names.

    Raises:
        ConfigError: it names no file, or asks for something that this store does not do.
    """
    prefix, path = url[: len("sqlite:///")], url[len("sqlite:///") :]
    if prefix != "sqlite:///" or not path or path.endswith("/"):
        message = f"store.url: {url}: expected sqlite:///./relative.db or sqlite:////absolute.db"
        raise ConfigError(message)
    if path == ":memory:":
        message = f"store.url: {url}: for a store that nothing is kept in, use memory://"
        raise ConfigError(message)
    if "?" in path or "\0" in path:
        message = f"store.url: {url}: a SQLite store has no options; remove what follows the path"
        raise ConfigError(message)
    return Path(path).absolute()
