"""The tables: what was measured, its ratios to the floors, and which targets were met."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import msgspec
from cases import CASES, Figures
from long_runs import Aborts, Growth, OpenStreams

FLOORS = ("floor", "floor-litestar")
COLUMNS = {
    "requests_per_second": "requests/s",
    "tokens_per_second": "tokens/s",
    "first_p50_ms": "first token p50 ms",
    "first_p95_ms": "p95 ms",
    "total_p50_ms": "whole p50 ms",
    "total_p95_ms": "p95 ms",
    "cpu_ms_per_request": "CPU ms/request",
    "cpu_us_per_token": "CPU µs/token",
    "peak_mib": "peak MiB",
}


@attrs.define
class Results:
    """Everything that one run of the benchmark has measured, by case and server."""

    command: str
    cases: dict[str, dict[str, Figures]] = attrs.field(factory=dict)
    streams: dict[str, OpenStreams] = attrs.field(factory=dict)
    aborts: dict[str, Aborts] = attrs.field(factory=dict)
    growth: dict[str, Growth] = attrs.field(factory=dict)
    stores: dict[str, Figures] = attrs.field(factory=dict)
    load_average: list[float] = attrs.field(factory=list)

    @property
    def faults(self) -> dict[str, dict[str, int]]:
        """Answers of Hookline's that were wrong, by case."""
        found = {name: rows["hookline"].faults for name, rows in self.cases.items()}
        found |= {f"stores, {name}": rows.faults for name, rows in self.stores.items()}
        found["idle1000"] = self.streams["hookline"].faults if self.streams else {}
        return {name: faults for name, faults in found.items() if faults}

    def figure(self, case: str, server: str, name: str) -> float | None:
        """One figure, if it was measured."""
        figures = self.cases.get(case, {}).get(server)
        return None if figures is None else getattr(figures, name)

    def ratio(self, case: str, name: str, floor: str) -> float | None:
        """Hookline's figure over a floor's."""
        mine, floors = (self.figure(case, server, name) for server in ("hookline", floor))
        return mine / floors if mine is not None and floors else None

    def json(self) -> bytes:
        """Everything, for programs."""
        targets = [attrs.asdict(target) for target in targets_of(self)]
        whole = {
            **attrs.asdict(self),
            "faults": self.faults,
            "targets": targets,
            "machine": machine(),
            "ratios": {
                case: {
                    floor: {name: self.ratio(case, name, floor) for name in COLUMNS}
                    for floor in FLOORS
                }
                for case in self.cases
            },
        }
        return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"

    def markdown(self) -> str:
        """The tables, for people."""
        parts = [f"Command: `{self.command}`. {machine()}.", _targets(self)]
        parts += [_case(self, name) for name in self.cases]
        if self.streams:
            parts.append(_streams(self.streams))
        if self.aborts:
            parts.append(_aborts(self.aborts))
        if self.growth:
            parts.append(_growth(self.growth))
        if self.stores:
            parts.append(_stores(self.stores))
        low, high = min(self.load_average), max(self.load_average)
        parts.append(f"Load average of the machine meanwhile: {low:.1f} to {high:.1f}.")
        return "\n\n".join(parts) + "\n"


@attrs.frozen
class Goal:
    """A number that Hookline is built to, and what was measured; none if it was not."""

    what: str
    limit: float
    unit: str
    measured: float | None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """``met``, ``missed`` or ``not measured``."""
        if self.measured is None:
            return "not measured"
        met = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        return "met" if met else "missed"


def targets_of(results: Results) -> list[Goal]:
    """The targets of the design, beside what was measured."""
    floor, rate = "floor-litestar", "requests_per_second"
    firsts = [
        results.figure("stream200-c1", server, "first_p50_ms") for server in ("hookline", floor)
    ]
    later = firsts[0] - firsts[1] if firsts[0] is not None and firsts[1] is not None else None
    streams, aborts = results.streams.get("hookline"), results.aborts.get("hookline")
    growth = results.growth.get("hookline")
    ms, of_floor, mib = "ms", "of floor-litestar", "MiB"
    json_cpu = results.figure("json-c32", "hookline", "cpu_ms_per_request")
    peak = results.figure("stream200-c32", "hookline", "peak_mib")
    dripped = results.ratio("drip200-c8", rate, floor)
    streamed = results.ratio("stream200-c32", rate, floor)
    grown = growth.second_half if growth else None
    lost = float(sum(streams.faults.values())) if streams else None
    left = max(aborts.stream_p95, aborts.whole_p95) if aborts else None
    return [
        Goal("CPU of a JSON answer, 32 at a time", 1.3, ms, json_cpu),
        Goal("200-token streams per second, 32 at a time", 0.45, of_floor, streamed, at_least=True),
        Goal("the same token by token, 8 at a time", 0.65, of_floor, dripped, at_least=True),
        Goal("later first token, one at a time, p50", 1.0, ms, later),
        Goal("peak memory at 32 streams", 130.0, mib, peak),
        Goal("memory per idle open stream", 50.0, "KiB", streams and streams.kib_per_stream),
        Goal("growth in the second half of the runs", 2.0, mib, grown),
        Goal("wrong answers on the open streams", 0.0, "", lost),
        Goal("upstream closed after the client left, p95", 50.0, ms, left),
    ]


