"""The processes: the mock, what is measured, and what it is compared with."""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import msgspec
from mock_server import Stats

HERE = Path(__file__).resolve().parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0
TOOL = "calculator"
LEDGERS: Mapping[str, Sequence[str]] = {
    "off": ("[runtime]", 'disabled_plugins = ["ledger"]'),
    "entries": (),
    "balance": (
        "[plugins.ledger]",
        "enforce_balance = true",
        'start_balance = "1000000"',
        "[[plugins.ledger.prices]]",
        'model = "*"',
        'input = "3"',
        'output = "15"',
    ),
}
"""What the config says of the ledger."""


@attrs.frozen
class Server:
    """A process that answers on a port; ``agents`` if it runs the tools that a model calls."""

    name: str
    port: int
    pid: int
    key: str = ""
    agents: bool = False


@contextmanager
def running(
    models: Sequence[str], state: Path, only: Collection[str]
) -> Iterator[Sequence[Server]]:
    """The mock (``direct``), the floors and Hookline with an agent for each model.

    Args:
        models: of the mock.
        state: an empty folder for the config, the store and the logs.
        only: which of them are wanted, besides the mock; all if there is no name.
    """
    with ExitStack() as stack:
        mock = stack.enter_context(_process("direct", ["mock_server.py"], {}, state))
        upstream = {"UPSTREAM": f"http://127.0.0.1:{mock.port}/v1"}
        floors = [
            stack.enter_context(_process(name, _uvicorn(app), upstream, state))
            for name, app in (("floor", "floor:app"), ("floor-litestar", "floor_litestar:app"))
            if not only or name in only
        ]
        if only and "hookline" not in only:
            yield [mock, *floors]
            return
        url = f"sqlite:///{state / 'hookline.db'}"
        server = stack.enter_context(hookline("hookline", mock, models, state, url))
        yield [mock, *floors, server]


@contextmanager
def hookline(
    name: str,
    mock: Server,
    models: Sequence[str],
    state: Path,
    url: str,
    *,
    remembered: float | None = None,
    ledger: str = "entries",
) -> Iterator[Server]:
    """Hookline with an agent for each model.

    Args:
        name: of the process.
        mock: the upstream.
        models: of the mock.
        state: a folder for the config and the log.
        url: of the store.
        remembered: seconds that look-ups are remembered, if not as is the default.
        ledger: ``off``, or ``entries`` alone as is the default, or a ``balance`` too.
    """
    key = "hk-" + secrets.token_hex(32)
    lines = _config(f"http://127.0.0.1:{mock.port}/v1", models, url, remembered)
    lines = [*LEDGERS[ledger], *lines]
    config = state / "hookline.toml"
    config.write_text("\n".join(lines) + "\n")
    with _process(name, ["serve_hookline.py", str(config), key], {}, state) as server:
        yield attrs.evolve(server, key=key, agents=True)


def _uvicorn(app: str) -> list[str]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level=warning"]
    return ["-m", "uvicorn", app, "--app-dir", str(HERE), *options]


def _config(
    upstream: str, models: Sequence[str], url: str, remembered: float | None
) -> Sequence[str]:
    """Hookline with its defaults, but for the access log: the floors have none."""
    caches = [] if remembered is None else ["[plugins.acl]", f"cache_seconds = {remembered}"]
    lines = [
        *caches,
        "[server]",
        "access_log = false",
        "[store]",
        f'url = "{url}"',
        *([] if remembered is None else [f"cache_seconds = {remembered}"]),
        "[providers.mock]",
        'kind = "openai"',
        f'base_url = "{upstream}"',
        'api_key = "sk-mock"',
    ]
    for model in models:
        tools = f'tools = ["{TOOL}"]' if "tool" in model else ""
        lines += [f'[agents."{model}"]', 'provider = "mock"', f'model = "{model}"', tools]
    return lines


@contextmanager
def _process(
    name: str, words: Sequence[str], variables: Mapping[str, str], state: Path
) -> Iterator[Server]:
    """A Python process that takes ``--port``, from its first answer on until it is ended."""
    port = _free_port()
    script = [str(HERE / words[0]), *words[1:]] if words[0].endswith(".py") else words
    with (state / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *script, "--port", str(port)],
            env={**os.environ, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        if not _answers(process, port):
            text = (state / f"{name}.log").read_text()
            message = f"{name} does not answer on port {port}:\n{text[-2000:]}"
            raise RuntimeError(message)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            _get(port, "/health")
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def stats_of(mock: Server) -> Stats:
    """What has happened at the mock so far."""
    return msgspec.json.decode(_get(mock.port, "/stats"), type=Stats)


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()
