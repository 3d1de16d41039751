"""``hookline demo``: a server that can be tried at once."""

import contextlib
import io
import json
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from support.process import run, serving

ANSWER = "calculator answered: 42"


def asked(origin: str, key: str, **fields: object) -> httpx.Response:
    """Ask the demo's server."""
    body = {"model": "demo", "messages": [{"role": "user", "content": "calculator: 6 * 7"}]}
    headers = {"authorization": f"Bearer {key}"}
    url = f"{origin}/v1/chat/completions"
    return httpx.post(url, json={**body, **fields}, headers=headers, timeout=30, trust_env=False)


def test_what_it_prints_can_be_pasted(tmp_path: Path) -> None:
    """The curl line and the lines of Python get an answer, and it needs no file at all."""
    with serving("demo", "--port", "0", cwd=tmp_path) as program:
        program.wait_for("Ctrl-C")
        printed = program.stdout.splitlines()
        curl = next(line for line in printed if line.startswith("curl "))
        start = printed.index("from openai import OpenAI")
        code = "\n".join(printed[start : printed.index("Ctrl-C ends it.")])
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(code, {})  # the point is that it works as it stands
        if shutil.which("curl"):
            line = [*shlex.split(curl), "--silent", "--noproxy", "*", "--max-time", "30"]
            body = subprocess.run(line, capture_output=True, check=True, timeout=60).stdout
            assert ANSWER == json.loads(body)["choices"][0]["message"]["content"]
        assert 0 == program.stop()

    assert f"{ANSWER}\n" == said.getvalue()
    assert f"Hookline is ready on {program.origin}/v1" == printed[0]
    assert ["output"] == [path.name for path in tmp_path.iterdir()]


def test_json_has_what_a_program_needs(tmp_path: Path) -> None:
    """``--json`` prints the address, the key and the agents in one line."""
    with serving("demo", "--port", "0", "--json", cwd=tmp_path) as program:
        made = json.loads(program.stdout)
        answer = asked(program.origin, made["key"])

    assert {"url": f"{program.origin}/v1", "agents": ["demo", "echo", "slow"]} == {
        name: made[name] for name in ("url", "agents")
    }
    assert made["key"].startswith("hk-")
    assert ANSWER == answer.json()["choices"][0]["message"]["content"]


def test_the_key_may_be_chosen(tmp_path: Path) -> None:
    """``--api-key`` is the key, whatever it looks like; no other one is good."""
    with serving("demo", "--port", "0", "--api-key", "secret", cwd=tmp_path) as program:
        statuses = [asked(program.origin, key).status_code for key in ("secret", "other")]

    assert [200, 401] == statuses


def test_each_agent_answers(tmp_path: Path) -> None:
    """Echo and slow say what they heard, slow as a stream in pieces."""
    with serving("demo", "--port", "0", "--api-key", "k", cwd=tmp_path) as program:
        hello = [{"role": "user", "content": "Hello there"}]
        echo = asked(program.origin, "k", model="echo", messages=hello)
        slow = asked(program.origin, "k", model="slow", messages=hello, stream=True)

    assert "Hello there" == echo.json()["choices"][0]["message"]["content"]
    assert slow.text.count("data: ") > 3
    assert slow.text.endswith("data: [DONE]\n\n")


def test_a_taken_port_is_replaced_only_if_it_was_not_asked_for(tmp_path: Path) -> None:
    """Where 8000 is taken another one is found and said; a port that was asked for must be it."""
    try:
        other = socket.create_server(("127.0.0.1", 8000))
    except OSError:
        pytest.skip("port 8000 of this machine belongs to somebody else")
    with other:
        refused = run("demo", "--port", "8000", cwd=tmp_path)
        with serving("demo", cwd=tmp_path) as program:
            printed = program.stdout

    assert 1 == refused.returncode
    assert "hookline: cannot listen on 127.0.0.1:8000" in refused.stderr
    assert "Port 8000 is taken, so a free one was chosen." in printed
