"""What the store costs: SQLite and MongoDB, with what was looked up remembered and without.

And what the ledger costs: nothing, entries alone (the default), or entries and a balance.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
import cases
from cases import CASES, Figures
from servers import HERE, Server, hookline

sys.path.insert(0, str(HERE.parent))
from support import mongod

CASE = next(case for case in CASES if case.name == "json-c32")
WAYS: Mapping[str, tuple[float | None, str]] = {
    "warm": (None, "entries"),
    "cold": (0, "entries"),
    "no-ledger": (None, "off"),
    "balance": (None, "balance"),
}
"""Seconds that look-ups are remembered, unless as is the default, and what the ledger does."""


def measure(mock: Server, state: Path, *, rounds: int, seconds: float) -> dict[str, Figures]:
    """Figures of one server per store and way; rounds take turns."""
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
    """A server for each store and way."""
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
            for way, (remembered, ledger) in WAYS.items():
                name = f"{store}-{way}"
                folder = state / name
                folder.mkdir()
                server = hookline(
                    name,
                    mock,
                    [CASE.model],
                    folder,
                    url.format(name=name),
                    remembered=remembered,
                    ledger=ledger,
                )
                servers.append(attrs.evolve(stack.enter_context(server), name=name))
        yield servers
