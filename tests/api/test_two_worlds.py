"""Who may not see something cannot tell whether it is there.

Two servers hold the same, but for what a caller may not see. Whatever the caller asks, both answer
the same bytes, except for ids and times.
"""

import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.agents import Agent
from hookline.audit import AuditRecord, new_audit_id
from hookline.conversations import Conversation
from hookline.grants import PUBLIC, Bits, Grant, Grantee, Resource
from hookline.groups import Group
from hookline.history import RunRecord
from hookline.keys import ApiKey, digest
from hookline.ledger import Account, LedgerEntry
from hookline.moments import now
from hookline.outbox import OutboxRun, Parked
from hookline.roles import FEATURES, Role
from hookline.runs import new_run_id
from hookline.store import Store
from hookline.usage import Closing, TokenCounts
from hookline.users import User
from support.server import RunningServer, add_key, running_server
from support.wire import Redaction, Reply, Request, send

SECONDS = 20
PAST = datetime(2020, 1, 1, tzinfo=UTC)
PROPERTY = settings(max_examples=15, deadline=None)
TABLES: Mapping[str, Any] = {
    "providers": {"script": {"kind": "scripted"}},
    "agents": {
        "open": {"provider": "script", "model": "m"},
        "team/open:1": {"provider": "script", "model": "m", "name": "Team"},
        "private": {"provider": "script", "model": "m", "public": False},
    },
}
KEYS: Mapping[str, Mapping[str, Any]] = {
    "hk-alice": {},
    "hk-reading": {"read_only": True},
    "hk-narrow": {"agents": frozenset({"open", "hidden-1", "private"})},
    "hk-revoked": {"revoked_at": PAST},
    "hk-idle": {"user": "idle", "role": "user"},
}
"""Keys of those who ask: the same in both worlds."""

CALLERS = [*(f"Bearer {key}" for key in KEYS), "Bearer hk-unknown", "Basic x", ""]
HIDDEN = ["hidden-1", "hidden-2", "team/hidden:1"]
OTHERS = ["bob", "carol"]
AGENTS = [*HIDDEN, "private", "nobody"]
"""Ids that the caller may not call, of agents that are there in one world, in both, in none."""


PARAMETERS = {
    "kind": "remoteAgent",
    "resource": "hidden-1",
    "agent": "hidden-1",
    "user": "bob",
    "group": "team",
    "role": "staff",
    "key": "key_bob_0",
    "account": "user:bob",
    "run": "run_bob",
    "file_id": "file-bob",
}
"""What may be there, by the names that the document has for it."""


@attrs.frozen
class Thing:
    """Something that a caller may not see: a document, or a record."""

    port: str
    value: Any

    async def put(self, store: Store) -> None:
        """Have it in a store."""
        match self.port:
            case "agents" | "users" | "groups" | "roles":
                await getattr(store, self.port).put(self.value)
            case "grants":
                await store.grants.apply([self.value])
            case "keys":
                if await store.keys.get(self.value.id) is None:
                    await store.keys.add(self.value)
            case "conversations" | "runs":
                await getattr(store, self.port).keep([self.value])
            case "audit":
                await store.audit.add([self.value])
            case "accounts":
                found = await store.ledger.account(self.value.id)
                version = found.version if found else 0
                account = attrs.evolve(self.value, version=version + 1)
                await store.ledger.change(account, expected=version)
            case "ledger":
                await store.ledger.add([self.value])
            case "outbox":
                await store.outbox.put([self.value], durable=False)


def agent(id_: str, name: str) -> Agent:
    return Agent(id=id_, provider="script", model="m", name=name)


def grant(grantee: Grantee, resource: Resource, bits: int, **fields: Any) -> Grant:
    return Grant(grantee=grantee, resource=resource, bits=Bits(bits), **fields)


def key_of(user: str, number: int) -> ApiKey:
    text = f"hk-{user}-{number}"
    return ApiKey(id=f"key_{user}_{number}", user=user, digest=digest(text), shown=text[:5])


