"""How events become lines. In processes of their own: loggers are set up once in a process."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

BEGIN = """
import logging, sys
import structlog
from hookline_api import logs
logs.configure("info")
log = structlog.get_logger("hookline.test")
"""


def logged(code: str) -> list[dict[str, Any]]:
    """What some code logs."""
    command = [sys.executable, "-c", BEGIN + code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in result.stderr.splitlines()]


def on_terminal(code: str) -> str:
    """What some code logs where stderr is a terminal."""
    ours, theirs = pty.openpty()
    variables = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    command = [sys.executable, "-c", BEGIN + code]
    subprocess.run(command, stderr=theirs, env=variables, timeout=60, check=True)
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    return text


def test_keys_are_hidden_wherever_they_are() -> None:
    """A key in a message, a value, a list or a traceback is not written."""
    (line,) = logged(
        "try:\n"
        "    secret = 'in locals'\n"
        "    raise ValueError('bad key hk-0123456789abcdef')\n"
        "except ValueError:\n"
        "    log.exception('sent sk-abcdefgh', headers={'a': 'Bearer t0ken', 'b': ['sk-abcdefgh']})"
    )

    text = json.dumps(line)
    assert "sent sk-[hidden]" == line["event"]
    assert {"a": "Bearer [hidden]", "b": ["sk-[hidden]"]} == line["headers"]
    assert "ValueError: bad key hk-[hidden]" in line["exception"]
    assert not [word for word in ("0123456789", "t0ken", "abcdefgh") if word in text]


def test_the_standard_library_logs_alike() -> None:
    """Records of other libraries have the same fields, and their logger's name."""
    (line,) = logged("logging.getLogger('aiohttp.client').warning('lost %s', 'sk-abcdefgh')")

    del line["timestamp"]
    expected = {"level": "warning", "event": "lost sk-[hidden]", "logger": "aiohttp.client"}
    assert expected == line


def test_what_is_less_important_is_left_out() -> None:
    """Below the level nothing is written, and uvicorn's small talk never is."""
    code = (
        "log.debug('no')\n"
        "logging.getLogger('x').debug('no')\n"
        "logging.getLogger('uvicorn.error').info('no')\n"
        "log.info('yes')"
    )

    assert ["yes"] == [line["event"] for line in logged(code)]


def test_any_value_can_be_logged() -> None:
    """What JSON has no form for is written as Python shows it."""
    code = "log.info('x', a=object, b='\\ud800', c={1: 2}, d=b'x')\nlog.info('y', a={(1,): 2})"

    first, second = logged(code)
    assert ("<class 'object'>", "\ud800") == (first["a"], first["b"])
    assert "y" == second["event"]


def test_warnings_are_logged() -> None:
    """Python's warnings go the same way."""
    (line,) = logged("import warnings\nwarnings.warn('old')")

    assert ("py.warnings", "warning") == (line["logger"], line["level"])


def test_a_terminal_gets_colours_and_no_control_characters() -> None:
    """Lines for people are coloured; what a caller sent cannot write to the terminal."""
    text = on_terminal("log.info('request.finished', path='/x\\x1b[2J')")

    assert "\x1b[1mrequest.finished" in text
    assert "\x1b[2J" not in text
