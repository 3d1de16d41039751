"""The cases of the closed loop: so many requests at a time, for so many seconds."""

import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import attrs
import meters
import msgspec
from load import Outcome, Target
from mock_answers import plan_of
from servers import HERE, Server

LOAD_SECONDS = 120
WARM_UP_SHARE = 0.25
MOMENT = 1.0


@attrs.frozen
class Case:
    """What is asked for, and how often at a time. ``turns`` are model calls per answer."""

    name: str
    model: str
    connections: int
    stream: bool = True
    turns: int = 1

    @property
    def tokens(self) -> int:
        """How many tokens an answer has."""
        return plan_of(self.model).tokens

    def target(self, server: Server) -> Target:
        """Where and what the load generator asks."""
        return Target(server.port, self.model, self.tokens, server.key, self.stream, self.turns)


CASES = (
    Case("json-c1", "mock-200", 1, stream=False),
    Case("json-c32", "mock-200", 32, stream=False),
    Case("stream200-c1", "mock-200", 1),
    Case("stream200-c32", "mock-200", 32),
    Case("stream2000-c8", "mock-2000", 8),
    Case("drip200-c8", "mock-200-b1", 8),  # a write per token, as model servers do
    Case("paced100-c16", "mock-100-d10", 16),  # a fixed load: compare CPU and delay
    Case("tool20-c1", "mock-tool-20", 1, turns=2),
    Case("tool20-c8", "mock-tool-20", 8, turns=2),
)


@attrs.frozen(kw_only=True)
class Figures:
    """What was measured of one server in one case; ``None`` where it is not known."""

    requests_per_second: float
    tokens_per_second: float
    first_p50_ms: float
    first_p95_ms: float
    total_p50_ms: float
    total_p95_ms: float
    cpu_ms_per_request: float | None
    cpu_us_per_token: float | None
    peak_mib: float | None
    faults: dict[str, int] = attrs.field(factory=dict)
    samples: dict[str, str] = attrs.field(factory=dict)


def measure(case: Case, server: Server, seconds: float) -> Figures:
    """Measure once, after a warm-up if it takes more than a moment."""
    target = case.target(server)
    if seconds > MOMENT:
        send(target, case.connections, seconds=seconds * WARM_UP_SHARE)
    meters.reset_peak(server.pid)
    before = meters.cpu_seconds(server.pid)
    outcome = send(target, case.connections, seconds=seconds)
    after, memory = meters.cpu_seconds(server.pid), meters.peak(server.pid)
    cpu = None if before is None or after is None else (after - before) / max(1, outcome.requests)
    rate = outcome.requests / outcome.seconds
    return Figures(
        requests_per_second=rate,
        tokens_per_second=rate * case.tokens,
        first_p50_ms=outcome.first_ms.p50,
        first_p95_ms=outcome.first_ms.p95,
        total_p50_ms=outcome.total_ms.p50,
        total_p95_ms=outcome.total_ms.p95,
        cpu_ms_per_request=None if cpu is None else cpu * 1e3,
        cpu_us_per_token=None if cpu is None else cpu * 1e6 / case.tokens,
        peak_mib=None if memory is None else memory / meters.MIB,
        faults=outcome.faults,
        samples=outcome.samples,
    )


def send(target: Target, connections: int, *, seconds: float = 0.0, requests: int = 0) -> Outcome:
    """Run the load generator, in a process of its own."""
    done = subprocess.run(
        load_command(target, connections, seconds=seconds, requests=requests),
        capture_output=True,
        timeout=LOAD_SECONDS + seconds,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return msgspec.json.decode(done.stdout, type=Outcome)


def load_command(
    target: Target, connections: int, *, seconds: float = 0.0, requests: int = 0
) -> list[str]:
    """The load generator's command line."""
    options = [f"--connections={connections}", f"--seconds={seconds}", f"--requests={requests}"]
    return [sys.executable, str(HERE / "load.py"), msgspec.json.encode(target).decode(), *options]


def middle(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure; all faults."""

    def of(pick: Callable[[Figures], float | None]) -> float | None:
        return median(pick(figures) for figures in rounds)

    names = [field.name for field in attrs.fields(Figures)][:-2]
    faults: Counter[str] = Counter()
    samples: dict[str, str] = {}
    for figures in rounds:
        faults.update(figures.faults)
        samples |= figures.samples
    values = {name: of(lambda figures, name=name: getattr(figures, name)) for name in names}
    return Figures(**values, faults=dict(faults), samples=samples)


def median(values: Iterable[float | None]) -> float | None:
    """Of the values that are known."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
