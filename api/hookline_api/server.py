"""The server process: uvicorn on uvloop, and an end that loses no stream."""

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import structlog
import uvicorn
import uvloop
from litestar.types import ASGIApp

from hookline.runtime import Runtime
from hookline_api.app import create_app
from hookline_api.config import Config, ServerConfig
from hookline_api.errors import AddressUnavailable
from hookline_api.protocol import HttpProtocol

log = structlog.get_logger("hookline.server")
LAST_WORDS = 5.0
"""Seconds that clients have to read the end of their stream once the time of grace is over."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
BACKLOG = 2048
GC_THRESHOLDS = (50_000, 20, 50)
"""Collections are rarer than by default: a full one costs more than it frees."""


class Server(uvicorn.Server):
    """Ends in three steps: no new runs, a time of grace for those that stream, then an error event.

    Args:
        config: uvicorn's.
        runtime: whose runs are waited for.
        grace: seconds.
        ready: is called with the address once the socket is open.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        runtime: Runtime,
        grace: float,
        ready: Callable[[str, int], None],
    ):
        super().__init__(config)
        self._runtime = runtime
        self._grace = grace
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGINT and SIGTERM, with exit code 0; the second one ends at once."""
        loop = asyncio.get_running_loop()
        for signum in SIGNALS:
            loop.add_signal_handler(signum, self._stop)
        try:
            yield
        finally:
            for signum in SIGNALS:
                loop.remove_signal_handler(signum)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the runtime, serve, and stop the runtime, even if clients had to be left behind.

        Raises:
            HooklineError: the runtime could not start.
        """
        with self.capture_signals():
            async with self._runtime:
                await self._remark()
                await self._serve(sockets)

    async def _remark(self) -> None:
        """Say what an operator may have forgotten."""
        if not await self._runtime.registry.store.keys.list():
            log.warning("keys.none_found", remedy="hookline keys create --user NAME")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the socket, then say where it is."""
        await super().startup(sockets)
        if not self.started:
            return
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._ready(host, port)

    def _stop(self) -> None:
        if self.should_exit:
            self._runtime.cancel_all("shutdown")
            self.force_exit = True
            return
        self._runtime.drain()
        self.should_exit = True
        running = len(self._runtime.running)
        log.info("server.stopping", running=running, grace=self._grace)
        asyncio.get_running_loop().call_later(self._grace, self._end_runs)

    def _end_runs(self) -> None:
        log.warning("server.grace_over", running=len(self._runtime.running))
        self._runtime.cancel_all("shutdown")
        asyncio.get_running_loop().call_later(LAST_WORDS, self._force)

    def _force(self) -> None:
        """Leave clients behind that do not read the end of their stream."""
        self.force_exit = True


def serve(runtime: Runtime, config: Config, ready: Callable[[str, int], None]) -> None:
    """Serve until a signal ends the process.

    Args:
        runtime: not yet entered.
        config: host, port and limits.
        ready: is called with the address once requests are taken.

    Raises:
        AddressUnavailable: host and port are not free, or not ours.
        HooklineError: a part could not start.
    """
    with listen(config.server) as listener:
        application = create_app(runtime, config)
        # What the application's lifespan does, the server does: it must happen in any case.
        settings = uvicorn_config(application, config, lifespan="off")
        server = Server(settings, runtime, config.server.grace, ready)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve([listener]))


def listen(config: ServerConfig) -> socket.socket:
    """The socket that requests come in by.

    Raises:
        AddressUnavailable: host and port are not free, or not ours.
    """
    host, port = config.host, config.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        if error.errno == errno.EADDRINUSE:
            why = "another program listens there"
        elif error.errno is not None and error.errno < 0:  # getaddrinfo's numbers
            why = "there is no such host"
        message = f"cannot listen on {host}:{port}: {why}; choose another [server] host or port"
        raise AddressUnavailable(message) from error


def uvicorn_config(
    application: ASGIApp, config: Config, lifespan: Literal["on", "off"] = "on"
) -> uvicorn.Config:
    """How uvicorn serves the application: logs and access lines are ours."""
    return uvicorn.Config(
        application,
        host=config.server.host,
        port=config.server.port,
        http=HttpProtocol,
        loop="uvloop",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
    )
