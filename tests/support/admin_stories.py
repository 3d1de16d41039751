"""What administrators ask, one request after the other; each story has a server of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import attrs

from support.wire import Request

ADMIN = "Bearer hk-admin"
LATER = "2040-01-01T00:00:00Z"
ECHO = {"provider": "script", "model": "m"}
ANY_VERSION = {"if-match": "*"}


@attrs.frozen
class Story:
    """Requests, and the server that they are made to."""

    requests: Sequence[Request]
    server: str = "plain"


def ask(
    method: str,
    path: str,
    body: Any = None,
    *,
    key: str = ADMIN,
    **headers: str,
) -> Request:
    """A request to the administration; the names of headers are written with underscores."""
    sent = {"authorization": key, **{n.replace("_", "-"): v for n, v in headers.items()}}
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(
        method=method,
        path=f"/admin/v1/{quote(path, safe='/?&=@:%')}",
        headers={name: value for name, value in sent.items() if value},
        body=data,
    )


def get(path: str, **headers: str) -> Request:
    return ask("GET", path, **headers)


def post(path: str, body: Any, **headers: str) -> Request:
    return ask("POST", path, body, **headers)


def put(path: str, body: Any, **headers: str) -> Request:
    return ask("PUT", path, body, **headers)


def delete(path: str, **headers: str) -> Request:
    return ask("DELETE", path, **headers)


FULL: Mapping[str, Any] = {
    **ECHO,
    "id": "team/helper",
    "name": "Helper",
    "description": "Helps.",
    "instructions": "Help.",
    "model_parameters": {"temperature": 0.5, "stop": ["x"]},
    "tools": ["calculator"],
    "locked": ["temperature"],
    "recursion_limit": 10,
    "dialect": "librechat",
    "on_tool_failure": "degrade",
    "edges": [{"from": "team/helper", "to": ["echo"], "description": "To repeat."}],
    "category": "work",
    "avatar": "https://example.com/a.png",
    "conversation_starters": ["Help me."],
    "support_contact": {"name": "Alice", "email": "alice@example.com"},
}


def agents() -> Iterator[tuple[str, list[Request]]]:
    """Agents and their versions."""
    helper = {**ECHO, "id": "helper"}
    yield (
        "agents-created",
        [
            post("agents", FULL),
            post("agents", ECHO),
            post("agents", FULL),
            get("agents/team/helper"),
            get("agents/team/helper", if_none_match='W/"7", "1"'),
            get("permissions/agent/team/helper"),
            get("agents?limit=1"),
            get("agents?after=team/helper"),
        ],
    )
    yield (
        "agents-changed",
        [
            post("agents", helper),
            put("agents/helper", ECHO),
            put("agents/helper", ECHO, if_match="1"),
            put("agents/helper", {**ECHO, "name": "New"}, if_match='"1"'),
            put("agents/helper", {**ECHO, "name": "Newer"}, if_match='"1"'),
            put("agents/helper", {**ECHO, "name": "New"}, if_match='"2"'),
            put("agents/helper", {**ECHO, "name": "Newest"}, **ANY_VERSION),
            put("agents/nobody", ECHO, **ANY_VERSION),
            get("agents/helper?version=1"),
            get("agents/helper?version=9"),
            get("agent-versions/helper?limit=2"),
            get("agent-versions/helper?before=2"),
            get("agent-versions/nobody"),
            post("agent-versions/helper", {"revert_to": 1}, if_match='"2"'),
            post("agent-versions/helper", {"revert_to": 1}, if_match='"3"'),
            post("agent-versions/helper", {"revert_to": 9}),
            post("agent-versions/helper", {"revert_to": 0}),
        ],
    )
    yield (
        "agents-deleted",
        [
            post("agents", {**ECHO, "id": "coder"}),
            post("agents", {**helper, "edges": [{"from": "helper", "to": "coder"}]}),
            delete("agents/coder", if_match='"2"'),
            delete("agents/coder", if_match='"1"'),
            delete("agents/coder"),
            get("agents/coder"),
            get("agents/helper"),
            post("agents", {**ECHO, "id": "coder"}),
        ],
    )
    edges = [{"from": "helper", "to": ["helper", "nobody"]}]
    yield (
        "agents-refused",
        [
            post("agents", b""),
            post("agents", b"[]"),
            post("agents", {"provider": "script"}),
            post("agents", {**helper, "edges": [{"from": "helper", "to": "helper", "why": 1}]}),
            post("agents", {**ECHO, "colour": "red"}),
            post("agents", {**ECHO, "recursion_limit": "25"}),
            post("agents", {**ECHO, "id": "two words"}),
            post("agents", {**ECHO, "id": "team//helper"}),
            post("agents", {**helper, "edges": edges}),
            post("agents", {**helper, "edges": [{"from": "helper"}]}),
            post("agents", {**helper, "edges": [{"from": "helper", "to": 5}]}),
            put("agents/echo", ECHO, **ANY_VERSION),
            delete("agents/echo"),
            get("agents?limit=0"),
            get("agents?limit=1001"),
            get("agents?limit=many"),
            get("agents/echo?version=0"),
            ask("PATCH", "agents/echo", ECHO),
            ask("DELETE", "agents"),
            get("nothing"),
        ],
    )


def people() -> Iterator[tuple[str, list[Request]]]:
    """Users, groups and roles."""
    yield (
        "users",
        [
            post("users", {"id": "bob@example.com", "name": "Bob", "email": "bob@example.com"}),
            post("users", {"id": "bob@example.com"}),
            get("users/bob@example.com"),
            get("users/bob@example.com", if_none_match='"1"'),
            put("users/bob@example.com", {"role": "admin"}),
            put("users/bob@example.com", {"role": "admin", "disabled": True}, if_match='"1"'),
            put("users/bob@example.com", {}, if_match='"1"'),
            get("users?limit=1"),
            delete("users/bob@example.com", if_match='"1"'),
            delete("users/bob@example.com"),
            get("users/bob@example.com"),
        ],
    )
    yield (
        "users-refused",
        [
            post("users", {}),
            post("users", {"id": ""}),
            post("users", {"id": "a\tb"}),
            post("users", {"id": "a/../b"}),
            post("users", {"id": "x" * 257}),
            post("users", {"id": "bob", "disabled": 1}),
            post("users", {"id": "bob", "version": 3}),
            put("users/nobody", {}, **ANY_VERSION),
            delete("users/nobody"),
        ],
    )
    yield (
        "groups",
        [
            post("users", {"id": "bob"}),
            post("groups", {"id": "team", "name": "Team", "members": ["bob", "alice"]}),
            post("groups", {"id": "team"}),
            post("groups", {"id": "other", "members": ["nobody"]}),
            post("group-members/team", {"add": ["root"], "remove": ["bob", "nobody"]}),
            post("group-members/team", {"add": ["nobody"]}),
            post("group-members/team", {"add": ["bob"], "remove": ["bob"]}),
            post("group-members/nothing", {"add": ["bob"]}),
            put("groups/team", {"members": ["bob"]}, if_match='"2"'),
            put("groups/team", {"members": []}, if_match='"2"'),
            put("groups/team", {"members": "bob"}, **ANY_VERSION),
            get("groups/team"),
            get("groups"),
            delete("groups/team"),
            get("groups/team"),
        ],
    )
    yield (
        "roles",
        [
            get("roles"),
            post("roles", {"id": "caller", "features": ["remote_agents.use"]}),
            post("roles", {"id": "dreamer", "features": ["remote_agents.fly"]}),
            put(
                "roles/caller",
                {"features": ["remote_agents.share", "remote_agents.use"], "description": "Calls."},
                if_match='"1"',
            ),
            put("roles/caller", {}, if_match='"1"'),
            put("roles/managed", {}, **ANY_VERSION),
            delete("roles/managed"),
            delete("roles/caller"),
            get("roles/caller"),
        ],
    )


def credentials() -> Iterator[tuple[str, list[Request]]]:
    """Keys."""
    yield (
        "keys",
        [
            post(
                "keys",
                {
                    "user": "alice",
                    "name": "laptop",
                    "agents": ["echo"],
                    "read_only": True,
                    "expires_at": "2040-01-01T02:00:00+02:00",
                },
            ),
            get("keys?user=alice&limit=1"),
            get("keys?user=nobody"),
            get("keys/key_0123456789abcdee"),
            delete("keys/key_0123456789abcdee"),
        ],
    )
    yield (
        "keys-refused",
        [
            post("keys", {}),
            post("keys", {"user": "nobody"}),
            post("keys", {"user": "alice", "name": "x" * 101}),
            post("keys", {"user": "alice", "agents": ["two words"]}),
            post("keys", {"user": "alice", "expires_at": "2020-01-01T00:00:00Z"}),
            post("keys", {"user": "alice", "expires_at": "2040-01-01T00:00:00"}),
            post("keys", {"user": "alice", "expires_at": "9999-12-31T23:59:59-10:00"}),
            post("keys", {"user": "alice", "expires_at": "tomorrow"}),
            post("keys", {"user": "alice"}),
            post("keys", {"user": "alice"}),
        ],
    )


def sharing() -> Iterator[tuple[str, list[Request]]]:
    """Grants."""
    echo = "permissions/remoteAgent/echo"
    yield (
        "permissions",
        [
            get(echo),
            put(
                echo,
                {
                    "updated": [
                        {"kind": "user", "id": "alice", "access_role": "remoteAgent_owner"},
                        {"kind": "role", "id": "tester", "bits": 3},
                        {"kind": "user", "id": "nobody", "bits": 1},
                        {"kind": "user", "id": "root", "access_role": "agent_viewer"},
                    ],
                    "removed": [{"kind": "group", "id": "nothing"}],
                    "public": False,
                    "expires_at": LATER,
                },
            ),
            put(
                echo,
                {
                    "updated": [{"kind": "user", "id": "alice", "bits": 1}],
                    "removed": [{"kind": "role", "id": "tester"}],
                    "public": True,
                    "public_access_role": "remoteAgent_editor",
                },
            ),
            put(echo, {}),
            get("grants?limit=1"),
            get("grants?user=alice&public=true"),
            get("grants?role=tester"),
            put(
                "permissions/file/file_1", {"updated": [{"kind": "user", "id": "root", "bits": 1}]}
            ),
            get("permissions/file/file_1"),
            get("permissions/mcpServer/nothing"),
        ],
    )
    yield (
        "permissions-refused",
        [
            get("permissions/remoteAgent/nobody"),
            put("permissions/agent/nobody", {"public": False}),
            get("permissions/planet/earth"),
            put(echo, {"updated": [{"kind": "user", "id": "alice"}]}),
            put(
                echo,
                {"updated": [{"kind": "user", "id": "alice", "bits": 1, "access_role": "x"}]},
            ),
            put(echo, {"updated": [{"kind": "user", "id": "alice", "bits": 16}]}),
            put(echo, {"updated": [{"kind": "robot", "id": "alice", "bits": 1}]}),
            put(echo, {"updated": [{"kind": "user", "id": "alice", "bits": 1}] * 2}),
            put(echo, {"public_access_role": "remoteAgent_viewer"}),
            put(echo, {"expires_at": "2020-01-01T00:00:00Z"}),
            get("grants?public=maybe"),
            get("grants?user="),
        ],
    )
    public = {"kind": "public", "access_role": "remoteAgent_viewer"}
    creating = ["remote_agents.use", "remote_agents.share"]
    yield (
        "features-needed",
        [
            put("roles/admin", {"features": creating}, **ANY_VERSION),
            post("agents", ECHO),
            put(echo, {"public": True}),
            put(echo, {"updated": [public]}),
            put(echo, {"public": False}),
            put("roles/admin", {"features": []}, **ANY_VERSION),
            put(echo, {"public": False}),
            get(echo),
        ],
    )


def others() -> Iterator[tuple[str, list[Request]]]:
    """The audit, and those who are turned away."""
    yield (
        "audit",
        [
            post("agents", {**ECHO, "id": "helper"}),
            put("agents/helper", {**ECHO, "name": "New"}, **ANY_VERSION),
            post("keys", {"user": "alice"}),
            delete("agents/helper"),
            get("audit"),
            get("audit?kind=agent&subject=helper&limit=2"),
            get("audit?kind=agent&before=aud_0"),
            ask("DELETE", "audit"),
        ],
    )
    yield (
        "strangers",
        [
            get("agents", key=""),
            get("agents", key="Bearer hk-unknown"),
            get("agents", key="Bearer hk-test"),
            post("agents", ECHO, key="Bearer hk-test"),
            get("agents", key="Bearer hk-narrow-admin"),
            get("users/root", key="Bearer hk-reading-admin"),
            post("users", {"id": "bob"}, key="Bearer hk-reading-admin"),
            delete("users/root", key="Bearer hk-reading-admin"),
        ],
    )


def money() -> Iterator[tuple[str, list[Request]]]:
    """Accounts, usage, and what is parked."""
    alice = "account-credits/user:alice"
    yield (
        "accounts",
        [
            get("accounts"),
            get("accounts/user:alice"),
            post(alice, {"amount": "5", "note": "welcome"}),
            post(alice, {"amount": "-1.000000001"}),
            get("accounts"),
            get("accounts/user:alice"),
            get("accounts/user:alice", if_none_match='"2"'),
            get("account-entries/user:alice"),
            get("account-entries/user:alice?limit=1"),
            get("audit?kind=account"),
        ],
    )
    yield (
        "accounts-refused",
        [
            post("account-credits/alice", {"amount": "5"}),
            post("account-credits/user:nobody", {"amount": "5"}),
            post("account-credits/group:nobody", {"amount": "5"}),
            post("account-credits/key:nobody", {"amount": "5"}),
            post(alice, {"amount": "0"}),
            post(alice, {"amount": 5}),
            post(alice, {"amount": "5.0000000001"}),
            post(alice, {"amount": "99999999999"}),
            post(alice, {"amount": "5", "currency": "EUR"}),
            get("account-entries/user:alice"),
            ask("DELETE", "accounts/user:alice"),
        ],
    )
    limits = "account-limits/user:alice"
    yield (
        "limits",
        [
            put(limits, {"day": "1", "month": "20.50", "requests": 60, "tokens": 1000}),
            put(limits, {"requests": 1}, if_match='"7"'),
            put(limits, {"requests": 1}, if_match='"1"'),
            put(limits, {"requests": 0}),
            put(limits, {"day": "-1"}),
            put(limits, {}),
        ],
    )
    refills = "account-refills/user:alice"
    yield (
        "refills",
        [
            put(refills, {"amount": "5", "interval": 1, "unit": "months"}),
            put(refills, {"amount": "0"}),
            put(refills, {"amount": "1", "unit": "years"}),
            put(refills, {"amount": "1", "interval": 0}),
            put(refills, {}),
        ],
    )
    period = "since=2030-01-01T00:00:00Z&until=2030-02-01T00:00:00Z"
    yield (
        "usage",
        [
            get(f"usage?{period}"),
            get(f"usage?{period}&by=day,model&user=alice&format=csv"),
            get(f"usage?{period}&by=model", accept="text/csv"),
            get(f"usage?{period}&format=json", accept="text/csv"),
            get(f"usage?{period}&by="),
            get("usage?by=nothing"),
            get("usage?by=day,day"),
            get("usage?since=2030-01-01&until=2029-01-01"),
            get("usage?since=yesterday"),
            get("usage?format=xml"),
            get("usage/parked"),
            post("usage/parked/run_0", None),
        ],
    )


STORIES: Mapping[str, Story] = {
    **{
        name: Story(requests)
        for told in (agents, people, credentials, sharing, money, others)
        for name, requests in told()
    },
    "store-down": Story([get("agents"), get("agents/echo"), post("agents", ECHO)], "storeless"),
    "body-too-large": Story([post("agents", b"x" * 2000)], "small"),
}