def talk_of(user: str, id_: str) -> Conversation:
    return Conversation(id=id_, owner=user, agent="hidden-1", created_at=now(), updated_at=now())


def run_of(user: str) -> RunRecord:
    return RunRecord(
        id=new_run_id(),
        user=user,
        agent="hidden-1",
        version=1,
        conversation="talk",
        state="finished",
        started_at=now(),
    )


def record_of(user: str) -> AuditRecord:
    return AuditRecord(
        id=new_audit_id(now()), actor=user, action="create", kind="agent", subject="hidden-1"
    )


def account_of(id_: str, balance: int) -> Account:
    return Account(id=id_, balance=balance, created_at=now(), updated_at=now())


def entry_of(user: str, number: int) -> LedgerEntry:
    """What somebody paid for an agent that the caller uses, too."""
    return LedgerEntry(
        id=f"run_{user}:{number}",
        kind="usage",
        account=f"user:{user}",
        amount=-number,
        at=now(),
        run=f"run_{user}",
        agent="open",
        provider="script",
        model="m",
        user=user,
        key=f"key_{user}_0",
        tokens=TokenCounts(input=number, output=number),
    )


def parked_of(user: str) -> OutboxRun:
    """A run whose end a recorder could not take."""
    id_ = f"run_{user}"
    closing = Closing(run=id_, agent="open", user=user, outcome="finished")
    parked = Parked(recorder="ledger", item=closing.id, error="no", attempts=1, at=now())
    return OutboxRun(
        id=id_, server="", recorders=["ledger"], closing=closing, ended=True, parked=[parked]
    )


def powerless(resource: str) -> list[Grant]:
    """Grants of the caller, and of everybody, that allow no call."""
    alice = Grantee("user", "alice")
    calls, document = Resource("remoteAgent", resource), Resource("agent", resource)
    return [
        grant(alice, calls, 15, expires_at=PAST),
        grant(alice, calls, 15, inherited_from="grt_gone"),
        grant(PUBLIC, document, 3),
        grant(alice, document, 1),
    ]


OTHERS_GRANTEES = [
    *(Grantee("user", user) for user in OTHERS),
    Grantee("group", "team"),
    Grantee("role", "staff"),
]
NUMBERS = st.integers(0, 2)
OTHER = st.sampled_from(OTHERS)
THINGS = st.one_of(
    st.builds(
        lambda id_, name: Thing("agents", agent(id_, name)),
        st.sampled_from(HIDDEN),
        st.text(max_size=3),
    ),
    st.builds(
        lambda id_, role: Thing("users", User(id=id_, role=role)),
        OTHER,
        st.sampled_from(["user", "admin", "staff"]),
    ),
    st.builds(lambda members: Thing("groups", Group(id="team", members=members)), st.sets(OTHER)),
    st.builds(
        lambda features: Thing("roles", Role(id="staff", features=features)),
        st.sets(st.sampled_from(FEATURES)),
    ),
    st.builds(
        lambda grantee, id_, kind, bits: Thing("grants", grant(grantee, Resource(kind, id_), bits)),
        st.sampled_from(OTHERS_GRANTEES),
        st.sampled_from([*HIDDEN, "open", "private"]),
        st.sampled_from(["agent", "remoteAgent"]),
        st.integers(1, 15),
    ),
    st.sampled_from(
        [Thing("grants", found) for id_ in [*HIDDEN, "private"] for found in powerless(id_)]
    ),
    st.builds(lambda user, number: Thing("keys", key_of(user, number)), OTHER, NUMBERS),
    st.builds(
        lambda user, id_: Thing("conversations", talk_of(user, id_)),
        OTHER,
        st.sampled_from(["talk", "chat"]),
    ),
    st.builds(lambda user: Thing("runs", run_of(user)), OTHER),
    st.builds(lambda user: Thing("audit", record_of(user)), OTHER),
    st.builds(
        lambda id_, balance: Thing("accounts", account_of(id_, balance)),
        st.sampled_from(["user:bob", "group:team", "key:key_bob_0"]),
        st.integers(-9, 9),
    ),
    st.builds(lambda user, number: Thing("ledger", entry_of(user, number)), OTHER, NUMBERS),
    st.builds(lambda user: Thing("outbox", parked_of(user)), OTHER),
)
WORLDS = st.lists(THINGS, max_size=12)


