"""A real server on a socket, in a thread of the test's process."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import msgspec
import uvicorn
import uvloop

from hookline.keys import ApiKey, digest
from hookline.plugins import Plugins
from hookline.registry import Registry
from hookline.roles import USE, Role
from hookline.runtime import Runtime
from hookline.users import User
from hookline_api.app import create_app
from hookline_api.config import Config
from hookline_api.server import uvicorn_config

KEY = "hk-test"
TESTER = Role(id="tester", features={USE})
"""The role of those who test: they may use agents, and nothing else."""

START_SECONDS = 30


@attrs.define
class RunningServer:
    """A server that answers; ``url`` ends with ``/v1``."""

    origin: str
    runtime: Runtime
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(START_SECONDS)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: threading.Event):
        super().__init__(config)
        self.ready = started

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def config_of(tables: Mapping[str, Any]) -> Config:
    """A config on port 0 with a store and files in memory, and these tables on top."""
    server = {"port": 0, "access_log": False, **tables.get("server", {})}
    rest = {
        "store": {"url": "memory://"},
        "files": {"url": "memory://hookline-files"},
        **tables,
        "server": server,
    }
    return msgspec.convert(rest, Config)


@contextmanager
def running_server(
    tables: Mapping[str, Any], plugins: Mapping[str, object] | None = None
) -> Iterator[RunningServer]:
    """Serve with this config, the installed plugins and these objects as further ones.

    The key ``hk-test`` of the user ``alice`` may call every agent.
    """
    config = config_of(tables)
    found = Plugins(config.plugins, "test.toml")
    for name, plugin in (plugins or {}).items():
        found.add(name, plugin)
    found.discover(disabled=config.runtime.disabled_plugins)
    started = threading.Event()
    holder: dict[str, Any] = {}

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runtime = Runtime(Registry(config, found, "test.toml"))
                server = _Server(uvicorn_config(create_app(runtime, config), config), started)
                holder.update(server=server, runtime=runtime, loop=runner.get_loop())
                runner.run(server.serve())
        finally:
            started.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(START_SECONDS), "the server did not start"
    server: _Server = holder["server"]
    assert server.started, "the server could not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    running = RunningServer(f"http://127.0.0.1:{port}", holder["runtime"], holder["loop"])
    running.run(add_key(running.runtime, KEY))
    try:
        yield running
    finally:
        server.should_exit = True
        running.loop.call_soon_threadsafe(running.runtime.cancel_all, "shutdown")
        thread.join(START_SECONDS)
        assert not thread.is_alive(), "the server did not stop"


async def add_key(
    runtime: Runtime, text: str, user: str = "alice", *, role: str = TESTER.id, **fields: Any
) -> ApiKey:
    """Give a user a key with this text; a user who is not there comes to be, with this role."""
    store = runtime.registry.store
    if role == TESTER.id and await store.roles.get(role) is None:
        await store.roles.put(TESTER)
    if await store.users.get(user) is None:
        await store.users.put(User(id=user, role=role))
    key = ApiKey(
        id=f"key_{digest(text)[:16]}", user=user, digest=digest(text), shown=text[:8], **fields
    )
    await store.keys.add(key)
    runtime.forget()
    return key
