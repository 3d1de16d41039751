"""The response contracts: each case's response, as it stands on the wire.

``nox -s snapshots`` writes them anew.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from syrupy.assertion import SnapshotAssertion

from hookline.testing import RecordingRecorder
from support.server import RunningServer, add_key, running_server
from support.upstream import threaded_upstream
from support.wire import (
    ROOT,
    SNAPSHOTS,
    Interruption,
    Reply,
    Request,
    WireSnapshot,
    send,
    written,
)
from support.wire_cases import Case, numbered
from support.wire_parts import (
    TABLES,
    BrokenPermissions,
    FailingStores,
    Limited,
    Recording,
    Vault,
    Workshop,
)
from support.wire_teams import TABLES as TEAMS
from support.wire_teams import Makers
from support.wire_upstream import respond, tables

PAST = datetime(2020, 1, 1, tzinfo=UTC)
PARTS: Mapping[str, object] = {"workshop": Workshop(), "vault": Vault()}
ECHO: Mapping[str, Any] = {
    "providers": TABLES["providers"],
    "agents": {"echo": TABLES["agents"]["echo"]},
}
REFUSAL = "the balance of alice is 0; add credit"
NUMBERED = list(numbered())


def failing_recorder() -> RecordingRecorder:
    """A recorder whose admission fails, whatever is asked."""
    recorder = RecordingRecorder()
    recorder.fail("admit", times=1000)
    return recorder


def recorded_by(recorder: object) -> Mapping[str, object]:
    """A plugin with this recorder."""
    return {"recording": Recording(recorder)}


def scripted(stack: ExitStack) -> RunningServer:
    """The server that most cases talk to, with a few keys more."""
    server = stack.enter_context(running_server(TABLES, PARTS))
    for text, fields in {
        "hk-narrow": {"agents": frozenset({"echo", "team/echo:1"})},
        "hk-expired": {"expires_at": PAST},
        "hk-revoked": {"revoked_at": PAST},
    }.items():
        server.run(add_key(server.runtime, text, **fields))
    return server


def upstream(stack: ExitStack) -> RunningServer:
    """A server whose agents speak through a mock upstream."""
    model = stack.enter_context(threaded_upstream(respond=respond))
    return stack.enter_context(running_server(tables(model.url), PARTS))


def closing(stack: ExitStack) -> RunningServer:
    """A server that takes no new runs."""
    server = stack.enter_context(running_server(ECHO))
    server.loop.call_soon_threadsafe(server.runtime.drain)
    return server


def serving(
    further: Mapping[str, Any],
    plugins: Mapping[str, object] | None = None,
    base: Mapping[str, Any] = ECHO,
) -> Callable[[ExitStack], RunningServer]:
    """A server with these tables on top of others."""
    return lambda stack: stack.enter_context(running_server({**base, **further}, plugins))


IMPATIENT = {"runs": {"tool_deadline": 0.1, "tool_result_limit": 10}}
LAWLESS = {"runtime": {"disabled_plugins": ["acl"]}}
SERVERS: Mapping[str, Callable[[ExitStack], RunningServer]] = {
    "scripted": scripted,
    "upstream": upstream,
    "closing": closing,
    "impatient": serving(IMPATIENT, PARTS, TABLES),
    "hasty": serving({"runs": {"deadline": 0.8}}, PARTS, TABLES),
    "teams": serving({}, {**PARTS, "makers": Makers()}, TEAMS),
    "small": serving({"server": {"body_limit": 1000}}),
    "crossed": serving({"server": {"cors_origins": ["https://app.example"]}}),
    "poor": serving({}, recorded_by(RecordingRecorder(refusal=REFUSAL))),
    "busy": serving({}, recorded_by(RecordingRecorder(refusal="one at a time", retry_after=3))),
    "limited": serving({}, recorded_by(Limited(59))),
    "exhausted": serving({}, recorded_by(Limited(0))),
    "unrecorded": serving({}, recorded_by(failing_recorder())),
    "lawless": serving(LAWLESS, {"broken": BrokenPermissions()}),
    "storeless": serving({"store": {"url": "failing://"}}, {"failing": FailingStores()}),
}


@attrs.define
class Servers:
    """Servers, each started when it is first asked for."""

    _stack: ExitStack
    _running: dict[str, RunningServer] = attrs.field(factory=dict)

    def __getitem__(self, name: str) -> RunningServer:
        if name not in self._running:
            self._running[name] = SERVERS[name](self._stack)
        return self._running[name]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """The servers of all cases."""
    with ExitStack() as stack:
        yield Servers(stack)


def interruption(case: Case, server: RunningServer) -> Interruption | None:
    """What is to happen in the midst of the case's stream."""
    if case.during is None:
        return None
    after, what = case.during
    if what == "leave":
        return Interruption(after=after)
    reason = {"cancel": "operator", "shutdown": "shutdown"}[what]

    def act() -> None:
        server.loop.call_soon_threadsafe(server.runtime.cancel_all, reason)

    return Interruption(after=after, act=act)


def exchanges(case: Case, dialect: str, server: RunningServer) -> list[tuple[Request, Reply]]:
    """What was sent and answered."""
    headers = dict(case.request.headers)
    if dialect != "any":
        headers["hookline-dialect"] = dialect
    request = attrs.evolve(case.request, headers=headers)
    reply = send(server.origin, request, interruption(case, server))
    if case.indented:
        reply = attrs.evolve(reply, body=json.dumps(json.loads(reply.body), indent=2).encode())
    if case.then is None:
        return [(request, reply)]
    path = request.path if case.to is None else case.to(reply)
    second = attrs.evolve(request, path=path, body=json.dumps(case.then(reply)).encode())
    return [(request, reply), (second, send(server.origin, second))]


@pytest.mark.parametrize(
    ("name", "dialect", "case"), [pytest.param(*row, id=row[0]) for row in NUMBERED]
)
def test_the_response_is_as_agreed(
    name: str, dialect: str, case: Case, servers: Servers, snapshot: SnapshotAssertion
) -> None:
    """Status, headers and body of every case are those of its snapshot."""
    server = servers[case.server]

    text = written(exchanges(case, dialect, server))

    assert snapshot(name=name, extension_class=WireSnapshot) == text


def test_every_snapshot_belongs_to_a_case() -> None:
    """No file is left of a case that is gone, nor of a test module that is gone."""
    cases = {f"api/wire/{name}.http" for name, _, _ in NUMBERED}
    files = {path.relative_to(SNAPSHOTS) for path in SNAPSHOTS.rglob("*") if path.is_file()}
    orphans = [path for path in files if path.as_posix() not in cases and not _mirrored(path)]

    assert orphans == []


def test_every_case_has_a_name_of_its_own() -> None:
    """No two cases write the same file."""
    names = [name for name, _, _ in NUMBERED]

    assert sorted(set(names)) == sorted(names)


def _mirrored(path: Path) -> bool:
    """Whether the snapshot is that of a test module at the same place under ``tests``."""
    if path.parts[:2] == ("api", "wire"):
        return False
    mirrors = [path.with_suffix(""), *path.parents]
    return any((ROOT / "tests" / place).with_suffix(".py").is_file() for place in mirrors)