async def become(server: RunningServer, things: Sequence[Thing]) -> None:
    """Have these hidden things in a server's store, and no others."""
    store = server.runtime.registry.store
    for id_ in HIDDEN:
        await store.agents.delete(id_)
    for id_ in OTHERS:
        await store.users.delete(id_)
        for talk in await store.conversations.list(id_):
            await store.conversations.delete(id_, talk.id)
    await store.groups.delete("team")
    await store.roles.delete("staff")
    gone = [found.id for found in await store.grants.list() if found.granted_by != "config"]
    await store.grants.apply([], gone)
    for thing in things:
        await thing.put(store)
    server.runtime.forget()


def get(path: str) -> Request:
    return Request(path=quote(path, safe="/:@?=&"))


def chat(model: Any, **fields: Any) -> Request:
    messages = [{"role": "user", "content": "Hi there"}]
    body = json.dumps({"model": model, "messages": messages, **fields}).encode()
    return Request(method="POST", path="/v1/chat/completions", body=body)


def direct() -> Iterator[Request]:
    """Questions for agents that the caller may not call."""
    for id_ in AGENTS:
        for model in (id_, f"{id_}@1", f"{id_}@2", f"{id_}@x"):
            yield get(f"/v1/models/{model}")
            yield chat(model)
        yield get(f"/api/agents/v1/models/{id_}")
        yield chat(id_, stream=True)
        yield chat(id_, conversation_id="talk")
        yield chat(id_, temperature=7)
        yield chat(id_, tools=[])


def questions(server: RunningServer) -> Iterator[Request]:
    """All other questions: every operation of the document, with ids of what may be there."""
    yield from (get("/v1/models"), get("/api/agents/v1/models"))
    for id_ in ("open", "team/open:1"):
        yield from (get(f"/v1/models/{model}") for model in (id_, f"{id_}@1", f"{id_}@2"))
        yield from (chat(id_), chat(id_, stream=True), chat(f"{id_}@1"), chat(f"{id_}@2"))
        yield from (chat(id_, conversation_id=talk) for talk in ("talk", "chat", "mine"))
        yield chat(id_, temperature=7)
    yield from (chat(""), chat(None), Request(method="POST", path="/v1/chat/completions"))
    for query in ("by=key,agent,model", "by=tool,provider", "by=", "by=user", "by=account"):
        yield from (get(f"/v1/usage?{query}"), get(f"/v1/usage?{query}&format=csv"))
    for query in ("agent=open", "agent=hidden-1", "user=bob", "key=key_bob_0", "account=user:bob"):
        yield get(f"/v1/usage?{query}")
    for path in ("/", "/v1", "/v1/files/hidden-1", "/v1/conversations/talk", "/admin", "/admin/v1"):
        yield from (Request(method=method, path=path) for method in ("GET", "POST", "HEAD"))
    document = json.loads(send(server.origin, get("/docs/openapi.json")).body)
    for path, operations in document["paths"].items():
        if path != "/v1/models/{model}":
            for method, id_ in itertools.product(operations, (None, "nothing")):
                yield Request(method=method.upper(), path=_filled(path, id_), body=b"{}")


def _filled(path: str, id_: str | None) -> str:
    """A path of the document with this for an id, or with the id of something hidden."""
    for name, hidden in PARAMETERS.items():
        path = path.replace(f"{{{name}}}", hidden if id_ is None or name == "kind" else id_)
    assert "{" not in path, path
    return path


