"""The URLs that lead to MongoDB. This module does without the driver, which may not be there."""

from collections.abc import Callable
from datetime import datetime

from hookline.errors import ConfigError
from hookline.moments import now
from hookline.store import Store

_EXTRA = frozenset({"odmantic", "pymongo", "bson", "motor"})


class MongoStores:
    """Opens ``mongodb://host:27017/database``."""

    scheme = "mongodb"

    def __init__(self, clock: Callable[[], datetime] = now):
        self._clock = clock

    def open(self, url: str) -> Store:
        """The store in this database; I/O begins when it is entered.

        Raises:
            ConfigError: it is no such URL, or the driver is not installed.
        """
        try:
            # No module of this package is called "store": importing it here would put it into the
            # place of the hook.
            from hookline_mongo.ports import MongoStore
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in _EXTRA:
                raise
            message = (
                f"store.url: a MongoDB store needs the package {error.name}, which is not "
                f"installed; install it with: pip install 'hookline[mongo]'"
            )
            raise ConfigError(message) from error
        return MongoStore(url, self._clock)
