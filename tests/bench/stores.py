"""What the store costs: SQLite and MongoDB, with what was looked up remembered and without."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import cases
from cases import CASES, Figures
from servers import HERE, Server, hookline

sys.path.insert(0, str(HERE.parent))
from support import mongod

CASE = next(case for case in CASES if case.name == "json-c32")
REMEMBERED = {"warm": None, "cold": 0}
"""Seconds that look-ups are remembered, unless as is the default."""


def measure(mock: Server, state: Path, *, rounds: int, seconds: float) -> dict[str, Figures]:
    """Figures of one server per store and way to remember; rounds take turns."""
    measured: dict[str, list[Figures]] = {}
    with running(mock, state) as servers:
        for round_ in range(rounds):
            turned = [*servers[round_ % len(servers) :], *servers[: round_ % len(servers)]]
            for server in turned:
                figures = cases.measure(CASE, server, seconds)
                measured.setdefault(server.name, []).append(figures)
    return {name: cases.middle(measured[name]) for name in sorted(measured)}


@contextmanager
def running(mock: Server, state: Path) -> Iterator[Sequence[Server]]:
    """A server for each store and way to remember."""
    with ExitStack() as stack:
        urls = {"sqlite": f"sqlite:///{state}/{{name}}.db"}
        reason = mongod.available()
        if reason is None:
            database = stack.enter_context(mongod.Mongod(state / "mongod"))
            urls["mongodb"] = database.url("{name}")
        else:
            print(f"no figures for MongoDB: {reason}", file=sys.stderr)
        servers = []
        for store, url in urls.items():
            for way, remembered in REMEMBERED.items():
                name = f"{store}-{way}"
                folder = state / name
                folder.mkdir()
                server = hookline(
                    name, mock, [CASE.model], folder, url.format(name=name), remembered
                )
                servers.append(attrs.evolve(stack.enter_context(server), name=name))
        yield servers
