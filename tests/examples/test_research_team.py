"""The research team of ``examples/``, run as its README says."""

import json
import shutil
from pathlib import Path

from openai import OpenAI

from support.process import ADDRESS, run, running

EXAMPLE = Path(__file__).parents[2] / "examples" / "research_team"


def test_the_team_answers_and_each_of_it_is_paid_for(tmp_path: Path) -> None:
    """Two agents find, a third one writes; the caller sees the last one's words alone."""
    home = tmp_path / "home"
    shutil.copytree(EXAMPLE, home)
    assert run("check", cwd=home).returncode == 0
    created = run("keys", "create", "--user", "me", "--json", cwd=home)
    key = json.loads(created.stdout)["key"]

    with running("serve", "--port", "0", cwd=home, folder=tmp_path / "out") as server:
        server.wait_for("Hookline is ready")
        address = ADDRESS.search(server.stdout)
        assert address is not None
        client = OpenAI(base_url=f"{address[0]}/v1", api_key=key)
        question = [{"role": "user", "content": "How much tea do I drink in a year?"}]
        answer = client.chat.completions.create(
            model="research",
            messages=question,
            extra_headers={"hookline-include": "events"},
        )
        assert server.stop() == 0

    text = answer.choices[0].message.content
    assert text.startswith("At three cups a day it is about 1,095 cups of tea a year.")
    assert "Nobody drinks" not in text
    kinds = [event["type"] for event in answer.hookline["events"]]
    assert kinds == [
        "tool_call.started",
        "tool_call.arguments",
        "tool_call.finished",
        "agent.switched",
    ]
    used = json.loads(run("usage", "--by", "agent", "--json", cwd=home).stdout)
    assert {row["group"]["agent"]: row["calls"] for row in used["data"]} == {
        "research": 2,
        "sceptic": 1,
        "writer": 1,
    }
