"""``hookline chat``: a conversation in the terminal."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hookline_api.cli import hookline
from support.process import PROGRAM, running, variables

CONFIG = """
[store]
url = "memory://"

[providers.local]
kind = "scripted"

[agents.helper]
provider = "local"
model = "small"
tools = ["calculator"]

[agents.thinker]
provider = "local"
model = "small"
model_parameters = { reasoning_effort = "minimal" }

[agents.broken]
provider = "local"
model = "small"
model_parameters = { scripted = { status = 429, message = "slow down" } }

[agents.prude]
provider = "local"
model = "small"
model_parameters = { scripted = { rules = [{ refusal = "No." }] } }

[agents.careful]
provider = "local"
model = "small"
tools = ["calculator"]
tool_options.calculator.require_approval = true

[agents.stuck]
provider = "local"
model = "small"
[[agents.stuck.model_parameters.scripted.rules]]
contains = "long"
reply = "well"
stall_after = 1
"""


def chat(folder: Path, *words: str, stdin: str = "") -> Result:
    """Call ``hookline chat``."""
    config = folder / "hookline.toml"
    config.write_text(CONFIG)
    return CliRunner().invoke(hookline, ["chat", *words, "--config", str(config)], input=stdin)


def test_a_message_is_answered(tmp_path: Path) -> None:
    """The answer is all that is on stdout."""
    result = chat(tmp_path, "helper", "-m", "Hello there")

    assert (0, "Hello there\n", "") == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("how", ["--stream", "--no-stream"])
def test_reasoning_and_tools_stand_beside_the_answer(tmp_path: Path, how: str) -> None:
    """Where stdout is no terminal, what is not the answer goes to stderr."""
    thought = chat(tmp_path, "thinker", "-m", "Hello", how)
    worked = chat(tmp_path, "helper", "-m", "calculator: 6 * 7", how)

    assert ("Hello\n", "I read what the user said last.\n") == (thought.stdout, thought.stderr)
    assert "calculator answered: 42\n" == worked.stdout
    assert '[calculator {"expression":"6 * 7"} -> 42]\n' == worked.stderr


def test_each_line_of_stdin_is_a_turn(tmp_path: Path) -> None:
    """Empty lines are skipped, and the conversation ends with the input."""
    result = chat(tmp_path, "helper", stdin="one\n\ntwo\n")

    assert (0, "one\ntwo\n") == (result.exit_code, result.stdout)


def test_a_turn_knows_what_was_said_before(tmp_path: Path) -> None:
    """The history goes with each message: the second prompt is longer than the same one alone."""
    both = chat(tmp_path, "helper", "--json", stdin="one\ntwo\n").stdout
    alone = chat(tmp_path, "helper", "--json", stdin="two\n").stdout

    prompts = [json.loads(line)["usage"]["prompt_tokens"] for line in both.splitlines()]
    assert prompts[1] > json.loads(alone)["usage"]["prompt_tokens"]


def test_all_of_stdin_is_one_message(tmp_path: Path) -> None:
    """``-m -`` reads to the end."""
    assert "one\ntwo\n\n" == chat(tmp_path, "helper", "-m", "-", stdin="one\ntwo\n").stdout


def test_json_has_all_of_a_turn(tmp_path: Path) -> None:
    """``--json`` prints content, tool calls with results, and usage, as one line a turn."""
    turn = json.loads(chat(tmp_path, "helper", "-m", "calculator: 6 * 7", "--json").stdout)

    (call,) = turn["tool_calls"]
    assert "calculator answered: 42" == turn["content"]
    assert ("calculator", '{"expression":"6 * 7"}', "42") == (
        call["name"],
        call["arguments"],
        call["result"],
    )
    assert turn["usage"]["total_tokens"] > 0
    assert ("stop", None) == (turn["finish_reason"], turn["error"])


def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    """What the model says instead of an answer is printed like one."""
    assert "No.\n" == chat(tmp_path, "prude", "-m", "Hello").stdout
    assert "No.\n" == chat(tmp_path, "prude", "-m", "Hello", "--no-stream").stdout
    assert "No." == json.loads(chat(tmp_path, "prude", "-m", "Hello", "--json").stdout)["refusal"]


def test_a_failed_turn_is_told(tmp_path: Path) -> None:
    """The provider's words go to stderr, or into the JSON; the exit code is 1."""
    result = chat(tmp_path, "broken", "-m", "Hello")
    as_json = chat(tmp_path, "broken", "-m", "Hello", "--json")

    assert (1, "hookline: slow down\n") == (result.exit_code, result.stderr)
    assert (1, "slow down") == (as_json.exit_code, json.loads(as_json.stdout)["error"])


def test_an_unknown_agent_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    """A wrong name is a failure that lists the right ones."""
    result = chat(tmp_path, "halper", "-m", "Hello")

    known = "broken, careful, helper, prude, stuck, thinker"
    expected = f"hookline: there is no agent halper; there are: {known}\n"
    assert (1, expected) == (result.exit_code, result.stderr)


