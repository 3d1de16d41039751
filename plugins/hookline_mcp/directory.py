"""The directory: servers of the config, and those that administrators keep in the store."""

from collections.abc import Mapping, Sequence

import msgspec

from hookline.errors import InvalidRequest, VersionConflict
from hookline.outbound import TargetRefused
from hookline.records import Record, RecordStore
from hookline_mcp.failures import ServerUnknown
from hookline_mcp.servers import Server
from hookline_mcp.settings import ServerName, ServerTable, Settings, read, server_of, written

COLLECTION = "mcp.servers"


class Directory:
    """Knows servers by their names. A name of the config is not looked up in the store.

    Args:
        settings: with the servers of the config.
        records: where the others are kept.
    """

    def __init__(self, settings: Settings, records: RecordStore):
        self._settings = settings
        self._records = records
        self._configured: Mapping[str, Server] = {
            name: server_of(name, table) for name, table in settings.servers.items()
        }

    async def find(self, name: str) -> Server:
        """The server of this name.

        Raises:
            ServerUnknown: there is none.
            StoreUnavailable: the store does not answer.
        """
        configured = self._configured.get(name)
        if configured is not None:
            return configured
        record = await self._records.get(COLLECTION, name)
        if record is None:
            message = f"there is no MCP server {name}"
            raise ServerUnknown(message)
        return server_of(name, read(record.data), origin="store")

    async def all(self) -> Sequence[Server]:
        """All servers, by name.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        servers = dict(self._configured)
        for record in await self._records.list(COLLECTION, limit=self._settings.max_servers):
            stored = server_of(record.id, read(record.data), origin="store")
            servers.setdefault(record.id, stored)
        return [servers[name] for name in sorted(servers)]

    async def add(self, name: str, table: ServerTable) -> Server:
        """Keep a server in the store. Those that are commands stand in the config alone.

        Raises:
            InvalidRequest: the name is taken or none, it is a command, its URL is not allowed, or
                there are too many servers.
            StoreUnavailable: the store does not answer.
        """
        if table.url is None:
            message = (
                "a server with a command stands in the config; the store takes those with a url"
            )
            raise InvalidRequest(message, param="command")
        try:
            msgspec.convert(name, ServerName)
            self._settings.targets().check_url(table.url)
        except (msgspec.ValidationError, TargetRefused) as error:
            raise InvalidRequest(str(error)) from error
        if name in self._configured:
            message = f"the config has a server {name} already"
            raise InvalidRequest(message, param="name")
        if len(await self.all()) >= self._settings.max_servers:
            message = f"there are {self._settings.max_servers} servers already (max_servers)"
            raise InvalidRequest(message)
        record = Record(collection=COLLECTION, id=name, data=written(table))
        try:
            await self._records.put(record, expected=0)
        except VersionConflict as error:
            message = f"there is a server {name} already; remove it first"
            raise InvalidRequest(message, param="name") from error
        return server_of(name, table, origin="store")

    async def remove(self, name: str) -> bool:
        """Forget a server of the store; whether there was one.

        Raises:
            InvalidRequest: it stands in the config.
            StoreUnavailable: the store does not answer.
        """
        if name in self._configured:
            message = f"the server {name} stands in the config; remove it there"
            raise InvalidRequest(message, param="name")
        return await self._records.delete(COLLECTION, name)
