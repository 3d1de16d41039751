"""Plugins that other people ship, installed beside Hookline without any edit of the config."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.billing_service import BillingService
from support.wheels import SECONDS, Environment

pytestmark = pytest.mark.timeout(600)  # the first of them makes the environment

CONFIG = """
[store]
url = "sqlite:///./hookline.db"

[providers.demo]
kind = "scripted"

[agents.helper]
provider = "demo"
model = "scripted"
tools = ["weather"]

[plugins.acl.roles]
user = ["remote_agents.use"]
"""


def configured(folder: Path) -> Path:
    path = folder / "hookline.toml"
    path.write_text(CONFIG)
    return path


def plugins(environment: Environment, folder: Path) -> Mapping[str, Any]:
    listed = json.loads(environment.hookline("plugins", "--json", cwd=folder))
    return {plugin["name"]: plugin for plugin in listed}


def ask(url: str, key: str = "", body: Any = None) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def created(environment: Environment, config: Path, user: str) -> str:
    words = ["keys", "create", "--user", user, "--json", "--config", config]
    return str(json.loads(environment.hookline(*words, cwd=config.parent))["key"])


def test_plugins_are_found_by_their_entry_points(environment: Environment, tmp_path: Path) -> None:
    """What is installed is loaded, and the hooks of each plugin are listed."""
    found = plugins(environment, tmp_path)

    expected = ["artifact_processor", "cli_commands", "event_sink", "http_routes", "tool_loader"]
    assert ("loaded", expected) == (found["acme_tools"]["state"], found["acme_tools"]["hooks"])
    assert ("loaded", ["usage_recorder"]) == (
        found["acme_billing"]["state"],
        found["acme_billing"]["hooks"],
    )
    assert "1.2.3" == found["acme_billing"]["version"]


def test_a_broken_plugin_is_set_aside_and_named(environment: Environment, tmp_path: Path) -> None:
    """A plugin that fails to import is listed with its error."""
    broken = plugins(environment, tmp_path)["acme_broken"]

    assert "quarantined" == broken["state"]
    assert "RuntimeError: the Acme licence has expired" == broken["error"]


def test_a_missing_extra_is_mended_by_pip(environment: Environment, tmp_path: Path) -> None:
    """A built-in plugin whose extra is missing is listed with the command that installs it."""
    langchain = plugins(environment, tmp_path)["langchain"]

    assert "quarantined" == langchain["state"]
    assert "pip install 'hookline[langchain]'" == langchain["remedy"]


def test_a_plugin_adds_a_command(environment: Environment, tmp_path: Path) -> None:
    """``hookline acme`` comes from a plugin."""
    assert "It will rain in Oslo." in environment.hookline("acme", "forecast", "Oslo", cwd=tmp_path)


def test_the_server_names_the_broken_plugin(environment: Environment, tmp_path: Path) -> None:
    """The server starts beside a broken plugin; ``/ready`` names it, and other routes work."""
    with environment.serving(configured(tmp_path)) as address:
        status, ready = ask(f"{address}/ready")
        weather = ask(f"{address}/acme/weather/Oslo")

    broken = {plugin["name"]: plugin["error"] for plugin in ready["quarantined"]}
    assert 200 == status
    assert "RuntimeError: the Acme licence has expired" == broken["acme_broken"]
    assert (200, {"city": "Oslo", "map": "rain"}) == weather


def test_an_agent_calls_their_tool_and_their_service_is_billed(
    environment: Environment, tmp_path: Path
) -> None:
    """An agent answers with what their tool says; their service gets an entry for each call."""
    config = configured(tmp_path)
    key = created(environment, config, "alice")
    question = {
        "model": "helper",
        "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
    }

    with BillingService() as service:
        names = {"HOOKLINE_PLUGINS__ACME_BILLING__URL": service.url}
        with environment.serving(config, **names) as address:
            status, answer = ask(f"{address}/v1/chat/completions", key, question)
            service.wait_for("told of the end", lambda s: len(s.closings) == 1)

    assert (200, "stop") == (status, answer["choices"][0]["finish_reason"])
    assert "It rains in" in answer["choices"][0]["message"]["content"]
    assert ["alice", "alice"] == [entry["user"] for entry in service.entries]
    assert ["finished"] == [closing["outcome"] for closing in service.closings]
    assert "acme.events_seen" in config.with_suffix(".log").read_text()


def test_their_recorder_refuses_a_run(environment: Environment, tmp_path: Path) -> None:
    """A user whom their recorder does not admit is told so, and nothing runs."""
    config = configured(tmp_path)
    key = created(environment, config, "bob")
    (tmp_path / "refused.txt").write_text("bob\n")
    question = {"model": "helper", "messages": [{"role": "user", "content": "Hello"}]}
    names = {"HOOKLINE_PLUGINS__ACME_BILLING__BLOCKED": "refused.txt"}

    with environment.serving(config, **names) as address:
        status, answer = ask(f"{address}/v1/chat/completions", key, question)

    assert (402, "insufficient_quota") == (status, answer["error"]["code"])
    assert "Acme does not serve bob" in answer["error"]["message"]
