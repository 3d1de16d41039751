"""Measure Hookline against the floors, all of them in front of the same mock model server.

Prints Markdown and writes ``results.json`` and ``results.md``. Nothing needs a network or a real
model; everything listens on 127.0.0.1. Rounds are interleaved, so that what else the machine does
falls on all servers; the figures are medians over the rounds. No timing fails the run: it exits
with 1 only if an answer of Hookline's was wrong.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cases
import long_runs
import stores
from cases import CASES, Figures
from long_runs import QUICK, Sizes
from report import Results
from servers import HERE, Server, running

LONG_RUNS = ("idle1000", "abort", "growth")


def main(words: Sequence[str]) -> int:
    options = _options(words)
    sizes = QUICK if options.quick else Sizes(growth=options.growth)
    if options.quick:
        options.rounds, options.seconds = 1, 0.2
    results = Results(command="nox -s bench" + (" -- " + " ".join(words) if words else ""))
    models = sorted({case.model for case in CASES} | set(sizes.models))
    with (
        tempfile.TemporaryDirectory() as state,
        running(models, Path(state), options.only) as found,
    ):
        chosen = [server for server in found if not options.only or server.name in options.only]
        _closed_loops(results, options, chosen)
        _long_runs(results, options, sizes, chosen, mock=found[0])
        if "stores" in options.cases:
            results.stores = stores.measure(
                found[0], Path(state), rounds=options.rounds, seconds=options.seconds
            )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_bytes(results.json())
    (options.out / "results.md").write_text(results.markdown())
    print(results.markdown())
    if results.faults:
        print(f"wrong answers: {results.faults}", file=sys.stderr)
    return 1 if results.faults else 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    names = [case.name for case in CASES] + [*LONG_RUNS, "stores"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--only", type=_words, default=[], help="servers, with commas between")
    parser.add_argument("--cases", type=_words, default=names, help="of " + ",".join(names))
    parser.add_argument("--growth", type=int, default=5000, help="how many runs the case has")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder of the results")
    parser.add_argument("--quick", action="store_true", help="only see that everything works")
    options = parser.parse_args(words)
    unknown = set(options.cases) - set(names)
    if unknown:
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    return options


def _words(text: str) -> list[str]:
    return text.split(",")


def _closed_loops(results: Results, options: argparse.Namespace, servers: Sequence[Server]) -> None:
    rows: dict[str, dict[str, list[Figures]]] = {}
    for round_ in range(options.rounds):
        for case in CASES:
            able = [server for server in servers if case.turns == 1 or server.agents]
            turned = able[round_ % len(able) :] + able[: round_ % len(able)] if able else []
            for server in turned if case.name in options.cases else ():
                results.load_average.append(os.getloadavg()[0])
                figures = cases.measure(case, server, options.seconds)
                measured = rows.setdefault(case.name, {s.name: [] for s in able})
                measured[server.name].append(figures)
                _say(f"round {round_ + 1}, {case.name}, {server.name}", figures.faults)
    for name, measured in rows.items():
        results.cases[name] = {
            server: cases.middle(figures) for server, figures in measured.items()
        }


def _long_runs(
    results: Results,
    options: argparse.Namespace,
    sizes: Sizes,
    servers: Sequence[Server],
    *,
    mock: Server,
) -> None:
    for server in servers:
        if server is mock:
            continue
        results.load_average.append(os.getloadavg()[0])
        # Growth comes first: what many streams leave free would hide it.
        grows = server.agents and "growth" in options.cases
        grown = long_runs.growth(server, sizes.growth) if grows else None
        if grown:
            results.growth[server.name] = grown
            _say(f"growth, {server.name}")
        if "idle1000" in options.cases:
            streams = long_runs.open_streams(server, mock, sizes)
            results.streams[server.name] = streams
            _say(f"idle1000, {server.name}", streams.faults)
        if server.agents and "abort" in options.cases:  # the floors need not notice who left
            results.aborts[server.name] = long_runs.aborts(server, mock, sizes.aborts)
            _say(f"abort, {server.name}")


def _say(what: str, faults: dict[str, int] | None = None) -> None:
    print(what, faults or "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