def machine() -> str:
    """What the figures were measured on."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {platform.system()}, {python}"


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _targets(results: Results) -> str:
    rows = [
        [
            goal.what,
            f"at {'least' if goal.at_least else 'most'} {goal.limit:g} {goal.unit}".strip(),
            f"{number(goal.measured)} {goal.unit}".strip(),
            goal.verdict,
        ]
        for goal in targets_of(results)
    ]
    return _table(["target", "limit", "measured", ""], rows)


def _case(results: Results, name: str) -> str:
    case = next(case for case in CASES if case.name == name)
    kind = f"stream of {case.tokens} tokens" if case.stream else "one JSON answer"
    rows = []
    for server, figures in results.cases[name].items():
        cells = [number(getattr(figures, column)) for column in COLUMNS]
        rows.append([server, *cells, _faults(figures.faults)])
    for floor in FLOORS:
        ratios = [results.ratio(name, column, floor) for column in COLUMNS]
        if any(ratio is not None for ratio in ratios):
            rows.append([f"hookline / {floor}", *map(number, ratios), ""])
    table = _table(["server", *COLUMNS.values(), "faults"], rows)
    return f"### {name}: {kind} (`{case.model}`), {case.connections} at a time\n\n{table}"


def _stores(stores: Mapping[str, Figures]) -> str:
    rows = [
        [name, *(number(getattr(row, column)) for column in COLUMNS), _faults(row.faults)]
        for name, row in stores.items()
    ]
    title = (
        "### stores: one JSON answer, 32 at a time; look-ups remembered (warm) or not (cold); "
        "without the ledger, and with a balance"
    )
    return f"{title}\n\n{_table(['store', *COLUMNS.values(), 'faults'], rows)}"


def _faults(faults: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} x{count}" for kind, count in faults.items()) or "none"


def _streams(streams: Mapping[str, OpenStreams]) -> str:
    count = next(iter(streams.values())).streams

    def cells(value: Callable[[OpenStreams], float | None]) -> dict[str, float | None]:
        return {name: value(row) for name, row in streams.items()}

    memory, cpu = cells(lambda row: row.kib_per_stream), cells(lambda row: row.cpu_us_per_token)
    rows = [
        [name, number(memory[name]), number(cpu[name]), _faults(row.faults)]
        for name, row in streams.items()
    ]
    for floor in FLOORS:
        if floor in streams and "hookline" in streams:
            over = [_over(of["hookline"], of[floor]) for of in (memory, cpu)]
            rows.append([f"hookline / {floor}", *map(number, over), ""])
    head = ["server", "KiB per idle stream", "CPU µs/token, a token every 250 ms", "faults"]
    return f"### idle1000: {count} open streams\n\n{_table(head, rows)}"


def _over(mine: float | None, floors: float | None) -> float | None:
    return mine / floors if mine is not None and floors else None


def _aborts(aborts: Mapping[str, Aborts]) -> str:
    names = ["stream_p50", "stream_p95", "whole_p50", "whole_p95"]
    rows: list[list[str]] = [
        [name, *(number(getattr(row, column)) for column in names), str(row.missed)]
        for name, row in aborts.items()
    ]
    head = ["server", "stream p50", "p95", "JSON p50", "p95", "not closed within 2 s"]
    title = "### abort: ms from the client's leaving to the end of the upstream's connection"
    return f"{title}\n\n{_table(head, rows)}"


def _growth(growth: Mapping[str, Growth]) -> str:
    rows: list[Any] = [
        [name, f"{row.runs:,}", ", ".join(f"{mib:.1f}" for mib in row.resident_mib)]
        for name, row in growth.items()
    ]
    title = "### growth: MiB before, and after each tenth of the runs"
    return f"{title}\n\n{_table(['server', 'runs', 'MiB'], rows)}"
