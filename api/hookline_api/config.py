"""The config of a server: the runtime's tables, and those of HTTP."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hookline.agents import Dialect
from hookline.config import Config as RuntimeConfig
from hookline.config import Seconds

Port = Annotated[int, Meta(ge=0, le=65535)]
Bytes = Annotated[int, Meta(ge=1)]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[server]``: the socket, limits and log of the HTTP server. Times in seconds."""

    host: str = "127.0.0.1"
    port: Port = 8000
    body_limit: Bytes = 20_000_000
    grace: Seconds = 30.0
    access_log: bool = True
    log_level: LogLevel = "info"
    cors_origins: list[str] = []
    metrics: Literal["admin", "public", "off"] = "admin"


class ApiConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[api]``: how answers look. ``heartbeat`` is in seconds."""

    dialect: Dialect = "openai"
    heartbeat: Seconds = 15.0


class Config(RuntimeConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that ``hookline.toml`` may hold."""

    server: ServerConfig = ServerConfig()
    api: ApiConfig = ApiConfig()
