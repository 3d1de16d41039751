"""``[plugins.mcp]``: the MCP servers that agents may use tools of."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hookline.outbound import Targets
from hookline_mcp.naming import SERVER_NAME
from hookline_mcp.placeholders import VARIABLE
from hookline_mcp.servers import Child, Endpoint, Server, check

Seconds = Annotated[float, Meta(gt=0)]
ServerName = Annotated[str, Meta(pattern=SERVER_NAME)]
Variable = Annotated[str, Meta(pattern=VARIABLE)]
Line = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$", max_length=8_192)]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?!\n)$", max_length=128)]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s\x00-\x1f\x7f]+$", max_length=8_192)]

OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept"}
)
"""Headers that the transport sets."""


class ServerTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[plugins.mcp.servers.<name>]``: ``command`` or ``url``, and what goes with it.

    Times in seconds. ``{{NAME}}`` in ``args``, ``env``, ``url`` and ``headers`` stands for what
    each user gives; ``user_variables`` has those names, with descriptions.
    """

    command: Line | None = None
    args: list[Line] = []
    env: Mapping[Annotated[str, Meta(pattern=r"^[^=\x00]+$")], Line] = {}
    cwd: str | None = None
    url: Url | None = None
    headers: Mapping[HeaderName, Line] = {}
    timeout: Seconds = 60.0
    connect_timeout: Seconds = 8.0
    allow: list[str] = []
    deny: list[str] = []
    user_variables: Mapping[Variable, str] = {}
    idle: Seconds = 300.0
    max_connections: Annotated[int, Meta(ge=1)] = 100
    instructions: bool = True

    def __post_init__(self) -> None:
        """Refuse what belongs to the other way of reaching a server, or has no meaning."""
        if (self.command is None) == (self.url is None):
            message = "a server has either a command or a url"
            raise ValueError(message)
        if self.url is not None and (self.args or self.env or self.cwd):
            message = "args, env and cwd belong to a command, and this server has a url"
            raise ValueError(message)
        if self.command is not None and self.headers:
            message = "headers belong to a url, and this server has a command"
            raise ValueError(message)
        own = [name for name in self.headers if name.lower() in OWN_HEADERS]
        if own:
            message = f"the header {own[0]} cannot be set"
            raise ValueError(message)
        check(server_of("checked", self))


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[plugins.mcp]``: servers, and limits for all of them. Sizes in bytes.

    ``allowed_domains``, ``allow_private`` and ``ports`` are for servers from the store alone: the
    config may name any.
    """

    servers: Mapping[ServerName, ServerTable] = {}
    max_servers: Annotated[int, Meta(ge=0)] = 100
    max_tools: Annotated[int, Meta(ge=1)] = 500
    message_limit: Annotated[int, Meta(ge=65_536)] = 16_777_216
    allowed_domains: list[str] = []
    allow_private: list[str] = []
    ports: list[int] = []

    def __post_init__(self) -> None:
        """Refuse more servers than there may be, and targets that are none."""
        if len(self.servers) > self.max_servers:
            message = f"there are more than {self.max_servers} servers (max_servers)"
            raise ValueError(message)
        self.targets()

    def targets(self) -> Targets:
        """Where servers from the store may be."""
        ports: Any = self.ports
        return Targets(
            allowed_domains=self.allowed_domains, allow_private=self.allow_private, ports=ports
        )


def server_of(
    name: str, table: ServerTable, *, origin: Literal["config", "store"] = "config"
) -> Server:
    """The server that a table describes."""
    stored = origin == "store"
    way: Child | Endpoint
    if table.command is not None:
        way = Child(command=table.command, args=table.args, env=table.env, cwd=table.cwd)
    else:
        way = Endpoint(url=table.url or "", headers=table.headers, guarded=stored)
    return Server(
        name=name,
        way=way,
        timeout=table.timeout,
        connect_timeout=table.connect_timeout,
        allow=table.allow,
        deny=table.deny,
        user_variables=table.user_variables,
        idle=table.idle,
        max_connections=table.max_connections,
        instructions=table.instructions,
        stored=stored,
    )


def written(table: ServerTable) -> bytes:
    """A table as it is kept."""
    return msgspec.json.encode(table)


def read(data: bytes) -> ServerTable:
    """A table that was kept."""
    return msgspec.json.decode(data, type=ServerTable)
