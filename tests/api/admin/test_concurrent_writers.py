"""Many who change one agent at the same moment."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from support.server import RunningServer, add_key, running_server
from support.wire import Reply, Request, send

WRITERS = 20
HEADERS = {"authorization": "Bearer hk-admin"}
AGENT = {"provider": "script", "model": "m"}
PATH = "/admin/v1/agents/helper"


def ask(server: RunningServer, method: str, path: str, body: Any = None, **headers: str) -> Reply:
    """Send a request of an administrator."""
    sent = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    data = None if body is None else json.dumps(body).encode()
    return send(server.origin, Request(method=method, path=path, headers=sent, body=data))


def etag_of(reply: Reply) -> str:
    """The ETag of an answer."""
    return dict(reply.headers)["etag"]


def write(server: RunningServer, number: int, together: Barrier) -> list[str]:
    """Add a tool to the agent, again until it is there; the ETags that refusals named."""
    refused: list[str] = []
    reply = ask(server, "GET", PATH)
    together.wait(timeout=20)
    while True:
        tools = [*json.loads(reply.body)["tools"], f"tool{number}"]
        etag = etag_of(reply)
        put = ask(server, "PUT", PATH, {**AGENT, "tools": tools}, if_match=etag)
        if put.status == 200:
            return refused
        assert 409 == put.status, put
        assert "version_conflict" == json.loads(put.body)["error"]["code"]
        assert int(etag_of(put).strip('"')) > int(etag.strip('"'))
        refused.append(etag_of(put))
        reply = ask(server, "GET", PATH)


def test_no_update_is_lost(tmp_path: Path) -> None:
    """Of 20 writers who saw one version, one wins and 19 learn which version is there now."""
    tables = {
        "store": {"url": f"sqlite:///{tmp_path}/hookline.db"},
        "providers": {"script": {"kind": "scripted"}},
    }
    together = Barrier(WRITERS)
    with running_server(tables) as server, ThreadPoolExecutor(WRITERS) as pool:
        server.run(add_key(server.runtime, "hk-admin", user="root", role="admin"))
        made = ask(server, "POST", "/admin/v1/agents", {**AGENT, "id": "helper"})
        assert 201 == made.status, made
        refused = list(pool.map(lambda number: write(server, number, together), range(WRITERS)))
        kept = ask(server, "GET", PATH)

    tools = json.loads(kept.body)["tools"]
    assert sorted(f"tool{number}" for number in range(WRITERS)) == sorted(tools)
    assert f'"{WRITERS + 1}"' == etag_of(kept)
    assert sorted(map(bool, refused)) == [False] + [True] * (WRITERS - 1)
