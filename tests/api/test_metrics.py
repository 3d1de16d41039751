"""What Prometheus is told, and who may ask."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.server import RunningServer, add_key, running_server
from support.wire import Reply, Request, send

TABLES: Mapping[str, Any] = {
    "providers": {"script": {"kind": "scripted"}},
    "agents": {"echo": {"provider": "script", "model": "echo"}},
}
BODY = b'{"model": "echo", "messages": [{"role": "user", "content": "Hi"}]}'


def ask(server: RunningServer, key: str = "") -> Reply:
    """The answer to somebody with this key."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return send(server.origin, Request(path="/metrics", headers=headers))


def values(reply: Reply) -> Mapping[tuple[str, str], float]:
    """The samples by name and labels."""
    return {
        (sample.name, ",".join(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_an_administrator_sees_what_the_server_does() -> None:
    """Runs, calls into plugins, and what recorders were told."""
    with running_server(TABLES) as server:
        server.run(add_key(server.runtime, "hk-admin", user="root", role="admin"))
        headers = {"authorization": "Bearer hk-test", "content-type": "application/json"}
        chat = Request(method="POST", path="/v1/chat/completions", headers=headers, body=BODY)
        assert 200 == send(server.origin, chat).status
        found: Mapping[tuple[str, str], float] = {}
        for _ in range(200):
            reply = ask(server, "hk-admin")
            found = values(reply)
            if found["hookline_usage_recorded_total", "ledger"] == 2:
                break

    assert 2 == found["hookline_usage_recorded_total", "ledger"]
    assert 0 == found["hookline_usage_parked_total", "ledger"]
    assert 0 == found["hookline_usage_waiting", "ledger"]
    assert 1 == found["hookline_runs_total", "finished"]
    assert 0 == found["hookline_runs_running", ""]
    assert 1 == found["hookline_part_calls_total", "model_provider,scripted"]
    assert 1 == found["hookline_store_up", ""]
    assert 0 == found["hookline_usage_outbox_parked", ""]
    types = [value for name, value in reply.headers if name == "content-type"]
    assert re.match(r"text/plain; version=[\d.]+; charset=utf-8", types[0])


@pytest.mark.parametrize(
    ("setting", "key", "status"),
    [
        ("admin", "", 401),
        ("admin", "hk-test", 403),
        ("public", "", 200),
        ("off", "", 404),
        ("off", "hk-test", 404),
    ],
)
def test_who_may_ask_is_a_setting(setting: str, key: str, status: int) -> None:
    """Administrators alone, everybody or nobody; errors have OpenAI's shape."""
    with running_server({**TABLES, "server": {"metrics": setting}}) as server:
        reply = ask(server, key)

    assert status == reply.status
    assert status == 200 or '"error"' in reply.text