def asked(server: RunningServer, caller: str, request: Request) -> tuple[Any, ...]:
    """An answer without ids and times."""
    headers = {
        "hookline-include": "events",
        "if-match": "*",
        **({"authorization": caller} if caller else {}),
    }
    if "/usage" in request.path:
        settle(server)
    reply: Reply = send(server.origin, attrs.evolve(request, headers=headers))
    redaction = Redaction()
    shown = [(k, redaction.redact(v)) for k, v in reply.headers if k.lower() != "date"]
    return reply.status, shown, redaction.redact(reply.text)


def settle(server: RunningServer) -> None:
    """Wait until what was asked before is recorded, which it is after the answer."""
    until = time.monotonic() + SECONDS
    while any(one.waiting for one in server.runtime.registry.delivery.recorders):
        assert time.monotonic() < until, "usage is not recorded"
        time.sleep(0.001)


@attrs.frozen
class Worlds:
    """Two servers, and what is asked of both."""

    one: RunningServer
    other: RunningServer
    requests: Sequence[Request] = attrs.field(repr=False)

    def compare(self, caller: str, here: Sequence[Thing], there: Sequence[Thing]) -> None:
        """Ask all questions, as alice and as this caller, when the worlds hold these things."""
        self.one.run(become(self.one, here))
        self.other.run(become(self.other, there))
        for asker in {CALLERS[0], caller}:
            for request in self.requests:
                expected = asked(self.one, asker, request)
                assert expected == asked(self.other, asker, request), (asker, request)


def opened(stack: ExitStack, *, hidden: bool) -> tuple[RunningServer, RunningServer]:
    """Two servers that hold what all callers may see, and their keys."""
    tables = {**TABLES, "permissions": {"hide_forbidden": hidden}, "runs": {"history_days": 0}}
    servers = [stack.enter_context(running_server(tables)) for _ in range(2)]
    for server in servers:
        for text, fields in KEYS.items():
            server.run(add_key(server.runtime, text, **fields))
    return servers[0], servers[1]


@pytest.fixture(scope="module")
def hiding() -> Iterator[Worlds]:
    """Worlds that do not say whether a forbidden agent is there."""
    with ExitStack() as stack:
        one, other = opened(stack, hidden=True)
        yield Worlds(one, other, [*direct(), *questions(one)])


@pytest.fixture(scope="module")
def telling() -> Iterator[Worlds]:
    """Worlds that do, if they are asked for the agent itself, as the seed does."""
    with ExitStack() as stack:
        one, other = opened(stack, hidden=False)
        yield Worlds(one, other, [*questions(one)])


@PROPERTY
@given(caller=st.sampled_from(CALLERS), here=WORLDS, there=WORLDS)
def test_what_is_hidden_shows_nowhere(
    hiding: Worlds, caller: str, here: Sequence[Thing], there: Sequence[Thing]
) -> None:
    """With ``hide_forbidden`` no question at all tells the two worlds apart."""
    hiding.compare(caller, here, there)


@PROPERTY
@given(caller=st.sampled_from(CALLERS), here=WORLDS, there=WORLDS)
def test_what_is_forbidden_shows_only_to_who_names_it(
    telling: Worlds, caller: str, here: Sequence[Thing], there: Sequence[Thing]
) -> None:
    """By default only a question for the agent's own id does."""
    telling.compare(caller, here, there)


def test_the_worlds_can_be_told_apart(telling: Worlds) -> None:
    """The comparison is no empty promise: it finds the 403 for an agent that is there."""
    telling.one.run(become(telling.one, [Thing("agents", agent("hidden-1", ""))]))
    telling.other.run(become(telling.other, []))

    replies = [
        asked(server, "Bearer hk-alice", get("/v1/models/hidden-1"))[0]
        for server in (telling.one, telling.other)
    ]

    assert [403, 404] == replies
