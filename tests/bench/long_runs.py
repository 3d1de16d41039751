"""What a closed loop does not show: many open streams, clients that leave, growth."""

import http.client
import subprocess
import time
from collections.abc import Callable

import attrs
import meters
import msgspec
from cases import Case, load_command, send
from load import Outcome, quantiles
from servers import Server, stats_of

LONG = Case("long", "mock-500-d20", 1)
GROWTH = Case("growth", "mock-20", 16)

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.005
SETTLE_SECONDS = 1.0
GROWTH_STEPS = 10


@attrs.frozen(kw_only=True)
class OpenStreams:
    """Many streams at once; ``faults`` are answers that differ from what the mock has said."""

    streams: int
    kib_per_stream: float | None
    faults: dict[str, int]
    cpu_us_per_token: float | None


@attrs.frozen
class Sizes:
    """How much is asked for. The idle model is silent for long after its first event."""

    idle: str = "mock-1-d4000"
    numbered: str = "mock-40-d250"
    streams: int = 1000
    aborts: int = 40
    growth: int = 5000

    @property
    def models(self) -> list[str]:
        """The models that the long runs need."""
        return [self.idle, self.numbered, LONG.model, GROWTH.model]


QUICK = Sizes("mock-1-d300", "mock-10-d20", streams=20, aborts=2, growth=40)


def open_streams(server: Server, mock: Server, sizes: Sizes) -> OpenStreams:
    """Hold many idle streams open, then send numbered tokens over as many."""
    count = sizes.streams
    idle_case, numbered_case = (
        Case("idle", sizes.idle, count),
        Case("numbered", sizes.numbered, count),
    )
    send(numbered_case.target(server), 1, requests=1)
    before = meters.resident(server.pid)
    idle = subprocess.Popen(
        load_command(idle_case.target(server), count, requests=count), stdout=subprocess.PIPE
    )
    _wait(lambda: stats_of(mock).open >= count)
    time.sleep(SETTLE_SECONDS)
    during = meters.resident(server.pid)
    silent = msgspec.json.decode(idle.communicate(timeout=WAIT_SECONDS)[0], type=Outcome)
    cpu = meters.cpu_seconds(server.pid)
    numbered = send(numbered_case.target(server), count, requests=count)
    spent = meters.cpu_seconds(server.pid)
    known = before is not None and during is not None
    return OpenStreams(
        streams=count,
        kib_per_stream=(during - before) / 1024 / count if known else None,
        faults={**silent.faults, **numbered.faults},
        cpu_us_per_token=None
        if cpu is None or spent is None
        else (spent - cpu) * 1e6 / count / numbered_case.tokens,
    )


@attrs.frozen(kw_only=True)
class Aborts:
    """Milliseconds from a client's leaving to the end of the upstream's connection."""

    stream_p50: float
    stream_p95: float
    whole_p50: float
    whole_p95: float
    missed: int


def aborts(server: Server, mock: Server, times: int) -> Aborts:
    """Leave again and again: in the midst of a stream, and while waiting for a whole answer."""
    stream = [_leave(server, mock, stream=True) for _ in range(times)]
    whole = [_leave(server, mock, stream=False) for _ in range(times)]
    streams, wholes = (quantiles([t for t in all_ if t is not None]) for all_ in (stream, whole))
    return Aborts(
        stream_p50=streams.p50,
        stream_p95=streams.p95,
        whole_p50=wholes.p50,
        whole_p95=wholes.p95,
        missed=[*stream, *whole].count(None),
    )


def _leave(server: Server, mock: Server, *, stream: bool) -> float | None:
    """Seconds until the mock saw it, by the clock that all processes share; or it never did."""
    before = len(stats_of(mock).aborts)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    body = {"model": LONG.model, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"content-type": "application/json", "authorization": f"Bearer {server.key}"}
    connection.request("POST", "/v1/chat/completions", msgspec.json.encode(body), headers)
    _wait(lambda: stats_of(mock).open > 0)
    if stream:
        connection.getresponse().read(1)
    left = time.monotonic()
    connection.close()
    try:
        _wait(lambda: len(stats_of(mock).aborts) > before, seconds=2)
    except TimeoutError:
        return None
    return max(0.0, stats_of(mock).aborts[-1] - left)


@attrs.frozen(kw_only=True)
class Growth:
    """Memory in MiB before, and after each tenth of the runs."""

    runs: int
    resident_mib: list[float]

    @property
    def second_half(self) -> float:
        """How many MiB came in the second half of the runs, when every pool has been filled."""
        return self.resident_mib[-1] - self.resident_mib[GROWTH_STEPS // 2]


def growth(server: Server, runs: int) -> Growth | None:
    """Memory over many runs, streamed and not; nothing where it cannot be measured."""
    if meters.resident(server.pid) is None:
        return None
    target = GROWTH.target(server)
    seen = [_resident_mib(server)]
    for _ in range(GROWTH_STEPS):
        half = runs // GROWTH_STEPS // 2
        for stream in (True, False):
            part = msgspec.structs.replace(target, stream=stream)
            send(part, GROWTH.connections, requests=half)
        seen.append(_resident_mib(server))
    return Growth(runs=runs, resident_mib=seen)


def _resident_mib(server: Server) -> float:
    return (meters.resident(server.pid) or 0) / meters.MIB


def _wait(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            message = f"what the benchmark waited for did not come within {seconds:g} s"
            raise TimeoutError(message)
        time.sleep(POLL_SECONDS)
