"""All ports of one SQLite file, and the URLs that lead to it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from hookline.errors import ConfigError
from hookline.moments import now
from hookline_sqlite.agents import SqliteAgents
from hookline_sqlite.continuations import SqliteContinuations
from hookline_sqlite.database import Database
from hookline_sqlite.keys import SqliteKeys

Clock = Callable[[], datetime]


class SqliteStore:
    """The store in one file. Several processes of one machine may share it."""

    def __init__(self, path: Path, clock: Clock = now):
        self._database = Database(path)
        self.agents = SqliteAgents(self._database, clock)
        self.keys = SqliteKeys(self._database)
        self.continuations = SqliteContinuations(self._database, clock)

    async def ping(self) -> None:
        """Return if the database answers; raise ``StoreUnavailable`` if it does not."""
        await self._database.read("SELECT count(*) FROM sqlite_master")

    async def __aenter__(self) -> Self:
        """Open the file, create or migrate it."""
        await self._database.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Finish what is being written and close the file."""
        await self._database.close()


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
