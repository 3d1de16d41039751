"""OpenAI's client for Node, from npm, does the same things and understands the same answers."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.server import KEY

SOURCE = Path(__file__).parent / "node"
FILES = ("package.json", "package-lock.json", "client.mjs")
INSTALLED = "installed.json"


def give_up(reason: str) -> None:
    """Skip; but not where ``CI`` says that nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest) -> Path:
    """A folder outside the sources, with the client as the lock file has it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            give_up(f"{program} is not installed")
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("conformance-node")
    lock = (SOURCE / "package-lock.json").read_text()
    for name in FILES:
        shutil.copyfile(SOURCE / name, folder / name)
    installed = folder / INSTALLED
    if installed.is_file() and installed.read_text() == lock:
        return folder
    result = run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    if result.returncode != 0:
        give_up(f"npm could not install the client: {result.stderr[-500:]}")
    installed.write_text(lock)
    return folder


def test_the_client_for_node(package: Path, site: Any) -> None:
    """Chat, streams, parsing, loops over tools of both kinds, models and errors all work."""
    site.lookups.words.clear()

    result = run(["node", "client.mjs", site.server.url, KEY], package)

    assert 0 == result.returncode, result.stderr
    seen = json.loads(result.stdout)
    assert "Good morning" == seen["chat"]["content"]
    assert seen["chat"]["request_id"].startswith("req_")
    assert 2 == seen["chat"]["usage"]["completion_tokens"]
    assert ("Good morning to all", "stop") == (
        seen["stream"]["text"],
        seen["stream"]["finish_reason"],
    )
    assert 4 == seen["stream"]["usage"]["completion_tokens"]
    assert "Done." == seen["helper"]["content"]
    assert {"place", "nights"} == set(seen["parse"])
    for loop in ("tools", "streamed_tools"):
        assert {"content": "weather answered: sunny in Rome", "calls": ["Rome"]} == seen[loop]
    assert 2 == len(seen["both_tools"]["calls"])
    assert ["Rome"] == site.lookups.words
    assert ("NotFoundError", 404) == (seen["not_found"]["name"], seen["not_found"]["status"])
    assert ("BadRequestError", "n") == (seen["bad_request"]["name"], seen["bad_request"]["param"])
    assert ("RateLimitError", 429) == (seen["rate_limit"]["name"], seen["rate_limit"]["status"])
    assert "provider_broken" == seen["broken"]["code"]
    assert sorted(seen["models"]) == seen["models"]
    assert "helper" in seen["models"]
