"""Whatever the API's document allows, and what it does not, is answered as the document says."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import attrs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hookline.agents import Agent
from hookline.groups import Group
from hookline.keys import ApiKey, new_key
from hookline.ledger import Account
from hookline.moments import now
from hookline.outbox import OutboxRun, Parked
from hookline.permissions import Principal
from hookline.roles import Role
from hookline.usage import Closing
from hookline.users import User
from hookline.wire.chat import ChatCompletionRequest, UserMessage
from support.server import RunningServer, add_key, running_server

TABLES: Mapping[str, Any] = {
    "providers": {"script": {"kind": "scripted"}},
    "agents": {
        "echo": {"provider": "script", "model": "m"},
        "careful": {
            "provider": "script",
            "model": "m",
            "tools": ["calculator"],
            "tool_options": {"calculator": {"require_approval": True}},
        },
    },
}
SECONDS = 20
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
ADMIN = {"authorization": "Bearer hk-admin"}
KNOWN = {
    "model": "echo",
    "agent": "helper",
    "user": "bob",
    "group": "team",
    "role": "caller",
    "resource": "helper",
    "account": "user:bob",
    "run": "run_parked",
    "file_id": "file-known",
}
"""What is there, by the names that the document has for it."""


@pytest.fixture(scope="module")
def site() -> Iterator[RunningServer]:
    """A server with an administrator."""
    with running_server(TABLES) as server:
        server.run(add_key(server.runtime, "hk-admin", user="root", role="admin"))
        yield server


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_every_answer_is_as_documented(site: RunningServer, mode: GenerationMode) -> None:
    """Nothing an administrator sends is the server's fault; answers are those of the document."""
    for operation in operations(site):
        answered(operation, 20, mode, lambda _: ADMIN)


def test_strangers_are_answered_as_documented(site: RunningServer) -> None:
    """Whatever they send, strangers learn that they need a key."""
    statuses = set[int]()
    for operation in operations(site):
        if "/admin/" in operation.path or "/v1/" in operation.path:
            statuses |= answered(operation, 5, GenerationMode.NEGATIVE, lambda _: {})

    assert {401} == statuses


def test_changes_of_what_is_there_are_answered_as_documented(site: RunningServer) -> None:
    """Every operation on something that is there succeeds with some input, and fails with none."""
    numbers = count()

    def aim(case: schemathesis.Case) -> Mapping[str, str]:
        """Ask for what is there, as an administrator who takes whatever version it has."""
        case.path_parameters.update({k: v for k, v in KNOWN.items() if k in case.path_parameters})
        case.query.pop("version", None)
        if "key" in case.path_parameters:
            case.path_parameters["key"] = key.id
        if case.path.startswith("/v1/runs/"):
            case.path_parameters["run"] = waiting
        if isinstance(case.body, dict):
            hints = {"model": "echo", "user": "bob", "edges": [], "members": ["bob"]}
            hints |= {"add": ["bob"], "remove": [], "revert_to": 1, "agents": None}
            hints |= {"amount": "5", "decisions": None}
            hints |= {"expires_at": None, "updated": [{"kind": "user", "id": "bob", "bits": 1}]}
            if case.method == "POST":
                hints["id"] = f"made-{next(numbers)}"
            case.body.update({k: v for k, v in hints.items() if k in case.body})
        return {**ADMIN, "if-match": "*"}

    for operation in operations(site):
        key = site.run(provide(site))
        waiting = site.run(hold(site))
        statuses = answered(operation, 15, GenerationMode.POSITIVE, aim)

        assert statuses & {200, 201, 204}, (operation.label, statuses)


async def provide(site: RunningServer) -> ApiKey:
    """Have everything there that is known by name, and a new key."""
    store = site.runtime.registry.store
    await store.agents.put(Agent(id="helper", provider="script", model="m"))
    await store.users.put(User(id="bob"))
    await store.groups.put(Group(id="team", members=["bob"]))
    await store.roles.put(Role(id="caller"))
    for old in await store.keys.list(user="bob"):
        await store.keys.revoke(old.id, now())
    key, _ = new_key("bob")
    await store.keys.add(key)
    await fund(site, "user:bob", "user:root")
    await store.outbox.put([parked()], durable=False)
    site.runtime.forget()
    await file(site)
    return key


async def hold(site: RunningServer) -> str:
    """Have a run of the administrator's that waits for approval; its id."""
    agent = await site.runtime.agents.get("careful")
    assert agent is not None
    request = ChatCompletionRequest(
        model="careful", messages=[UserMessage("Please use calculator: 6 * 7")]
    )
    run = await site.runtime.start(Principal(user="root"), agent, request)
    await run.wait()
    return run.id


async def file(site: RunningServer) -> None:
    """Have a file of the administrator's."""
    registry = site.runtime.registry
    kept = await registry.files.save(b"0123456789", owner="root", name="a.txt")
    await registry.store.files.put(attrs.evolve(kept, id=KNOWN["file_id"]))


async def fund(site: RunningServer, *accounts: str) -> None:
    """Have accounts with something in them."""
    ledger = site.runtime.registry.store.ledger
    for id_ in accounts:
        if await ledger.account(id_) is None:
            account = Account(id=id_, version=1, balance=1, created_at=now(), updated_at=now())
            await ledger.change(account, expected=0)


def parked() -> OutboxRun:
    """A run whose end a recorder could not take."""
    closing = Closing(run=KNOWN["run"], agent="helper", user="bob", outcome="finished")
    given_up = Parked(recorder="ledger", item=closing.id, error="no", attempts=1, at=now())
    return OutboxRun(
        id=closing.run,
        server="",
        recorders=["ledger"],
        closing=closing,
        ended=True,
        parked=[given_up],
    )


def operations(site: RunningServer) -> Iterator[Any]:
    """Everything that the document describes."""
    schema = schemathesis.openapi.from_url(f"{site.origin}/docs/openapi.json")
    return (found.ok() for found in schema.get_all_operations())


def answered(
    operation: Any,
    examples: int,
    mode: GenerationMode,
    aim: Callable[[schemathesis.Case], Mapping[str, str]],
) -> set[int]:
    """Send what the document allows for an operation, or what it does not; check the answers.

    ``aim`` may change a case, and says which headers it gets.
    """
    statuses = set[int]()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        headers = dict(aim(case))
        reply = case.call_and_validate(headers=headers, checks=CHECKS, timeout=SECONDS)
        statuses.add(reply.status_code)

    check()
    return statuses