def test_an_interrupt_ends_the_answer_and_not_the_conversation(tmp_path: Path) -> None:
    """After Ctrl-C the next message is answered."""
    (tmp_path / "hookline.toml").write_text(CONFIG)

    with running("chat", "stuck", cwd=tmp_path, folder=tmp_path / "output") as program:
        assert program.process.stdin is not None
        program.process.stdin.write("a long story\nshort\n")
        program.process.stdin.flush()
        program.wait_for("well")
        program.process.send_signal(signal.SIGINT)
        program.wait_for("short")
        program.process.stdin.close()
        code = program.process.wait(60)

    assert (1, "well\nshort\n") == (code, program.stdout)
    assert "hookline: the answer was cut short\n" == program.stderr


def test_a_terminal_has_a_prompt_and_dim_asides(tmp_path: Path) -> None:
    """On a terminal one message follows the other, until Ctrl-D; empty ones are not sent."""
    (tmp_path / "hookline.toml").write_text(CONFIG)
    ours, theirs = pty.openpty()
    command = [PROGRAM, "chat", "thinker"]
    shown = b""
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables(TERM="xterm"), stdin=theirs, stdout=theirs
    ) as process:
        os.close(theirs)
        for said in (b"Hello\n", b"\n", b"\x04"):
            while not shown.endswith(b"you> "):
                shown += os.read(ours, 1000)
            os.write(ours, said)
            shown += os.read(ours, 1)
        code = process.wait(60)
    os.close(ours)

    dim, _, answer = shown.decode().partition("\r\nHello\r\n")
    assert 0 == code
    assert "\x1b[2mI\x1b[0m\x1b[2m read\x1b[0m" in dim
    assert "\x1b" not in answer.replace("\x1b[?2004h", "").replace("\x1b[?2004l", "")


def test_an_agent_that_is_not_public_can_be_talked_to(tmp_path: Path) -> None:
    """Whoever can read the store can read the agent; a version can be named, too."""
    config = tmp_path / "hookline.toml"
    config.write_text(
        f"""
[store]
url = "sqlite:///{tmp_path}/hookline.db"
[providers.local]
kind = "scripted"
[agents.private]
provider = "local"
model = "m"
public = false
"""
    )
    for agent in ("private", "private@1"):
        words = ["chat", agent, "-m", "Hello", "--config", str(config)]
        result = CliRunner().invoke(hookline, words)
        assert (0, True) == (result.exit_code, "Hello" in result.stdout)
    missing = CliRunner().invoke(
        hookline, ["chat", "private@2", "-m", "x", "--config", str(config)]
    )
    assert "there is no agent private@2; there are: private" in missing.stderr


def test_without_a_terminal_calls_are_refused(tmp_path: Path) -> None:
    """Nobody can be asked; the model reads that, and the turn comes to its end."""
    result = chat(tmp_path, "careful", "-m", "Please use calculator: 6 * 7", "--json")

    made = json.loads(result.stdout)
    assert (0, "stop") == (result.exit_code, made["finish_reason"])
    refused = "Error: this call was not approved: nobody is there to approve of it"
    assert [refused] == [call["result"] for call in made["tool_calls"]]


def test_all_calls_can_be_approved_of_beforehand(tmp_path: Path) -> None:
    """With ``--yes`` a turn is as if nothing had to be approved of."""
    words = ["-m", "Please use calculator: 6 * 7", "--json"]
    asking = chat(tmp_path, "careful", *words, "--yes")
    plain = chat(tmp_path, "helper", *words)

    made, expected = (json.loads(result.stdout) for result in (asking, plain))
    assert ["42"] == [call["result"] for call in made["tool_calls"]]
    assert (expected["content"], expected["usage"]) == (made["content"], made["usage"])


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y", "calculator answered: 42"), ("n", "this call was not approved: the user refused")],
)
def test_a_terminal_is_asked(tmp_path: Path, typed: str, answer: str) -> None:
    """Who sits there reads what shall be called with what, and says yes or no."""
    (tmp_path / "hookline.toml").write_text(CONFIG)
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "chat", "careful", "-m", "Please use calculator: 6 * 7"],
        cwd=tmp_path,
        env=variables(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as program:
        os.close(theirs)
        seen = _read_until(mine, "[y/N]")
        os.write(mine, f"{typed}\n".encode())
        seen += _read_until(mine, answer)
        program.wait(60)
    os.close(mine)

    assert "careful wants to call calculator" in seen
    assert 0 == program.returncode


def _read_until(terminal: int, text: str) -> str:
    """What a terminal shows, up to a text."""
    seen = ""
    while text not in seen.replace("\r\n", " "):
        seen += os.read(terminal, 1000).decode()
    return seen
